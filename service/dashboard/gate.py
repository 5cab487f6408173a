"""The gate before every page: it finds out who asks, and turns away what another site made a browser send."""

from jinja2 import Environment
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.dashboard import cookies, csrf
from service.dashboard.troubles import trouble
from service.dashboard.visit import Visit
from service.desk import Desk
from service.errors import AssayError, InvalidInput
from service.people.person import Session

REFRESH = "x-assay-refresh"
"""The header of what our script fetches without anybody's asking."""
MAX_BODY = 64 << 20
_MAX_FIELD = 4 << 20
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


class Gate:
    """The app, for requests that have a `Visit` in their state; those for static files pass as they are."""

    def __init__(self, app: ASGIApp, desk: Desk, templates: Environment) -> None:
        self._app, self._desk, self._templates = app, desk, templates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http" or scope["path"].startswith("/static/"):
            return await self._app(scope, receive, send)
        request = Request(scope, _bounded(receive))
        token = cookies.read(request, cookies.SESSION)
        try:
            session = await self._desk.sign_in.session(token, used=REFRESH not in request.headers)
            secret = self._admit(request, token, session)
            await _check(request, secret)
        except AssayError as error:
            return await trouble(self._visit(request, None, ""), error)(scope, receive, send)
        try:
            return await self._app(scope, request.receive, send)
        finally:
            if form := getattr(request.state, "form", None):
                await form.close()

    def _admit(self, request: Request, token: str, session: Session | None) -> str:
        """Put the visit into the request's state; the secret that its forms are bound to."""
        secret = token if session else cookies.read(request, cookies.VISITOR)
        self._visit(request, session, secret)
        return secret

    def _visit(self, request: Request, session: Session | None, secret: str) -> Visit:
        request.state.visit = Visit(request, self._desk, self._templates, session, secret)
        return request.state.visit  # type: ignore[no-any-return]


async def _check(request: Request, secret: str) -> None:
    """Raise `NotAllowed` for a request that changes something and is not from a page of ours."""
    if request.method in csrf.SAFE:
        return
    csrf.check_origin(request)
    brought = request.headers.get(csrf.HEADER, "")
    if request.headers.get("content-type", "").startswith(_FORMS):
        form = request.state.form = await request.form(max_part_size=_MAX_FIELD)
        brought = brought or _token(form)
    csrf.check_token(secret, brought)


def _token(form: FormData) -> str:
    value = form.get(csrf.FIELD, "")
    return value if isinstance(value, str) else ""


def _bounded(receive: Receive) -> Receive:
    """`receive` that raises `InvalidInput` once a body is too large."""
    taken = 0

    async def receiving() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > MAX_BODY:
            raise InvalidInput("request", f"is larger than {MAX_BODY >> 20} MiB", "send it in parts")
        return message

    return receiving
