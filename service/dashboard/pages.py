"""How a view becomes a page: signed in, with the right that it needs, and with errors told in words."""

from collections.abc import Awaitable, Callable, Sequence
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from service.dashboard.error_pages import trouble
from service.dashboard.request import Visit
from service.people.roles import Right

View = Callable[[Visit], Awaitable[Response]]
SIGN_IN, PASSWORD = "/sign-in", "/password"


def page(
    path: str, view: View, *, right: Right = Right.SEE, methods: Sequence[str] = ("GET",), name: str | None = None
) -> Route:
    """A page for people who are signed in and have that right. `name` is that of its entry in the navigation."""

    async def guarded(visit: Visit) -> Response:
        if visit.session is None:
            return _to_sign_in(visit)
        if visit.person.one_time:
            return RedirectResponse(PASSWORD, 303)
        visit.person.require(right)
        return await view(visit)

    return open_page(path, guarded, methods=methods, name=name)


def open_page(path: str, view: View, *, methods: Sequence[str] = ("GET",), name: str | None = None) -> Route:
    """A page for everybody: for signing in, and what comes before the rest."""

    async def endpoint(request: Request) -> Response:
        visit = Visit.of(request)
        try:
            return await view(visit)
        except Exception as error:  # noqa: BLE001 - told as a page, noted in the log
            return trouble(visit, error)

    return Route(path, endpoint, methods=list(methods), name=name or f"{path} {' '.join(methods)}")


def _to_sign_in(visit: Visit) -> Response:
    if visit.by_script:
        return PlainTextResponse("You are signed out. Sign in again.", 401)
    url = visit.request.url
    after = f"{url.path}?{url.query}" if url.query else url.path
    asked = visit.request.method == "GET" and after != "/"
    return RedirectResponse(f"{SIGN_IN}?{urlencode({'after': after})}" if asked else SIGN_IN, 303)
