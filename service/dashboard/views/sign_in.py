"""Signing in by password or by the OpenID provider, changing one's password, signing out."""

from starlette.responses import RedirectResponse, Response

from service.dashboard import cookies
from service.dashboard.error_pages import status_of
from service.dashboard.pages import PASSWORD, SIGN_IN, open_page
from service.dashboard.rendering import lasting
from service.dashboard.request import Visit
from service.errors import InvalidInput, SignInRefused, TooManyTries
from service.people.sign_in import new_token, safe_path

_CALLBACK = "/sign-in/provider/back"


async def show(visit: Visit) -> Response:
    """The form, bound to this browser by a cookie of its own."""
    after = safe_path(visit.query("after", "/"))
    if visit.session:
        return visit.go(after)
    return _form(visit, after=after)


async def by_password(visit: Visit) -> Response:
    """Sign in to a local account."""
    form = await visit.form()
    name, after = form.text("name"), safe_path(form.text("after", "/"))
    try:
        token = await visit.desk.sign_in.with_password(name, form.raw("password"), address=visit.address)
    except TooManyTries as error:
        wait = lasting(error.retry_after)
        return _form(visit, after=after, name=name, error=f"{error} Try again in {wait}.", status=status_of(error))
    except SignInRefused as error:
        return _form(visit, after=after, name=name, error=str(error), status=status_of(error))
    return await _signed_in(visit, token, after)


async def to_provider(visit: Visit) -> Response:
    """Send the browser to the OpenID provider."""
    visitor = cookies.read(visit.request, cookies.VISITOR) or new_token()
    after = safe_path(visit.query("after", "/"))
    response = RedirectResponse(await visit.desk.sign_in.to_provider(_callback(visit), visitor, after), 303)
    cookies.write(visit.request, response, cookies.VISITOR, visitor)
    return response


async def from_provider(visit: Visit) -> Response:
    """The browser comes back from the provider."""
    visitor = cookies.read(visit.request, cookies.VISITOR)
    if refused := visit.query("error_description") or visit.query("error"):
        return _form(visit, after="/", error=f"The provider says: {refused[:200]}", status=401)
    try:
        token, after = await visit.desk.sign_in.from_provider(visit.query("state"), visit.query("code"), visitor)
    except SignInRefused as error:
        return _form(visit, after="/", error=str(error), status=status_of(error))
    return await _signed_in(visit, token, after)


async def sign_out(visit: Visit) -> Response:
    """End the session."""
    if visit.session:
        await visit.desk.sign_in.sign_out(visit.session)
    response = visit.go(SIGN_IN, "You are signed out.")
    cookies.drop(visit.request, response, cookies.SESSION)
    response.headers["Clear-Site-Data"] = '"cache"'
    return response


async def password_form(visit: Visit) -> Response:
    """The form to change one's password."""
    if visit.session is None:
        return visit.go(SIGN_IN)
    return visit.render("password.html", error=None)


async def change_password(visit: Visit) -> Response:
    """Change one's own password; other sessions of the account end."""
    session = visit.session
    if session is None:
        return visit.go(SIGN_IN)
    form = await visit.form()
    if form.raw("new") != form.raw("again"):
        differs = InvalidInput("new password", "was not typed twice alike", "type the same one twice")
        return visit.render("password.html", status_of(differs), error=differs)
    try:
        change = visit.desk.directory.change_password
        await change(session.person, form.raw("old"), form.raw("new"), session=session.digest)
    except InvalidInput as error:
        return visit.render("password.html", status_of(error), error=error)
    return visit.go("/", "Your password is changed. Your other sessions have ended.")


def _form(visit: Visit, *, after: str, name: str = "", error: str = "", status: int = 200) -> Response:
    fresh = "" if visit.secret else new_token()
    shown = Visit(visit.request, visit.desk, visit.templates, None, visit.secret or fresh)
    limits = visit.desk.sign_in.limits
    response = shown.render(
        "sign_in.html",
        status,
        after=after,
        name=name,
        error=error,
        passwords=limits.passwords,
        by_provider=visit.desk.sign_in.by_provider,
    )
    if fresh:
        cookies.write(visit.request, response, cookies.VISITOR, fresh)
    return response


async def _signed_in(visit: Visit, token: str, after: str) -> Response:
    """Begin anew: the session that this browser may have had ends, the visitor's cookie goes."""
    if visit.session:
        await visit.desk.sign_in.sign_out(visit.session)
    response = visit.go(after)
    cookies.write(visit.request, response, cookies.SESSION, token)
    cookies.drop(visit.request, response, cookies.VISITOR)
    return response


def _callback(visit: Visit) -> str:
    if visit.desk.url:
        return visit.desk.url.rstrip("/") + _CALLBACK
    return str(visit.request.url.replace(path=_CALLBACK, query=""))


ROUTES = [
    open_page(SIGN_IN, show, name="sign-in"),
    open_page(SIGN_IN, by_password, methods=["POST"]),
    open_page("/sign-in/provider", to_provider),
    open_page(_CALLBACK, from_provider),
    open_page("/sign-out", sign_out, methods=["POST"]),
    open_page(PASSWORD, password_form, name="password"),
    open_page(PASSWORD, change_password, methods=["POST"]),
]
