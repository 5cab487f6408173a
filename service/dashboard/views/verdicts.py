"""Verdicts: as they are given (Live), by what they are about (Search), and one with its whole trace (Post)."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from service.dashboard.error_pages import status_of
from service.dashboard.forms.verdict_filter import FIELDS, address, filter_of
from service.dashboard.pages import page
from service.dashboard.post_detail import post_detail, texts_of
from service.dashboard.request import PageRequest
from service.domain.decision import Category, Decision
from service.domain.post import Post, Surface
from service.domain.verdict import Verdict, VerdictFilter
from service.errors import InvalidInput, NotDecided
from service.people.roles import Right
from service.review.case import author_name

_LIVE, _PAGE = 60, 50
_LONGEST_WAIT = 2.0
Row = tuple[Verdict, Post | None]


async def live(request: PageRequest) -> Response:
    """The newest verdicts; the script asks for what follows."""
    only = filter_of(request)
    await request.services.audit.append(actor=request.person.id, action="live.read", subject="verdicts")
    _, cursor = await request.services.store.after(None, only, 1)
    rows = await _newest(request, only, _LIVE)
    return request.render(
        "verdicts/live.html", rows=rows, cursor=cursor, following=address(request, "/live/since"), **_lists()
    )


async def since(request: PageRequest) -> Response:
    """Rows of what was recorded after a cursor; waits a while for the first."""
    only, cursor = filter_of(request), request.whole("cursor", 0)
    verdicts, reached = await request.services.store.after(cursor, only, _LIVE)
    if not verdicts:
        await request.services.announcer.wait(_LONGEST_WAIT)
        verdicts, reached = await request.services.store.after(cursor, only, _LIVE)
    rows = await _with_posts(request, list(reversed(verdicts)))
    response = request.render("verdicts/rows.html", rows=rows)
    response.headers["X-Assay-Cursor"] = str(reached)
    return response


async def search(request: PageRequest) -> Response:
    """Current verdicts that a filter finds, newest first."""
    try:
        only, before = filter_of(request), request.whole("before", 0) or None
    except InvalidInput as error:
        return request.render(
            "verdicts/search.html", status_of(error), error=error, rows=[], asked=True, **_lists(), older=""
        )
    asked = only != VerdictFilter()
    if asked:
        fields = sorted(name for name in FIELDS if request.query(name))  # not what was looked for: that may be a text
        await request.services.audit.append(
            actor=request.person.id, action="posts.search", subject="verdicts", detail={"by": fields}
        )
    rows = await _newest(request, only, _PAGE + 1, before) if asked else []
    older = address(request, "/search", before=str(rows[_PAGE - 1][0].sequence)) if len(rows) > _PAGE else ""
    return request.render("verdicts/search.html", error=None, rows=rows[:_PAGE], asked=asked, older=older, **_lists())


async def show(request: PageRequest) -> Response:
    """One post: text, evidence, every verdict on it, what people said; the audit log records the look."""
    name, services = request.path("name"), request.services
    try:
        verdict = await services.store.latest(name)
    except NotDecided:
        return request.render("verdicts/waiting.html", name=name)
    await services.audit.append(actor=request.person.id, action="post.read", subject=name)
    [post] = await services.store.posts([verdict.post])
    if post is None:
        return request.render("verdicts/erased.html", name=name, verdict=verdict)
    about = [name, author_name(name, post.author)]
    return request.render(
        "verdicts/post.html",
        file=await post_detail(services, post, verdict),
        post=post,
        verdict=verdict,
        history=await services.reviewing.history(name),
        decisions=await services.reviewing.decisions([name]),
        notes=await services.reviewing.notes(about),
        policy=services.policies.current,
    )


async def reopen(request: PageRequest) -> Response:
    """Open a case on a post that is decided, to correct it when it is too late to undo."""
    case = await request.services.reviewing.reopen(request.path("name"), request.person.id)
    return request.go(f"/queue/cases/{case.id}", "What you decide now replaces the decision in force.")


async def add_note(request: PageRequest) -> Response:
    """Leave a note on the post."""
    form, name = await request.form(), request.path("name")
    await request.services.reviewing.add_note(name, request.person.id, form.raw("text").strip())
    return request.go(f"/posts/{quote(name)}", "Noted.")


async def _newest(request: PageRequest, only: VerdictFilter, limit: int, before: int | None = None) -> list[Row]:
    return await _with_posts(request, await request.services.store.page(only, before=before, limit=limit))


async def _with_posts(request: PageRequest, verdicts: Sequence[Verdict]) -> list[Row]:
    posts = await texts_of(request.services, [verdict.post for verdict in verdicts])
    return list(zip(verdicts, posts, strict=True))


def _lists() -> dict[str, Any]:
    return {"decisions": list(Decision), "all_categories": list(Category), "surfaces": list(Surface)}


ROUTES = [
    page("/live", live, name="live"),
    page("/live/since", since),
    page("/search", search, name="search"),
    page("/posts/{name:path}/reopen", reopen, right=Right.DECIDE_MANY, methods=["POST"]),
    page("/posts/{name:path}/notes", add_note, right=Right.DECIDE, methods=["POST"]),
    page("/posts/{name:path}", show, name="post"),
]
