"""Quality: whether moderators agree, how often the model is right, what is out there; and golden items."""

import asyncio
from datetime import timedelta

from starlette.datastructures import FormData
from starlette.responses import Response

from service.dashboard.charts import charts
from service.dashboard.charts import quality as drawn
from service.dashboard.charts.overview import prevalence as by_day
from service.dashboard.error_pages import status_of
from service.dashboard.forms import golden_form
from service.dashboard.forms.golden_form import DECISIONS, Proposed
from service.dashboard.pages import page
from service.dashboard.rendering import words
from service.dashboard.request import Form, PageRequest
from service.domain.decision import CONTENT
from service.domain.post import Surface
from service.errors import Conflict, InvalidInput, NotFound
from service.people.roles import Right
from service.policy.routing import SEVERE
from service.quality.measures import SEASON
from service.quality.overview import Range

_NOTHING = FormData()
_BACK = {
    Range.WEEK: ("7 days", timedelta(days=7)),
    Range.MONTH: ("30 days", timedelta(days=30)),
    Range.SEASON: ("90 days", SEASON),
}


async def show(request: PageRequest) -> Response:
    """What was measured over a range of time."""
    span = _range(request.query("range"))
    asked, (_, back) = request.services.quality, _BACK[span]
    agreements, accuracy, prevalence, drift = await asyncio.gather(
        asked.agreements(back), asked.accuracy(back), asked.prevalence(back), asked.drift()
    )
    return request.render(
        "quality/quality.html",
        span=span,
        ranges=_BACK,
        agreements=agreements,
        accuracy=accuracy,
        prevalence=prevalence,
        drift=drawn.moved(drift),
        on_decision=drawn.agreement("on-decision", "Decision", agreements.decisions),
        on_violation=drawn.agreement("on-violation", "Violation or not", agreements.violations),
        by_category=drawn.by_category(prevalence),
        by_day=by_day(prevalence),
        dot=charts.interval,
    )


def _range(asked: str) -> Range:
    try:
        span = Range(asked or Range.SEASON)
    except ValueError:
        span = Range.HOUR
    if span not in _BACK:
        raise InvalidInput("range", "is none that there is", f"choose {', '.join(_BACK)}")
    return span


async def golden(request: PageRequest) -> Response:
    """Golden items, and how moderators do on them."""
    return await _golden(request)


async def add(request: PageRequest) -> Response:
    """Make a golden item of a pasted text."""
    form = await request.form()
    try:
        return await _added(request, await golden_form.pasted(request, form))
    except (InvalidInput, Conflict) as error:
        return await _golden(request, error, form)


async def add_case(request: PageRequest) -> Response:
    """Make a golden item of a decided case."""
    form = await request.form()
    try:
        return await _added(request, await golden_form.from_case(request, form))
    except (InvalidInput, Conflict, NotFound) as error:
        return await _golden(request, error, form)


async def retire(request: PageRequest) -> Response:
    """Show an item no more."""
    await request.services.quality.retire_golden(request.path("id"), by=request.person.id)
    return request.go("/quality/golden", "The item is retired. What moderators made of it still counts.")


async def _added(request: PageRequest, proposed: Proposed) -> Response:
    item = await request.services.quality.add_golden(
        proposed.post,
        proposed.answer,
        by=request.person.id,
        source=proposed.source,
        note=proposed.note,
        verdict=proposed.verdict,
    )
    ready = "Moderators will meet it among their cases" if item.verdict else "A worker reads it first"
    return request.go("/quality/golden", f"The golden item is added. {ready}.")


async def _golden(
    request: PageRequest, error: InvalidInput | Conflict | NotFound | None = None, form: Form | None = None
) -> Response:
    """The page; with what was sent, where that did not do. Nobody sees how they did themselves."""
    retired = request.query("retired") == "yes"
    items = await request.services.quality.golden_items(retired=retired)
    scores = await request.services.quality.golden_scores()
    like, routing = await golden_form.newest(request), request.services.policies.current.routing
    return request.render(
        "quality/golden.html",
        status_of(error) if error else 200,
        items=items,
        retired=retired,
        grave={item.id for item in items if routing.severity(item.answer.categories) >= SEVERE},
        scores=[score for score in scores if score.moderator != request.person.id],
        dot=charts.interval,
        decisions=[(each, words(each)) for each in DECISIONS],
        categories=[(each, words(each)) for each in CONTENT],
        surfaces=[(each, words(each)) for each in Surface],
        platform=like.platform if like else "example",
        error=error,
        given=form or Form(_NOTHING),
        case=form.text("case") if form else request.query("case"),
    )


_GOLDEN = Right.MANAGE_GOLDEN
ROUTES = [
    page("/quality", show, right=Right.SEE_QUALITY, name="quality"),
    page("/quality/golden", golden, right=_GOLDEN),
    page("/quality/golden", add, right=_GOLDEN, methods=["POST"]),
    page("/quality/golden/case", add_case, right=_GOLDEN, methods=["POST"]),
    page("/quality/golden/{id}/retire", retire, right=_GOLDEN, methods=["POST"]),
]
