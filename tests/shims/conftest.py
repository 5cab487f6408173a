"""A judge whose signals depend on the text, and the shims before it on a real port."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from service.domain.canonical import canonical
from service.domain.decision import Standing
from service.domain.judgement import Evidence, Judgement, Remainder, Signal, Span
from service.domain.log_odds import sigmoid
from service.domain.post import Post
from service.domain.verdict import Source, Verdict, verdict_on
from service.errors import AssayError, DeadlineExceeded, NoWorker, Overloaded
from service.policy.document import load
from service.policy.policy import Policy
from service.runtime.http_listening import listening
from service.shims.app import ShimOptions, shim_app
from service.shims.keys import Keys

WORDS = {"idiot": "harassment", "vermin": "hate", "stab": "violence", "suicide": "self_harm", "rifle": "weapons"}
WORDS |= {"anthrax": "cbrn", "giftcards": "fraud", "naked": "sexual", "delve": "ai_generated", "hoax": "misinformation"}
BASE, WEIGHT, REST = -6.0, 10.0, 0.5
TROUBLES: dict[str, AssayError | RuntimeError] = {
    "!overload": Overloaded("4,096 posts are waiting", 1.5),
    "!noworker": NoWorker("no worker with a loaded model answers"),
    "!crash": RuntimeError("secret words of a post"),
}


def judgement_of(text: str, **fields: Any) -> Judgement:
    """Each word of `WORDS` in the text moves its signal; the evidence adds up."""
    clean, signals, spans, remainders = canonical(text), {}, [], []
    for word, name in WORDS.items():
        found = [match.start() for match in re.finditer(word, clean)]
        raw = BASE + WEIGHT * len(found) + (REST if found else 0.0)
        probability = round(sigmoid(raw), 4)
        signals[name] = Signal(name, probability, raw, 0.9 * probability, (1 + probability) / 2)
        starts = [len(clean[:start].encode()) for start in found]
        spans += [Span(start, start + len(word), name, WEIGHT) for start in starts]
        remainders += [Remainder(name, BASE, REST)] if found else []
    words = len(clean.split())
    given: dict[str, Any] = {
        "content_digest": Post(platform="x", id="1", text=text).content_digest,
        "model_version": "m1",
        "signals": signals,
        "evidence": Evidence(tuple(spans), remainders=tuple(remainders)),
        "words": words,
        "abstained": ("ABSTAINED_TOO_SHORT",) if words < 5 else (),
    }
    return Judgement(**{**given, **fields})


@dataclass
class FakeJudge:
    """Judges at once. A text that begins with `!` is trouble; what was read and recorded is kept."""

    policy: Policy
    read_texts: list[str] = field(default_factory=list)
    recorded: list[Post] = field(default_factory=list)
    deadlines: list[float] = field(default_factory=list)
    standing: tuple[Standing, ...] = ()
    missing: AssayError | None = None

    async def read(self, posts: Sequence[Post], *, deadline: float | None = None) -> list[Judgement | None]:
        self.deadlines.append((deadline or 0.0) - time.time())
        self.read_texts += [post.text for post in posts]
        return list(await asyncio.gather(*map(self._judgement, posts)))

    async def moderate(self, post: Post, *, deadline: float | None = None) -> Verdict:
        judgement = await self._judgement(post)
        self.recorded.append(post)
        late = "provisional" in post.text
        source = Source.PROVISIONAL if late else Source.MODEL if judgement else Source.SET_ASIDE
        ruling = self.policy.decide(post, judgement) if judgement else self.policy.set_aside(post)
        return verdict_on(post, ruling, policy_version=self.policy.version, source=source, judgement=judgement)

    async def ready(self) -> None:
        if self.missing:
            raise self.missing

    async def _judgement(self, post: Post) -> Judgement | None:
        first = post.text.split()[0]
        if first in TROUBLES:
            raise TROUBLES[first]
        if first == "!late":
            raise DeadlineExceeded("no worker answered in time")
        if first == "!setaside":
            return None
        foreign = {"abstained": ("ABSTAINED_LANGUAGE",)} if "deutsch" in post.text else {}
        return judgement_of(post.text, standing=self.standing, **foreign)


@pytest.fixture
def judged() -> Callable[..., Judgement]:
    """Makes the judgement of a text."""
    return judgement_of


@pytest.fixture(scope="session")
def policy() -> Policy:
    return load(None, None)


@pytest.fixture
def judge(policy: Policy) -> FakeJudge:
    return FakeJudge(policy)


Serve = Callable[..., AbstractAsyncContextManager[str]]


@pytest.fixture
def serve(judge: FakeJudge) -> Serve:
    """Serves the shims at any port; options and `keys` by keyword; gives the URL."""

    @asynccontextmanager
    async def start(*keys: str, **options: Any) -> AsyncIterator[str]:
        async with listening(shim_app(judge, Keys(keys), ShimOptions(**options)), "127.0.0.1:0") as url:
            yield url

    return start


@pytest.fixture
async def url(serve: Serve) -> AsyncIterator[str]:
    """The URL of open shims with the default options."""
    async with serve() as found:
        yield found


@pytest.fixture
async def http(url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=url) as client:
        yield client
