"""The dashboard as an ASGI app: pages of `views`, static files, the middleware before them and the headers around all.

It serves HTML that is whole without the script; `static/assay.js` adds keys, confirmations and parts that refresh.
"""

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Scope

from service.dashboard.error_pages import error_page
from service.dashboard.headers import SecurityHeaders
from service.dashboard.middleware import SessionMiddleware
from service.dashboard.rendering import STATIC, environment
from service.dashboard.request import PageRequest
from service.dashboard.services import DashboardServices
from service.dashboard.views import PAGES


def dashboard_app(services: DashboardServices) -> ASGIApp:
    """The dashboard on this services."""
    routes: list[BaseRoute] = [route for module in PAGES for route in module.ROUTES]
    routes.append(Mount("/static", _Files(directory=STATIC), name="static"))
    app = Starlette(
        routes=routes,
        middleware=[Middleware(SessionMiddleware, services=services, templates=environment())],
        exception_handlers={HTTPException: _missing},
    )
    return SecurityHeaders(app)


class _Files(StaticFiles):
    """Files that browsers keep for a year: their URLs change with them."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """See `StaticFiles.get_response`."""
        response = await super().get_response(path, scope)
        versioned = b"v=" in scope.get("query_string", b"")
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if versioned else "no-cache"
        return response


async def _missing(request: Request, error: Exception) -> Response:
    """What no route answers."""
    if not hasattr(request.state, "page_request"):  # a static file that is not there
        return Response(status_code=error.status_code if isinstance(error, HTTPException) else 404)
    return error_page(PageRequest.of(request), error)
