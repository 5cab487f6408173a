"""Sessions and CSRF: finds out who asks before every page, and turns away what another site made a browser send."""

from jinja2 import Environment
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from service import http_bodies
from service.dashboard import cookies, csrf
from service.dashboard.error_pages import error_page
from service.dashboard.request import PageRequest
from service.dashboard.services import DashboardServices
from service.errors import AssayError, InvalidInput
from service.people.person import Session
from service.people.roles import Right

REFRESH = "x-assay-refresh"
"""The header of what our script fetches without anybody's asking."""
STRANGERS, MAX_BODY = 64 << 10, 4 << 20
"""Bytes that a request may bring from somebody who is not signed in, and from somebody who is."""
LARGE = {"/claims/import": (Right.MANAGE_CLAIMS, 64 << 20)}
"""Where those who have a right may bring more."""
_MAX_FIELD = MAX_BODY
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


class SessionMiddleware:
    """The app, for requests that have a `PageRequest` in their state; those for static files pass as they are."""

    def __init__(self, app: ASGIApp, services: DashboardServices, templates: Environment) -> None:
        self._app, self._services, self._templates = app, services, templates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http" or scope["path"].startswith("/static/"):
            return await self._app(scope, receive, send)
        request = Request(scope)
        token = cookies.read(request, cookies.SESSION)
        try:
            session = await self._services.sign_in.session(token, used=REFRESH not in request.headers)
            request = Request(scope, http_bodies.bounded(request, receive, limit_for(scope["path"], session)))
            secret = self._admit(request, token, session)
            await _check(request, secret)
        except (AssayError, HTTPException) as error:
            return await error_page(self._page_request(request, None, ""), error)(scope, receive, send)
        try:
            return await self._app(scope, request.receive, send)
        finally:
            if form := getattr(request.state, "form", None):
                await form.close()

    def _admit(self, request: Request, token: str, session: Session | None) -> str:
        """Put the page request into the request's state; the secret that its forms are bound to."""
        secret = token if session else cookies.read(request, cookies.VISITOR)
        self._page_request(request, session, secret)
        return secret

    def _page_request(self, request: Request, session: Session | None, secret: str) -> PageRequest:
        request.state.page_request = PageRequest(request, self._services, self._templates, session, secret)
        return request.state.page_request  # type: ignore[no-any-return]


async def _check(request: Request, secret: str) -> None:
    """Raise `NotAllowed` for a request that changes something and is not from one of our pages."""
    if request.method in csrf.SAFE:
        return
    csrf.check_origin(request)
    brought = request.headers.get(csrf.HEADER, "")
    if request.headers.get("content-type", "").startswith(_FORMS):
        form = request.state.form = await _form(request)
        brought = brought or _token(form)
    csrf.check_token(secret, brought)


async def _form(request: Request) -> FormData:
    try:
        return await request.form(max_part_size=_MAX_FIELD)
    except HTTPException as error:
        if error.status_code == 413:
            raise
        raise InvalidInput("form", f"can't be read: {error.detail}", "go back and send it again") from error


def _token(form: FormData) -> str:
    value = form.get(csrf.FIELD, "")
    return value if isinstance(value, str) else ""


def limit_for(path: str, session: Session | None) -> int:
    """How many bytes a request may bring."""
    if session is None:
        return STRANGERS
    right, large = LARGE.get(path, (Right.SEE, MAX_BODY))
    return large if session.person.may(right) else MAX_BODY
