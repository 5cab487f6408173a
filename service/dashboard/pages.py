"""How a view becomes a page: signed in, with the right that it needs, and with errors shown in words."""

from collections.abc import Awaitable, Callable, Sequence
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from service.dashboard.error_pages import error_page
from service.dashboard.request import PageRequest
from service.people.roles import Right

View = Callable[[PageRequest], Awaitable[Response]]
SIGN_IN, PASSWORD = "/sign-in", "/password"


def page(
    path: str, view: View, *, right: Right = Right.SEE, methods: Sequence[str] = ("GET",), name: str | None = None
) -> Route:
    """A page for people who are signed in and have that right. `name` is that of its entry in the navigation."""

    async def guarded(request: PageRequest) -> Response:
        if request.session is None:
            return _to_sign_in(request)
        if request.person.one_time:
            return RedirectResponse(PASSWORD, 303)
        request.person.require(right)
        return await view(request)

    return open_page(path, guarded, methods=methods, name=name)


def open_page(path: str, view: View, *, methods: Sequence[str] = ("GET",), name: str | None = None) -> Route:
    """A page for everybody: for signing in, and what comes before the rest."""

    async def endpoint(http: Request) -> Response:
        request = PageRequest.of(http)
        try:
            return await view(request)
        except Exception as error:  # noqa: BLE001 - shown as a page, noted in the log
            return error_page(request, error)

    return Route(path, endpoint, methods=list(methods), name=name or f"{path} {' '.join(methods)}")


def _to_sign_in(request: PageRequest) -> Response:
    if request.by_script:
        return PlainTextResponse("You are signed out. Sign in again.", 401)
    url = request.http.url
    after = f"{url.path}?{url.query}" if url.query else url.path
    asked = request.http.method == "GET" and after != "/"
    return RedirectResponse(f"{SIGN_IN}?{urlencode({'after': after})}" if asked else SIGN_IN, 303)
