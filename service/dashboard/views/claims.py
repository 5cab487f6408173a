"""Claims: search them, import them, take them out of enforcement, and look at whether a text repeats one."""

import asyncio
import io
from collections.abc import Sequence
from urllib.parse import quote, urlencode

from starlette.responses import Response

from service.claims.files import FORMATS, ClaimFileError, read
from service.claims.limits import check_reason
from service.claims.loading import Tally, load
from service.dashboard.error_pages import status_of
from service.dashboard.pages import page
from service.dashboard.post_detail import texts_of
from service.dashboard.request import PageRequest
from service.domain.claim import ClaimFilter, ClaimState
from service.domain.verdict import VerdictFilter
from service.errors import AssayError, InvalidInput
from service.people.roles import Right

_PAGE, _POSTS, _SHOWN_ERRORS = 50, 20, 50


async def listed(request: PageRequest) -> Response:
    """Claims in the order of their ids, as a filter finds them."""
    return await _list(request)


async def show(request: PageRequest) -> Response:
    """One claim, and the posts that repeat, discuss or rebut it; the audit log records the look."""
    subject = f"claims/{request.path('id')}"
    await request.services.audit.append(actor=request.person.id, action="claim.read", subject=subject)
    return await _one(request)


async def set_state(request: PageRequest) -> Response:
    """Take a claim out of enforcement, or put it back."""
    form, claim_id = await request.form(), request.path("id")
    release = form.text("release") == "yes"
    reason = "" if release else form.raw("reason").strip()
    try:
        if not release:
            check_reason(reason)
    except InvalidInput as error:
        return await _one(request, error)
    await request.services.claims.quarantine(claim_id, reason)
    action = "claim.release" if release else "claim.quarantine"
    await request.services.audit.append(actor=request.person.id, action=action, subject=f"claims/{claim_id}")
    said = (
        "The claim weighs again."
        if release
        else "The claim is quarantined: it is matched and shown, and weighs nothing."
    )
    return request.go(f"/claims/{quote(claim_id)}", f"{said} Workers take that up within seconds.")


async def import_file(request: PageRequest) -> Response:
    """Load an uploaded file; bad rows are named, good ones stored."""
    form = await request.form()
    upload, tally, refused = form.file("file"), Tally(), list[ClaimFileError]()
    if upload is None:
        return await _list(request, InvalidInput("file", "is missing", "choose a file of claims"))
    data, name = await upload.read(), upload.filename or ""
    try:
        items = read(io.BufferedReader(io.BytesIO(data)), name, form.text("format"))
        found = await asyncio.to_thread(list, items)
    except InvalidInput as error:
        return await _list(request, error)
    await load(found, request.services.claims, tally, refused.append)
    counts = {change.lower(): count for change, count in tally.changes.items()}
    await request.services.audit.append(
        actor=request.person.id, action="claim.import", subject="claims", detail={**counts, "bad": tally.bad}
    )
    return request.render(
        "claims/imported.html", name=name, tally=tally, refused=refused[:_SHOWN_ERRORS], more=tally.bad - _SHOWN_ERRORS
    )


async def _list(request: PageRequest, error: AssayError | None = None) -> Response:
    claims, only = request.services.claims, _filter(request)
    found = await claims.claims(only, after=request.query("after"), limit=_PAGE + 1)
    asked = {"query": only.query, "publisher": only.publisher, "state": request.query("state")}
    following = urlencode({**asked, "after": found[_PAGE - 1].claim.id}) if len(found) > _PAGE else ""
    return request.render(
        "claims/list.html",
        status_of(error) if error else 200,
        claims=found[:_PAGE],
        following=following,
        asked=any(asked.values()),
        states=list(ClaimState),
        formats=FORMATS,
        version=await claims.claims_version(),
        error=error,
    )


def _filter(request: PageRequest) -> ClaimFilter:
    told = request.query("state")
    if told and told not in set(ClaimState):
        raise InvalidInput("state", f"{told[:40]!r} is none", f"choose {' or '.join(ClaimState)}")
    return ClaimFilter(ClaimState(told) if told else None, request.query("publisher"), request.query("query"))


async def _one(request: PageRequest, error: AssayError | None = None) -> Response:
    services, claim_id = request.services, request.path("id")
    record = await services.claims.find_claim(claim_id)
    verdicts = await services.store.page(VerdictFilter(claim_id=claim_id), before=None, limit=_POSTS)
    posts: Sequence[object] = await texts_of(services, [verdict.post for verdict in verdicts])
    return request.render(
        "claims/one.html",
        status_of(error) if error else 200,
        record=record,
        claim=record.claim,
        rows=list(zip(verdicts, posts, strict=True)),
        error=error,
    )


_MANAGE = Right.MANAGE_CLAIMS
ROUTES = [
    page("/claims", listed, name="claims"),
    page("/claims/import", import_file, right=_MANAGE, methods=["POST"]),
    page("/claims/{id}", show),
    page("/claims/{id}/state", set_state, right=_MANAGE, methods=["POST"]),
]
