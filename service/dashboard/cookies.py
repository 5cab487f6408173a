"""The cookies: who is signed in, which browser signs in, the look, and a notice for the next page.

Behind TLS their names begin with `__Host-`: then no other host of the domain can set them.
"""

from urllib.parse import quote, unquote

from starlette.requests import Request
from starlette.responses import Response

SESSION, VISITOR, THEME, NOTICE = "assay", "assay-visitor", "assay-theme", "assay-notice"
THEMES = ("auto", "light", "dark")
_YEAR = 365 * 86_400
_LONGEST = 600


def secure(request: Request) -> bool:
    """Whether the browser speaks TLS, to us or to a proxy whose word is believed."""
    return request.url.scheme == "https"


def read(request: Request, name: str) -> str:
    """The cookie's value; empty if there is none."""
    return unquote(request.cookies.get(_named(request, name), ""))


def write(request: Request, response: Response, name: str, value: str, *, lasts: int | None = None) -> None:
    """Set the cookie for `lasts` seconds, or for as long as the browser runs."""
    response.set_cookie(
        _named(request, name),
        quote(value[:_LONGEST], safe=""),
        max_age=lasts,
        httponly=True,
        samesite="lax",  # links from elsewhere and the provider's answer come signed in; forms bring a token
        secure=secure(request),
    )


def drop(request: Request, response: Response, name: str) -> None:
    """Take the cookie from the browser."""
    response.delete_cookie(_named(request, name), httponly=True, samesite="lax", secure=secure(request))


def theme(request: Request) -> str:
    """The look that this browser chose: one of `THEMES`."""
    chosen = read(request, THEME)
    return chosen if chosen in THEMES else THEMES[0]


def write_theme(request: Request, response: Response, chosen: str) -> None:
    """Keep the look for a year."""
    write(request, response, THEME, chosen if chosen in THEMES else THEMES[0], lasts=_YEAR)


def _named(request: Request, name: str) -> str:
    return f"__Host-{name}" if secure(request) else name
