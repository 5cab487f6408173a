"""Verdicts: as they are given (Live), by what they are about (Search), and one with its whole trace (Post)."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from service.dashboard.error_pages import status_of
from service.dashboard.forms.verdict_filter import FIELDS, address, filter_of
from service.dashboard.pages import page
from service.dashboard.post_detail import casefile, texts_of
from service.dashboard.request import Visit
from service.domain.decision import Category, Decision
from service.domain.post import Post, Surface
from service.domain.verdict import Verdict, VerdictFilter
from service.errors import InvalidInput, NotDecided
from service.people.roles import Right
from service.review.case import author_name

_LIVE, _PAGE = 60, 50
_LONGEST_WAIT = 2.0
Row = tuple[Verdict, Post | None]


async def live(visit: Visit) -> Response:
    """The newest verdicts; the script asks for what follows."""
    only = filter_of(visit)
    await visit.desk.audit.append(actor=visit.person.id, action="live.read", subject="verdicts")
    _, cursor = await visit.desk.store.after(None, only, 1)
    rows = await _newest(visit, only, _LIVE)
    return visit.render(
        "verdicts/live.html", rows=rows, cursor=cursor, following=address(visit, "/live/since"), **_lists()
    )


async def since(visit: Visit) -> Response:
    """Rows of what was recorded after a cursor; waits a while for the first."""
    only, cursor = filter_of(visit), visit.whole("cursor", 0)
    verdicts, reached = await visit.desk.store.after(cursor, only, _LIVE)
    if not verdicts:
        await visit.desk.announcer.wait(_LONGEST_WAIT)
        verdicts, reached = await visit.desk.store.after(cursor, only, _LIVE)
    rows = await _with_posts(visit, list(reversed(verdicts)))
    response = visit.render("verdicts/rows.html", rows=rows)
    response.headers["X-Assay-Cursor"] = str(reached)
    return response


async def search(visit: Visit) -> Response:
    """Current verdicts that a filter finds, newest first."""
    try:
        only, before = filter_of(visit), visit.whole("before", 0) or None
    except InvalidInput as error:
        return visit.render(
            "verdicts/search.html", status_of(error), error=error, rows=[], asked=True, **_lists(), older=""
        )
    asked = only != VerdictFilter()
    if asked:
        fields = sorted(name for name in FIELDS if visit.query(name))  # not what was looked for: that may be a text
        await visit.desk.audit.append(
            actor=visit.person.id, action="posts.search", subject="verdicts", detail={"by": fields}
        )
    rows = await _newest(visit, only, _PAGE + 1, before) if asked else []
    older = address(visit, "/search", before=str(rows[_PAGE - 1][0].sequence)) if len(rows) > _PAGE else ""
    return visit.render("verdicts/search.html", error=None, rows=rows[:_PAGE], asked=asked, older=older, **_lists())


async def show(visit: Visit) -> Response:
    """One post: text, evidence, every verdict on it, what people said; the audit log tells of the look."""
    name, desk = visit.path("name"), visit.desk
    try:
        verdict = await desk.store.latest(name)
    except NotDecided:
        return visit.render("verdicts/waiting.html", name=name)
    await desk.audit.append(actor=visit.person.id, action="post.read", subject=name)
    [post] = await desk.store.posts([verdict.post])
    if post is None:
        return visit.render("verdicts/erased.html", name=name, verdict=verdict)
    about = [name, author_name(name, post.author)]
    return visit.render(
        "verdicts/post.html",
        file=await casefile(desk, post, verdict),
        post=post,
        verdict=verdict,
        history=await desk.reviewing.history(name),
        decisions=await desk.reviewing.decisions([name]),
        notes=await desk.reviewing.notes(about),
        policy=desk.policies.current,
    )


async def decide_anew(visit: Visit) -> Response:
    """Open a case on a post that is decided, to correct it when it is too late to undo."""
    case = await visit.desk.reviewing.anew(visit.path("name"), visit.person.id)
    return visit.go(f"/queue/cases/{case.id}", "What you decide now replaces what stands.")


async def add_note(visit: Visit) -> Response:
    """Leave a note on the post."""
    form, name = await visit.form(), visit.path("name")
    await visit.desk.reviewing.add_note(name, visit.person.id, form.raw("text").strip())
    return visit.go(f"/posts/{quote(name)}", "Noted.")


async def _newest(visit: Visit, only: VerdictFilter, limit: int, before: int | None = None) -> list[Row]:
    return await _with_posts(visit, await visit.desk.store.page(only, before=before, limit=limit))


async def _with_posts(visit: Visit, verdicts: Sequence[Verdict]) -> list[Row]:
    posts = await texts_of(visit.desk, [verdict.post for verdict in verdicts])
    return list(zip(verdicts, posts, strict=True))


def _lists() -> dict[str, Any]:
    return {"decisions": list(Decision), "all_categories": list(Category), "surfaces": list(Surface)}


ROUTES = [
    page("/live", live, name="live"),
    page("/live/since", since),
    page("/search", search, name="search"),
    page("/posts/{name:path}/anew", decide_anew, right=Right.DECIDE_MANY, methods=["POST"]),
    page("/posts/{name:path}/notes", add_note, right=Right.DECIDE, methods=["POST"]),
    page("/posts/{name:path}", show, name="post"),
]
