"""Policy: what is live, what a change would do before it does it, promotion and the way back."""

from collections.abc import Sequence
from typing import Any

from starlette.responses import Response

from service.dashboard.error_pages import status_of
from service.dashboard.pages import page
from service.dashboard.request import PageRequest
from service.domain.decision import Decision
from service.domain.post import Post, Surface
from service.domain.validation import check
from service.errors import AssayError, InvalidInput, PolicyInvalid, RedisUnavailable
from service.people.roles import Right
from service.policy.governance.backtest import Backtest
from service.policy.governance.policy_version import PolicyAct, PolicyChange, PolicyVersion
from service.policy.governance.trial import Trial
from service.policy.ports import BudgetState

_PAGE, _CHANGES, _DAYS, _MOST_TRIED = 50, 20, 7, 20


async def overview(request: PageRequest) -> Response:
    """What is live and what runs in shadow, all versions, and who changed what."""
    governing, before = request.services.governing, request.whole("before", 0) or None
    versions = await governing.versions(before=before, limit=_PAGE + 1)
    live, promoted = await governing.live(), (await governing.slots()).live
    changes = await governing.changes(limit=_PAGE)
    return request.render(
        "policy/overview.html",
        live=live,
        promoted=promoted,
        before=await _before(request, changes, promoted),
        shadow=await governing.shadow(),
        versions=versions[:_PAGE],
        older=versions[_PAGE - 1].number if len(versions) > _PAGE else 0,
        changes=changes[:_CHANGES],
        budget=await _budget(request),
        policy=request.services.policies.current,
    )


async def write(request: PageRequest) -> Response:
    """A new version, beginning from another's document."""
    found = await request.services.governing.find(request.query("from"))
    return _editor(request, document=found.document, base=found.version)


async def examine(request: PageRequest) -> Response:
    """Check a document, and what it would decide of pasted posts; nothing is kept."""
    form = await request.form()
    document, pasted, surface = form.raw("document"), form.raw("posts"), form.text("surface", Surface.FEED)
    mistakes = await request.services.governing.mistakes(document)
    trials: list[Trial] = []
    error: AssayError | None = None
    if not mistakes and pasted.strip():
        try:
            trials = await _tried(request, document, pasted, surface)
        except AssayError as problem:
            error = problem
    return _editor(
        request,
        document=document,
        base=form.text("base"),
        note=form.text("note"),
        posts=pasted,
        surface=surface,
        mistakes=mistakes,
        valid=not mistakes,
        trials=trials,
        error=error,
    )


async def create(request: PageRequest) -> Response:
    """Keep a document as a version. It decides nothing until it is promoted."""
    form = await request.form()
    document, note = form.raw("document"), form.text("note")
    try:
        made = await request.services.governing.create(document, author=request.person.id, note=note)
    except PolicyInvalid:
        mistakes = await request.services.governing.mistakes(document)
        return _editor(request, 400, document=document, base=form.text("base"), note=note, mistakes=mistakes)
    return request.go(f"/policy/versions/{made.version}", f"Kept as version {made.number}. It decides nothing yet.")


async def show(request: PageRequest) -> Response:
    """One version: what it changes beside the live one, and what can be done with it."""
    return await _version(request)


async def backtest(request: PageRequest) -> Response:
    """What the version would have decided otherwise of what was recorded lately."""
    form = await request.form()
    days = form.whole("days", _DAYS)
    try:
        result = await request.services.governing.backtest(request.path("version"), days=days)
    except InvalidInput as error:
        return await _version(request, error=error, days=days)
    return await _version(request, result=result, days=days)


async def promote(request: PageRequest) -> Response:
    """Have the version decide."""
    form, version = await request.form(), request.path("version")
    note, seen = form.text("note"), form.text("live")
    await request.services.governing.promote(version, actor=request.person.id, note=note, expected=seen or None)
    return request.go("/policy", "Promoted. Fronts and workers take it up within seconds.")


async def set_shadow(request: PageRequest) -> Response:
    """Try the version beside the live one, or stop trying any."""
    form = await request.form()
    version = form.text("version")
    await request.services.governing.set_shadow(version, actor=request.person.id, note=form.text("note"))
    said = (
        "It runs in shadow: it rules beside the live one and touches nothing."
        if version
        else "Nothing runs in shadow now."
    )
    return request.go("/policy", said)


async def compare(request: PageRequest) -> Response:
    """How a version in shadow did beside what was live."""
    version = request.query("version")
    found = await request.services.governing.compare_shadow(version)
    return request.render("policy/compare.html", found=found, decisions=list(Decision), version=found.version)


async def roll_back(request: PageRequest) -> Response:
    """Take the last promotion back."""
    form = await request.form()
    seen = form.text("live")
    await request.services.governing.roll_back(actor=request.person.id, note=form.text("note"), expected=seen or None)
    return request.go("/policy", "Rolled back. Fronts and workers take it up within seconds.")


async def close_breaker(request: PageRequest) -> Response:
    """Close the circuit breaker: the day's budget is granted once more."""
    form = await request.form()
    await request.services.governing.close_breaker(actor=request.person.id, note=form.text("note"))
    return request.go("/policy", "The breaker is closed, and the day's budget granted once more.")


# ----------------------------------------------------------------------------------------------------------------------


async def _before(request: PageRequest, changes: Sequence[PolicyChange], promoted: str) -> PolicyVersion | None:
    """The version that a roll-back brings back; None where that is the policy file of the settings."""
    made_live = (change for change in changes if change.act is PolicyAct.PROMOTE and change.version == promoted)
    change = next(made_live, None)
    return await request.services.governing.find(change.before) if change and change.before else None


async def _budget(request: PageRequest) -> BudgetState | None:
    """Today's budget; None where Redis, which counts, does not answer."""
    try:
        return await request.services.governing.budget()
    except RedisUnavailable:
        return None


async def _tried(request: PageRequest, document: str, pasted: str, surface: str) -> list[Trial]:
    """The pasted posts, a line each, under the document and under the live policy. Raises `AssayError`."""
    reading = request.services.reading
    if reading is None:
        raise InvalidInput("posts", "can't be read here", "open the dashboard beside a front with workers")
    lines = [line.strip() for line in pasted.splitlines() if line.strip()]
    if len(lines) > _MOST_TRIED:
        raise InvalidInput("posts", f"holds {len(lines)} posts", f"paste up to {_MOST_TRIED}, a line each")
    if surface not in set(Surface):
        raise InvalidInput("surface", f"{surface[:40]!r} is none", f"choose among {', '.join(Surface)}")
    posts = [
        Post(platform="pasted", id=str(place), text=line, surface=Surface(surface)) for place, line in enumerate(lines)
    ]
    for post in posts:
        check(post)
    return await request.services.governing.test_document(document, posts, reading)


def _editor(request: PageRequest, status: int = 200, /, *, document: str, base: str, **given: Any) -> Response:
    blank = {
        "note": "",
        "posts": "",
        "surface": Surface.FEED,
        "mistakes": [],
        "valid": False,
        "trials": [],
        "error": None,
    }
    return request.render(
        "policy/write.html", status, document=document, base=base, surfaces=list(Surface), **{**blank, **given}
    )


async def _version(
    request: PageRequest, *, result: Backtest | None = None, error: AssayError | None = None, days: int = _DAYS
) -> Response:
    governing, version = request.services.governing, request.path("version")
    found, live = await governing.find(version), await governing.live()
    return request.render(
        "policy/version.html",
        status_of(error) if error else 200,
        found=found,
        live=live,
        shadow=await governing.shadow(),
        differences=[] if found.version == live.version else await governing.difference(live.version, found.version),
        result=result,
        days=days,
        error=error,
    )


_WRITE, _PROMOTE = Right.WRITE_POLICY, Right.PROMOTE_POLICY
ROUTES = [
    page("/policy", overview, name="policy"),
    page("/policy/write", write, right=_WRITE),
    page("/policy/examine", examine, right=_WRITE, methods=["POST"]),
    page("/policy/versions", create, right=_WRITE, methods=["POST"]),
    page("/policy/shadow", compare),
    page("/policy/shadow", set_shadow, right=_WRITE, methods=["POST"]),
    page("/policy/roll-back", roll_back, right=_PROMOTE, methods=["POST"]),
    page("/policy/breaker", close_breaker, right=_PROMOTE, methods=["POST"]),
    page("/policy/versions/{version}", show),
    page("/policy/versions/{version}/backtest", backtest, right=_WRITE, methods=["POST"]),
    page("/policy/versions/{version}/promote", promote, right=_PROMOTE, methods=["POST"]),
]
