"""One request to the dashboard: who asks, what they work with, and the ways to answer."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from service.dashboard import cookies, csrf
from service.dashboard.navigation import entries_for
from service.dashboard.services import DashboardServices
from service.domain.decision import Category
from service.errors import InvalidInput, NotAllowed
from service.people.person import Person, Session
from service.people.roles import Right
from service.policy.routing import SEVERE

SCRIPT = "x-assay-script"
"""The header of requests that our script makes: they are answered by a part of a page, or by plain words."""


class Form:
    """The fields of a form, as text that is there or not."""

    def __init__(self, data: FormData) -> None:
        self._data = data

    def text(self, name: str, default: str = "") -> str:
        """The field's text without space around it."""
        value = self._data.get(name, default)
        return value.strip() if isinstance(value, str) else default

    def raw(self, name: str, default: str = "") -> str:
        """The field's text to the letter, with the line ends of Unix."""
        value = self._data.get(name, default)
        return value.replace("\r\n", "\n") if isinstance(value, str) else default

    def texts(self, name: str) -> list[str]:
        """All values of a field that may be there many times."""
        return [value for value in self._data.getlist(name) if isinstance(value, str)]

    def whole(self, name: str, default: int | None = None) -> int:
        """The field as a whole number. Raises `InvalidInput`."""
        return _whole(name, self.text(name), default)

    def file(self, name: str) -> UploadFile | None:
        """The uploaded file, if one was chosen."""
        value = self._data.get(name)
        return value if isinstance(value, UploadFile) and value.filename else None


@dataclass(frozen=True, slots=True)
class PageRequest:
    """A request, the session it came with, and `secret`, the cookie that its forms are bound to."""

    http: Request
    services: DashboardServices
    templates: Environment
    session: Session | None
    secret: str

    @classmethod
    def of(cls, http: Request) -> "PageRequest":
        """The request that the middleware let in."""
        request = http.state.page_request
        assert isinstance(request, cls)  # noqa: S101 - the middleware runs before every route
        return request

    @property
    def person(self) -> Person:
        """Who is signed in; raises `NotAllowed` on a page that is open to all."""
        if self.session is None:
            raise NotAllowed("you are not signed in")
        return self.session.person

    @property
    def by_script(self) -> bool:
        """Whether our script asks, for a part of a page."""
        return SCRIPT in self.http.headers

    @property
    def address(self) -> str:
        """Where the browser is."""
        return self.http.client.host if self.http.client else ""

    def may(self, right: Right) -> bool:
        """Whether the person may do that."""
        return self.session is not None and self.session.person.may(right)

    def grave(self, categories: Collection[Category]) -> bool:
        """Whether a text of these categories is blurred until it is asked for."""
        return self.services.policies.current.routing.severity(categories) >= SEVERE

    def path(self, name: str) -> str:
        """The part of the path called `name`, as in `/people/{id}`."""
        return str(self.http.path_params[name])

    def query(self, name: str, default: str = "") -> str:
        """The query's value, without space around it."""
        return self.http.query_params.get(name, default).strip()

    def queries(self, name: str) -> list[str]:
        """All values of the query that may be there many times; empty ones are left out."""
        return [value for value in self.http.query_params.getlist(name) if value]

    def whole(self, name: str, default: int) -> int:
        """The query's value as a whole number. Raises `InvalidInput`."""
        return _whole(name, self.query(name), default)

    async def form(self) -> Form:
        """The form that was sent. Its token is checked already."""
        data = getattr(self.http.state, "form", None)
        return Form(data if isinstance(data, FormData) else FormData())

    def render(self, template: str, /, code: int = 200, **values: Any) -> HTMLResponse:
        """A page from a template, which also finds what `_context` names. A notice is shown once."""
        notice = "" if self.by_script else cookies.read(self.http, cookies.NOTICE)
        page = self.templates.get_template(template).render({**self._context(), "notice": notice, **values})
        response = HTMLResponse(page, code)
        if notice:
            cookies.drop(self.http, response, cookies.NOTICE)
        return response

    def go(self, path: str, notice: str = "") -> Response:
        """Send the browser to another page, which shows the notice."""
        response = RedirectResponse(path, 303)
        if notice:
            cookies.write(self.http, response, cookies.NOTICE, notice, lasts=60)
        return response

    def json(self, value: Any, status: int = 200) -> Response:
        """An answer for our script."""
        return JSONResponse(value, status)

    def _context(self) -> Mapping[str, Any]:
        """What every template finds."""
        person = self.session.person if self.session else None
        return {
            "request": self,
            "person": person,
            "may": self.may,
            "Right": Right,
            "csrf_token": csrf.token_for(self.secret),
            "theme": cookies.theme(self.http),
            "navigation": entries_for(person, self._routes()),
            "here": self.http.url.path,
            "query": self.http.query_params,
        }

    def _routes(self) -> Iterator[str]:
        return (route.name for route in self.http.app.routes if isinstance(route, Route))


def _whole(name: str, text: str, default: int | None) -> int:
    if not text and default is not None:
        return default
    try:
        return int(text[:20])
    except ValueError:
        raise InvalidInput(name, "is no whole number", "use digits, such as 20") from None
