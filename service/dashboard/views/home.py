"""The first page, which is the first that somebody may see; the look; and whether the dashboard is up."""

from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from service.dashboard import cookies
from service.dashboard.navigation import entries_for
from service.dashboard.pages import open_page, page
from service.dashboard.request import PageRequest
from service.people.sign_in import safe_path


async def home(request: PageRequest) -> Response:
    """Go to the first page of this person's navigation."""
    routes = {route.name: route.path for route in request.http.app.routes if isinstance(route, Route)}
    entries = entries_for(request.person, routes)
    if entries:
        return RedirectResponse(routes[entries[0].page], 303)
    return request.render("home.html")


async def set_theme(request: PageRequest) -> Response:
    """Keep the look that this browser chose."""
    form = await request.form()
    response = request.go(safe_path(form.text("back", "/")))
    cookies.write_theme(request.http, response, form.text("theme"))
    return response


async def healthy(request: PageRequest) -> Response:
    """Whether the dashboard and its record store answer."""
    await request.services.store.ping()
    return PlainTextResponse("ok")


ROUTES = [
    page("/", home),
    open_page("/theme", set_theme, methods=["POST"]),
    open_page("/healthz", healthy),
]
