"""Signing in by password or by the OpenID provider, changing one's password, signing out."""

from starlette.responses import RedirectResponse, Response

from service.dashboard import cookies
from service.dashboard.error_pages import status_of
from service.dashboard.pages import PASSWORD, SIGN_IN, open_page
from service.dashboard.rendering import lasting
from service.dashboard.request import PageRequest
from service.errors import InvalidInput, SignInRefused, TooManyTries
from service.people.sign_in import new_token, safe_path

_CALLBACK = "/sign-in/provider/back"


async def show(request: PageRequest) -> Response:
    """The form, bound to this browser by a cookie of its own."""
    after = safe_path(request.query("after", "/"))
    if request.session:
        return request.go(after)
    return _form(request, after=after)


async def by_password(request: PageRequest) -> Response:
    """Sign in to a local account."""
    form = await request.form()
    name, after = form.text("name"), safe_path(form.text("after", "/"))
    try:
        token = await request.services.sign_in.with_password(name, form.raw("password"), address=request.address)
    except TooManyTries as error:
        wait = lasting(error.retry_after)
        return _form(request, after=after, name=name, error=f"{error} Try again in {wait}.", status=status_of(error))
    except SignInRefused as error:
        return _form(request, after=after, name=name, error=str(error), status=status_of(error))
    return await _signed_in(request, token, after)


async def to_provider(request: PageRequest) -> Response:
    """Send the browser to the OpenID provider."""
    visitor = cookies.read(request.http, cookies.VISITOR) or new_token()
    after = safe_path(request.query("after", "/"))
    response = RedirectResponse(await request.services.sign_in.to_provider(_callback(request), visitor, after), 303)
    cookies.write(request.http, response, cookies.VISITOR, visitor)
    return response


async def from_provider(request: PageRequest) -> Response:
    """The browser comes back from the provider."""
    visitor = cookies.read(request.http, cookies.VISITOR)
    if refused := request.query("error_description") or request.query("error"):
        return _form(request, after="/", error=f"The provider says: {refused[:200]}", status=401)
    try:
        token, after = await request.services.sign_in.from_provider(
            request.query("state"), request.query("code"), visitor
        )
    except SignInRefused as error:
        return _form(request, after="/", error=str(error), status=status_of(error))
    return await _signed_in(request, token, after)


async def sign_out(request: PageRequest) -> Response:
    """End the session."""
    if request.session:
        await request.services.sign_in.sign_out(request.session)
    response = request.go(SIGN_IN, "You are signed out.")
    cookies.drop(request.http, response, cookies.SESSION)
    response.headers["Clear-Site-Data"] = '"cache"'
    return response


async def password_form(request: PageRequest) -> Response:
    """The form to change one's password."""
    if request.session is None:
        return request.go(SIGN_IN)
    return request.render("password.html", error=None)


async def change_password(request: PageRequest) -> Response:
    """Change one's own password; other sessions of the account end."""
    session = request.session
    if session is None:
        return request.go(SIGN_IN)
    form = await request.form()
    if form.raw("new") != form.raw("again"):
        differs = InvalidInput("new password", "was not typed twice alike", "type the same one twice")
        return request.render("password.html", status_of(differs), error=differs)
    try:
        change = request.services.directory.change_password
        await change(session.person, form.raw("old"), form.raw("new"), session=session.digest)
    except InvalidInput as error:
        return request.render("password.html", status_of(error), error=error)
    return request.go("/", "Your password is changed. Your other sessions have ended.")


def _form(request: PageRequest, *, after: str, name: str = "", error: str = "", status: int = 200) -> Response:
    fresh = "" if request.secret else new_token()
    shown = PageRequest(request.http, request.services, request.templates, None, request.secret or fresh)
    limits = request.services.sign_in.limits
    response = shown.render(
        "sign_in.html",
        status,
        after=after,
        name=name,
        error=error,
        passwords=limits.passwords,
        by_provider=request.services.sign_in.by_provider,
    )
    if fresh:
        cookies.write(request.http, response, cookies.VISITOR, fresh)
    return response


async def _signed_in(request: PageRequest, token: str, after: str) -> Response:
    """Begin again: the session that this browser may have had ends, the visitor's cookie goes."""
    if request.session:
        await request.services.sign_in.sign_out(request.session)
    response = request.go(after)
    cookies.write(request.http, response, cookies.SESSION, token)
    cookies.drop(request.http, response, cookies.VISITOR)
    return response


def _callback(request: PageRequest) -> str:
    if request.services.url:
        return request.services.url.rstrip("/") + _CALLBACK
    return str(request.http.url.replace(path=_CALLBACK, query=""))


ROUTES = [
    open_page(SIGN_IN, show, name="sign-in"),
    open_page(SIGN_IN, by_password, methods=["POST"]),
    open_page("/sign-in/provider", to_provider),
    open_page(_CALLBACK, from_provider),
    open_page("/sign-out", sign_out, methods=["POST"]),
    open_page(PASSWORD, password_form, name="password"),
    open_page(PASSWORD, change_password, methods=["POST"]),
]
