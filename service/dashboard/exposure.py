"""How much grave content somebody has seen since their last break. A help, not a control: it lives in a cookie."""

import time
from dataclasses import dataclass, replace

from starlette.requests import Request
from starlette.responses import Response

from service.dashboard import cookies
from service.dashboard.services import BreakPolicy

_COOKIE = "assay-exposure"
_FORGET = 6 * 3600.0  # whoever was away for so long has had a break


@dataclass(frozen=True, slots=True)
class Exposure:
    """Grave posts seen since the last break, when the last was seen, and when a break began (0: none is on)."""

    seen: int = 0
    last: float = 0.0
    resting_since: float = 0.0

    def after_one(self, now: float) -> "Exposure":
        """With one more grave post seen."""
        return Exposure(self.seen + 1, now)

    def due(self, breaks: BreakPolicy) -> bool:
        """Whether a break is due."""
        return bool(breaks.posts) and self.seen >= breaks.posts

    def rests(self, now: float) -> "Exposure":
        """With a break that began now, unless one is on."""
        return self if self.resting_since else replace(self, resting_since=now)

    def left(self, breaks: BreakPolicy, now: float) -> float:
        """Seconds until the break is over; 0 when it is, and all of it where none began."""
        began = self.resting_since or now
        return max(0.0, began + breaks.rest - now)


def read(request: Request) -> Exposure:
    """What the cookie says; nothing seen where it is empty, or from long ago."""
    try:
        seen, last, resting = cookies.read(request, _COOKIE).split(".")
        found = Exposure(int(seen), float(int(last)), float(int(resting)))
    except ValueError:
        return Exposure()
    return found if time.time() - max(found.last, found.resting_since) < _FORGET else Exposure()


def write(request: Request, response: Response, exposure: Exposure) -> None:
    """Keep it for the day."""
    value = f"{exposure.seen}.{round(exposure.last)}.{round(exposure.resting_since)}"
    cookies.write(request, response, _COOKIE, value, lasts=round(_FORGET))
