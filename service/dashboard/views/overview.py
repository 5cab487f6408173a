"""Overview: how much came in, what was decided, how fast and how well, over an hour or a season."""

from starlette.responses import Response

from service.dashboard.charts.overview import charts_of
from service.dashboard.pages import page
from service.dashboard.request import PageRequest
from service.domain.decision import Decision
from service.errors import InvalidInput
from service.quality.overview import Overview, Range

_NAMES = {
    Range.HOUR: "1 hour",
    Range.QUARTER: "6 hours",
    Range.DAY: "24 hours",
    Range.WEEK: "7 days",
    Range.MONTH: "30 days",
    Range.SEASON: "90 days",
}


async def show(request: PageRequest) -> Response:
    """The numbers of a range of time."""
    span = _range(request.query("range"))
    found = await request.services.quality.overview(span)
    return request.render(
        "overview/overview.html",
        overview=found,
        ranges=_NAMES,
        drawn=charts_of(found),
        acted=_acted(found),
        waiting=sum(queue.open for queue in found.queues),
    )


def _range(asked: str) -> Range:
    try:
        return Range(asked or Range.DAY)
    except ValueError:
        raise InvalidInput("range", "is none that there is", f"choose {', '.join(Range)}") from None


def _acted(found: Overview) -> float | None:
    """The share of posts that were not simply allowed."""
    return 1 - found.decisions[Decision.ALLOW] / found.posts if found.posts else None


ROUTES = [page("/overview", show, name="overview")]
