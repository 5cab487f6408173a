"""The queue: one case after another, decided by keyboard. `cluster.py` decides many at once."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.datastructures import QueryParams
from starlette.responses import RedirectResponse, Response

from service.dashboard import exposure
from service.dashboard.error_pages import status_of
from service.dashboard.forms.ruling_form import OUTCOMES, appeal_ruling, choices, ruled
from service.dashboard.pages import page
from service.dashboard.post_detail import PostDetail, post_detail
from service.dashboard.request import Form, PageRequest
from service.domain.decision import CONTENT
from service.domain.post import Surface
from service.errors import AssayError, Conflict, InvalidInput, NotFound, NotHeld, Outdated
from service.people.person import Person
from service.people.roles import Right
from service.policy.routing import SEVERE
from service.review.appeal import Appeal, AppealState
from service.review.case import Case, CaseFilter, CaseKind, CaseState, author_name
from service.review.reviewing import CaseView

_FILTERS = ("queue", "surface", "region", "language", "severity")
_LOST = (NotHeld, Conflict, Outdated, NotFound)
"""Errors that mean that something changed meanwhile: the next case comes."""
_NOTHING = "Nothing more is free here for you: what waits is held by colleagues, was skipped or first decided by you."
_SKIPS = ("I can't judge this", "Not my language", "I know somebody in it", "I don't want to see this")
_PEOPLE = 200
AHEAD = "x-assay-ahead"
"""Names the case that the script has shown already, made ready by `ahead`."""


@dataclass(frozen=True, slots=True)
class _Screen:
    """What the page of one case is made of."""

    view: CaseView
    file: PostDetail | None
    appeal: Appeal | None
    colleagues: Sequence[Person]


async def queues(request: PageRequest) -> Response:
    """All queues, and where to begin."""
    seen = exposure.read(request.http)
    mine = CaseFilter(states=(CaseState.OPEN,), moderator=request.person.id)
    held = await request.services.reviewing.cases(mine, limit=1)
    return request.render(
        "queue/queues.html",
        queues=await request.services.reviewing.queues(),
        chosen=request.queries("queue"),
        held=held,
        surfaces=list(Surface),
        seen=seen,
        breaks=request.services.breaks,
    )


async def begin(request: PageRequest) -> Response:
    """Lease the most urgent case that the filters let through, and show it."""
    form = await request.form()
    asked = {name: values for name in _FILTERS if (values := [v for v in form.texts(name) if v])}
    return await _next(request, urlencode(asked, doseq=True))


async def show(request: PageRequest) -> Response:
    """One case: to decide if the person holds it, else to read."""
    return await _case(request, await _screen(request, request.path("id")))


async def ahead(request: PageRequest) -> Response:
    """The case that is to follow this one, leased and made ready while the person reads; nothing where none is."""
    me, query = request.person.id, request.http.url.query
    current = await request.services.reviewing.find(request.path("id"))
    seen = _seen(request, grave=_grave(current))
    if current.holder == me and not seen.due(request.services.breaks):
        following = await request.services.reviewing.lease_ahead(me, _filter(query), current.id)
        if following:
            return await _case(request, await _screen(request, following.id), query=query, seen=seen)
    return Response(status_code=204)


async def decide(request: PageRequest) -> Response:
    """Decide, or give an opinion and ask for a second one; then the next case."""
    form, case_id, me = await request.form(), request.path("id"), request.person.id
    try:
        said = ruled(form, request.services.policies.current.routing)
        if form.text("opinion") == "yes":
            outcome = await request.services.reviewing.second_opinion(case_id, me, said, seconds=_seconds(form))
        else:
            outcome = await request.services.reviewing.decide(case_id, me, said, seconds=_seconds(form))
    except InvalidInput as error:
        return await _case(request, await _screen(request, case_id), form=form, error=error)
    except _LOST as error:
        return await _next(request, request.http.url.query, _sentence(error))
    return await _next(request, request.http.url.query, _told(len(outcome.verdicts)), grave=_grave(outcome.case))


async def decide_appeal(request: PageRequest) -> Response:
    """Reject the appeal, so that what is contested stays, or uphold it with a milder decision; then the next case."""
    form, me = await request.form(), request.person.id
    case = await request.services.reviewing.find(request.path("id"))
    told = form.text("outcome")
    try:
        appeal = await request.services.appealing.find(case.subject.removeprefix("appeals/"))
        said = appeal_ruling(form, request.services.policies.current.routing, appeal)
        state = AppealState.REJECTED if told == AppealState.REJECTED else AppealState.UPHELD
        _, outcome = await request.services.appealing.decide(appeal.id, me, state, said, seconds=_seconds(form))
    except InvalidInput as error:
        return await _case(request, await _screen(request, case.id), form=form, error=error)
    except _LOST as error:
        return await _next(request, request.http.url.query, _sentence(error))
    words = "The appeal is rejected." if state is AppealState.REJECTED else "The appeal is upheld."
    return await _next(request, request.http.url.query, words, grave=_grave(outcome.case))


async def skip(request: PageRequest) -> Response:
    """Give the case back for good; then the next one."""
    form, case_id = await request.form(), request.path("id")
    try:
        grave = _grave(await request.services.reviewing.find(case_id))
        await request.services.reviewing.skip(case_id, request.person.id, form.text("reason"))
    except _LOST as error:
        return await _next(request, request.http.url.query, _sentence(error))
    return await _next(request, request.http.url.query, "Skipped; somebody else gets it.", grave=grave)


async def hand_over(request: PageRequest) -> Response:
    """Give the case to a colleague or back to its queue; then the next one."""
    form, case_id = await request.form(), request.path("id")
    try:
        case = await request.services.reviewing.hand_over(
            case_id, request.person.id, to=form.text("to"), note=form.raw("note").strip()
        )
    except _LOST as error:
        return await _next(request, request.http.url.query, _sentence(error))
    return await _next(request, request.http.url.query, "Handed over.", grave=_grave(case))


async def undo(request: PageRequest) -> Response:
    """Take the last decision back and show its case again."""
    try:
        outcome = await request.services.reviewing.undo(request.person.id)
    except (NotFound, Outdated, Conflict) as error:
        if request.by_script:
            raise
        return request.go("/queue", _sentence(error))
    if outcome.case is None:
        return _away(request, "/queue", "The bulk decision is taken back.")
    notice = "Taken back. The case is yours again."
    if request.by_script:
        return await _case(request, await _screen(request, outcome.case.id), said=notice)
    return request.go(_address(outcome.case.id, request.http.url.query), notice)


async def extend(request: PageRequest) -> Response:
    """Hold on to the case: the page's heartbeat."""
    case = await request.services.reviewing.extend(request.path("id"), request.person.id)
    return request.json({"until": case.lease_until.isoformat() if case.lease_until else ""})


async def add_note(request: PageRequest) -> Response:
    """Leave a note for colleagues on the post or its author."""
    form, case_id = await request.form(), request.path("id")
    case = await request.services.reviewing.find(case_id)
    about = author_name(case.post.name, case.author) if form.text("about") == "author" else case.post.name
    try:
        await request.services.reviewing.add_note(about, request.person.id, form.raw("text").strip())
    except InvalidInput as error:
        return await _case(request, await _screen(request, case_id), error=error)
    if request.by_script:
        return await _case(request, await _screen(request, case_id), said="Noted.")
    return request.go(_address(case_id, request.http.url.query), "Noted.")


async def pause(request: PageRequest) -> Response:
    """The break that is due after so many grave posts."""
    breaks, now = request.services.breaks, time.time()
    resting = exposure.read(request.http).rests(now)
    response = request.render("queue/break.html", seen=resting.seen, left=resting.left(breaks, now))
    exposure.write(request.http, response, resting)
    return response


async def resume(request: PageRequest) -> Response:
    """End the break."""
    response = request.go("/queue", "Welcome back.")
    exposure.write(request.http, response, exposure.Exposure())
    return response


# ----------------------------------------------------------------------------------------------------------------------


async def _next(request: PageRequest, query: str, said: str = "", *, grave: bool = False) -> Response:
    """The next case, as a page for the script and by its address without; a break first, where one is due."""
    seen = _seen(request, grave=grave)
    response = await _answer(request, query, said, rest=seen.due(request.services.breaks))
    exposure.write(request.http, response, seen)
    return response


def _seen(request: PageRequest, *, grave: bool) -> exposure.Exposure:
    """What the person has seen once done with a case; `grave`: with one more grave post."""
    seen = exposure.read(request.http)
    return seen.after_one(time.time()) if grave else seen


async def _answer(request: PageRequest, query: str, said: str, *, rest: bool) -> Response:
    if rest:
        return _away(request, "/queue/break", "")
    leased = await request.services.reviewing.lease(request.person.id, _filter(query))
    if not leased:
        return _away(request, f"/queue?{query}", f"{said} {_NOTHING}".strip())
    following = leased[0].id
    if not request.by_script:
        return request.go(_address(following, query), said)
    if following == request.http.headers.get(AHEAD):
        return Response(status_code=204, headers={"X-Assay-Said": said})
    return await _case(request, await _screen(request, following), said=said, query=query)


def _away(request: PageRequest, path: str, notice: str) -> Response:
    """To another page; the script goes there itself."""
    response = request.go(path, notice)
    if request.by_script and isinstance(response, RedirectResponse):
        response.status_code = 200
        response.headers["X-Assay-Go"] = path
    return response


async def _screen(request: PageRequest, case_id: str) -> _Screen:
    services = request.services
    view = await services.reviewing.look(case_id, request.person.id)
    case = view.case
    file = await post_detail(services, view.post, view.verdict) if view.post else None
    contested = case.kind is CaseKind.APPEAL
    appeal = await services.appealing.find(case.subject.removeprefix("appeals/")) if contested else None
    people = await services.directory.people(after="", limit=_PEOPLE)
    others = [each for each in people if each.id != request.person.id and not each.disabled and each.may(Right.DECIDE)]
    return _Screen(view, file, appeal, others)


async def _case(
    request: PageRequest,
    screen: _Screen,
    *,
    form: Form | None = None,
    error: AssayError | None = None,
    said: str = "",
    query: str | None = None,
    seen: exposure.Exposure | None = None,
) -> Response:
    case, routing = screen.view.case, request.services.policies.current.routing
    return request.render(
        "queue/case.html",
        status_of(error) if error and not request.by_script else 200,
        screen=screen,
        case=case,
        file=screen.file,
        mine=case.holder == request.person.id and case.closed_at is None,
        choices=choices(routing),
        categories=CONTENT,
        milder=[each for each in OUTCOMES if screen.appeal and each.severity < screen.appeal.contested.severity],
        shown=bool(request.query("show") or (form and form.text("shown"))),
        outcomes=OUTCOMES,
        skips=_SKIPS,
        severe=case.severity >= SEVERE,
        given=_given(form),
        error=error,
        said=said,
        address_query=request.http.url.query if query is None else query,
        seen=seen or exposure.read(request.http),
        breaks=request.services.breaks,
    )


def _given(form: Form | None) -> dict[str, str | list[str]]:
    """What was filled in before an error, to be there again."""
    names = ("choice", "decision", "scope", "rationale", "opinion", "outcome")
    given = {name: form.raw(name) if form else "" for name in names}
    return {**given, "also": form.texts("also") if form else []}


def _filter(query: str) -> CaseFilter:
    """The cases that a query string lets through. Raises `InvalidInput`."""
    asked = QueryParams(query)
    values = {name: tuple(value for value in asked.getlist(name) if value) for name in _FILTERS}
    try:
        surfaces = tuple(map(Surface, values["surface"]))
        severity = int((values["severity"] or ("1",))[0])
    except ValueError:
        raise InvalidInput("filter", "names a surface or severity that there isn't", "choose from the lists") from None
    return CaseFilter(
        queues=values["queue"],
        surfaces=surfaces,
        regions=values["region"],
        languages=values["language"],
        least_severity=severity,
    )


def _address(case_id: str, query: str) -> str:
    return f"/queue/cases/{case_id}?{query}" if query else f"/queue/cases/{case_id}"


def _sentence(error: AssayError) -> str:
    """An error's words as a sentence."""
    words = str(error)
    return f"{words[:1].upper()}{words[1:]}."


def _told(verdicts: int) -> str:
    return f"Decided, for {verdicts} posts." if verdicts > 1 else "Decided."


def _grave(case: Case | None) -> bool:
    return case is not None and case.severity >= SEVERE


def _seconds(form: Form) -> float:
    """The seconds that the page says were spent; 0 where it doesn't."""
    told = form.text("seconds")
    return min(float(told), 3600.0) if told.replace(".", "", 1).isdecimal() else 0.0


_DECIDE = Right.DECIDE
ROUTES = [
    page("/queue", queues, right=_DECIDE, name="queue"),
    page("/queue/next", begin, right=_DECIDE, methods=["POST"]),
    page("/queue/undo", undo, right=_DECIDE, methods=["POST"]),
    page("/queue/break", pause, right=_DECIDE),
    page("/queue/break", resume, right=_DECIDE, methods=["POST"]),
    page("/queue/cases/{id}", show, right=_DECIDE),
    page("/queue/cases/{id}/ahead", ahead, right=_DECIDE, methods=["POST"]),
    page("/queue/cases/{id}/decide", decide, right=_DECIDE, methods=["POST"]),
    page("/queue/cases/{id}/appeal", decide_appeal, right=Right.DECIDE_APPEALS, methods=["POST"]),
    page("/queue/cases/{id}/skip", skip, right=_DECIDE, methods=["POST"]),
    page("/queue/cases/{id}/hand-over", hand_over, right=_DECIDE, methods=["POST"]),
    page("/queue/cases/{id}/extend", extend, right=_DECIDE, methods=["POST"]),
    page("/queue/cases/{id}/notes", add_note, right=_DECIDE, methods=["POST"]),
]
