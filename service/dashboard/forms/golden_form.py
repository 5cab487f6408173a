"""The forms that make golden items: of a text that somebody pasted, or of a case that was decided."""

import secrets
from dataclasses import dataclass

from service.dashboard.request import Form, PageRequest
from service.domain import validation
from service.domain.decision import Category, Decision
from service.domain.post import Post, Surface
from service.domain.verdict import Verdict, VerdictFilter
from service.errors import InvalidInput
from service.quality.golden import lookalike
from service.quality.opinions import Answer
from service.review.case import CaseState
from service.review.checking import check_words

DECISIONS = tuple(decision for decision in Decision if decision is not Decision.REVIEW)
_EVERYTHING = VerdictFilter()


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """What is to be golden; `source` names the case that it comes from, `verdict` is what was first said of it."""

    post: Post
    answer: Answer
    source: str = ""
    note: str = ""
    verdict: Verdict | None = None


async def pasted(request: PageRequest, form: Form) -> Proposed:
    """A pasted text, under names like those of real posts. Raises `InvalidInput`."""
    like, seed = await newest(request), secrets.token_hex(8)
    post = Post(
        platform=form.text("platform") or (like.platform if like else "example"),
        id=lookalike(like.id, seed) if like else seed,
        text=form.raw("text"),
        surface=_surface(form),
        author=lookalike(like.author, seed) if like else "",
        locale=form.text("locale"),
    )
    validation.check(post)
    return Proposed(post=post, answer=_answer(form), note=_note(form))


async def from_case(request: PageRequest, form: Form) -> Proposed:
    """A decided case with its decision as the answer. Raises `NotFound`, `InvalidInput`."""
    view = await request.services.reviewing.look(form.text("case").removeprefix("cases/"), request.person.id)
    made = next((each for each in view.decisions if each.id == view.case.decision and not each.undone_at), None)
    if view.case.state is not CaseState.DECIDED or made is None:
        raise InvalidInput("case", "is not decided", "name one that somebody decided, or paste its text")
    if view.post is None:
        raise InvalidInput("case", "is about a post that was erased", "name another one")
    return Proposed(
        post=view.post,
        answer=Answer(made.decision, frozenset(made.categories)),
        source=view.case.name,
        note=_note(form),
        # A post that an erasure cut quotes from is another text by now: a worker reads it again.
        verdict=view.verdict if view.verdict and view.post.key == view.verdict.post else None,
    )


async def newest(request: PageRequest) -> Post | None:
    """The post decided last: what is pasted gets names like its."""
    verdicts = await request.services.store.page(_EVERYTHING, before=None, limit=1)
    return (await request.services.store.posts([verdicts[0].post]))[0] if verdicts else None


def _answer(form: Form) -> Answer:
    try:
        decision = Decision(form.text("decision"))
        return Answer(decision, frozenset(map(Category, form.texts("categories"))))
    except ValueError:
        raise InvalidInput("decision", "or a category is none that there is", "choose from the form") from None


def _surface(form: Form) -> Surface:
    try:
        return Surface(form.text("surface", Surface.FEED))
    except ValueError:
        raise InvalidInput("surface", "is none that there is", f"choose {', '.join(Surface)}") from None


def _note(form: Form) -> str:
    note = form.raw("note").strip()
    check_words("note", note)
    return note
