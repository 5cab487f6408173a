"""People: who may sign in and what they may do; for administrators."""

from starlette.responses import Response

from service.dashboard.error_pages import status_of
from service.dashboard.pages import page
from service.dashboard.request import Form, PageRequest
from service.errors import AlreadyExists, InvalidInput
from service.people.roles import RIGHTS, Right, Role

_PAGE = 50


async def listed(request: PageRequest) -> Response:
    """Everybody, in the order of their names."""
    return await _list(request)


async def add(request: PageRequest) -> Response:
    """Add somebody with a local account; their one-time password is shown this once."""
    form = await request.form()
    try:
        person, password = await request.services.directory.add(form.text("name"), _roles(form), by=request.person)
    except (InvalidInput, AlreadyExists) as error:
        return await _list(request, status_of(error), error=error, name=form.text("name"), chosen=form.texts("roles"))
    return request.render("people/password.html", whose=person, password=password, added=True)


async def show(request: PageRequest) -> Response:
    """One person: what they may do, and what can be changed."""
    return await _one(request)


async def set_roles(request: PageRequest) -> Response:
    """Change somebody's roles."""
    form = await request.form()
    try:
        person = await request.services.directory.set_roles(request.path("id"), _roles(form), by=request.person)
    except InvalidInput as error:
        return await _one(request, status_of(error), error=error)
    return request.go(f"/people/{person.id}", f"The roles of {person.name} are changed. They must sign in again.")


async def set_disabled(request: PageRequest) -> Response:
    """Shut somebody out, or let them in again."""
    form = await request.form()
    disabled = form.text("disabled") == "yes"
    person = await request.services.directory.set_disabled(request.path("id"), disabled, by=request.person)
    said = "is signed out and can't sign in any more" if disabled else "may sign in again"
    return request.go(f"/people/{person.id}", f"{person.name} {said}.")


async def reset_password(request: PageRequest) -> Response:
    """Give somebody a new one-time password, which is shown this once."""
    password = await request.services.directory.reset_password(request.path("id"), by=request.person)
    person = await request.services.directory.find(request.path("id"))
    return request.render("people/password.html", whose=person, password=password, added=False)


async def _list(
    request: PageRequest,
    status: int = 200,
    *,
    error: Exception | None = None,
    name: str = "",
    chosen: list[str] | None = None,
) -> Response:
    people = await request.services.directory.people(after=request.query("after"), limit=_PAGE + 1)
    return request.render(
        "people/list.html",
        status,
        people=people[:_PAGE],
        following=people[_PAGE - 1].name if len(people) > _PAGE else "",
        roles=RIGHTS,
        error=error,
        name=name,
        chosen=chosen or [Role.MODERATOR],
    )


async def _one(request: PageRequest, status: int = 200, *, error: Exception | None = None) -> Response:
    whose = await request.services.directory.find(request.path("id"))
    return request.render("people/one.html", status, whose=whose, roles=RIGHTS, error=error)


def _roles(form: Form) -> frozenset[Role]:
    """The roles that were ticked. Raises `InvalidInput`."""
    try:
        return frozenset(map(Role, form.texts("roles")))
    except ValueError:
        raise InvalidInput("roles", "names a role that there isn't", f"choose among {', '.join(Role)}") from None


_MANAGE = Right.MANAGE_PEOPLE
ROUTES = [
    page("/people", listed, right=_MANAGE, name="people"),
    page("/people", add, right=_MANAGE, methods=["POST"]),
    page("/people/{id}", show, right=_MANAGE),
    page("/people/{id}/roles", set_roles, right=_MANAGE, methods=["POST"]),
    page("/people/{id}/disabled", set_disabled, right=_MANAGE, methods=["POST"]),
    page("/people/{id}/password", reset_password, right=_MANAGE, methods=["POST"]),
]
