"""The claims that a worker holds, with a real store and the shipped bundle: taken up whole, while judging goes on."""

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import make_url
from structlog.testing import capture_logs

from classifiers.bundle import Bundle
from classifiers.claims.index import ClaimIndex, Entry
from classifiers.detector import Detector
from classifiers.matcher import Matcher
from service.claims.sql import SqlClaims
from service.domain.claim import Claim
from service.domain.judgement import JudgedBy, Judgement
from service.domain.post import Post
from service.records.sql.store import SqlStore
from service.runtime.settings import Settings
from service.runtime.wiring.worker import watch_claims
from tests.fixtures.sql import PostgresServer
from tests.waiting import until
from workers.background_thread import BackgroundThread
from workers.classifier import BundleClassifier
from workers.held_claims import HeldClaims

SWAPS, BATCHES = 60, 20
TEXTS = [
    f"{who} {did} in {where}."
    for who in ("The mayor", "A famous singer", "The bakers' guild", "An army of cats")
    for did in ("banned all bicycles", "sold the lighthouse", "poisoned the fountain")
    for where in ("Northbridge", "Port Hallow")
]


class GatedMatcher(Matcher):
    """Makes an index only while `gate` is open; `waiting` tells that one is wanted. Refuses a claim called `poison`."""

    def __init__(self, bundle: Bundle) -> None:
        super().__init__(bundle)
        self.gate, self.waiting = threading.Event(), threading.Event()
        self.gate.set()

    def index(self, entries: Sequence[Entry], before: ClaimIndex | None = None) -> ClaimIndex:
        if any(entry.id == "poison" for entry in entries):
            raise ValueError("poison can't be indexed")
        self.waiting.set()
        assert self.gate.wait(30)
        self.waiting.clear()
        return super().index(entries, before)


@pytest.fixture
def matcher(starter: Bundle) -> GatedMatcher:
    """The starter's matcher, with a gate."""
    return GatedMatcher(starter)


@pytest.fixture
def gated(starter: Bundle, matcher: GatedMatcher) -> BundleClassifier:
    """The starter with that matcher, and without claims so far."""
    return BundleClassifier(Detector(starter), matcher)


def set_of(publisher: str) -> list[Claim]:
    """Claims of one publisher under ids that all publishers share: B has the texts of A in the reverse order."""
    texts = TEXTS if publisher == "A" else TEXTS[::-1]
    return [Claim(id=f"c-{n:02}", claim=text, publisher=publisher) for n, text in enumerate(texts)]


def publishers(judgements: Sequence[Judgement]) -> set[str]:
    """Whose claims were matched; each text must have matched something."""
    assert all(judgement.evidence.matches for judgement in judgements)
    return {match.publisher for judgement in judgements for match in judgement.evidence.matches}


def held(classifier: BundleClassifier) -> HeldClaims:
    assert classifier.held
    return classifier.held


async def until_it_judges_by_others(classifier: BundleClassifier, before: JudgedBy, within: float = 15.0) -> None:
    await until(lambda: classifier.judged_by != before, within)


@asynccontextmanager
async def watched(database: str, classifier: BundleClassifier) -> AsyncIterator[None]:
    """A watch over the classifier's claims."""
    settings, take_up = Settings(database_url=database), held(classifier).take_up
    watch = BackgroundThread("claims", lambda: watch_claims(settings, take_up))
    watch.start()
    try:
        yield
    finally:
        await asyncio.to_thread(watch.stop)


async def test_a_changed_set_is_taken_up_within_seconds_and_its_version_with_it(
    sqlite_url: str, claim_store: SqlClaims, classifier: BundleClassifier
) -> None:
    post = Post(platform="example", id="1", text=TEXTS[0])
    versions = []
    async with watched(sqlite_url, classifier):
        for publisher in "ABA":
            before = classifier.judged_by
            await claim_store.put(set_of(publisher))
            await until_it_judges_by_others(classifier, before, within=8)
            [judgement] = classifier.judge([post])
            assert publishers([judgement]) == {publisher}
            assert judgement.judged_by == classifier.judged_by
            assert judgement.claims_version.startswith(await claim_store.claims_version())
            versions.append(judgement.claims_version)
    assert versions[0] != versions[1]
    assert versions[0] == versions[2]


async def test_while_an_index_is_made_the_old_claims_judge(
    sqlite_url: str, claim_store: SqlClaims, gated: BundleClassifier, matcher: GatedMatcher
) -> None:
    posts = [Post(platform="example", id=str(n), text=text) for n, text in enumerate(TEXTS[:4])]
    await claim_store.put(set_of("A"))
    await held(gated).refresh(claim_store)
    before = gated.judged_by
    async with watched(sqlite_url, gated):
        matcher.gate.clear()
        await claim_store.put(set_of("B"))
        await until(matcher.waiting.is_set)
        for _ in range(5):
            judgements = gated.judge(posts)
            assert publishers(judgements) == {"A"}
            assert {judgement.judged_by for judgement in judgements} == {before}
        assert matcher.waiting.is_set()  # all that time
        matcher.gate.set()
        await until_it_judges_by_others(gated, before)
        assert publishers(gated.judge(posts)) == {"B"}


async def test_no_judgement_rests_on_half_a_set(claim_store: SqlClaims, classifier: BundleClassifier) -> None:
    posts = [Post(platform="example", id=str(n), text=text) for n, text in enumerate(TEXTS[::5])]
    sets = {publisher: {claim.claim: claim for claim in set_of(publisher)} for publisher in "AB"}
    owner: dict[str, str] = {}
    batches: list[list[Judgement]] = []
    over = threading.Event()

    def hammer() -> None:
        while not over.is_set():
            batches.append(classifier.judge(posts))

    await claim_store.put(set_of("A"))
    await held(classifier).refresh(claim_store)
    owner[classifier.judged_by.claims] = "A"
    judging = threading.Thread(target=hammer)
    judging.start()
    try:
        swaps = 0
        while swaps < SWAPS or len(batches) < BATCHES:  # a slow machine swaps more often, not less surely
            assert judging.is_alive()
            publisher = "BA"[swaps % 2]
            await claim_store.put(set_of(publisher))
            assert await held(classifier).refresh(claim_store)
            assert owner.setdefault(classifier.judged_by.claims, publisher) == publisher
            await asyncio.sleep(0.01)
            swaps += 1
    finally:
        over.set()
        await asyncio.to_thread(judging.join)
    for batch in batches:
        [version] = {judgement.claims_version for judgement in batch}
        for post, judgement in zip(posts, batch, strict=True):
            claims = sets[owner[version]]
            assert judgement.evidence.matches[0].claim == post.text
            for match in judgement.evidence.matches:
                assert (match.claim_id, match.publisher) == (claims[match.claim].id, owner[version])
    assert {judgement.claims_version for batch in batches for judgement in batch} == set(owner)


async def test_while_the_store_is_away_the_old_claims_serve_and_afterwards_the_new_ones(
    sqlite_url: str, claim_store: SqlClaims, classifier: BundleClassifier, tmp_path: Path
) -> None:
    await claim_store.put(set_of("A"))
    await held(classifier).refresh(claim_store)
    await claim_store.put(set_of("B"))
    before = classifier.judged_by
    away = (tmp_path / "store").rename(tmp_path / "elsewhere")
    async with watched(sqlite_url, classifier):
        await asyncio.sleep(5)  # two attempts
        assert classifier.judged_by == before
        assert publishers(classifier.judge([Post(platform="example", id="1", text=TEXTS[0])])) == {"A"}
        away.rename(tmp_path / "store")
        await until_it_judges_by_others(classifier, before)
        assert publishers(classifier.judge([Post(platform="example", id="1", text=TEXTS[0])])) == {"B"}


async def test_a_postgresql_that_cuts_all_connections_is_waited_for(
    postgres_url: str, postgres_server: PostgresServer, classifier: BundleClassifier
) -> None:
    name = str(make_url(postgres_url).database)

    async def put(publisher: str) -> None:
        store = SqlClaims.beside(await SqlStore.connect(postgres_url))
        await store.put(set_of(publisher))
        await store.close()

    def allow(connections: str) -> None:
        postgres_server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS {connections}")

    await put("A")
    async with watched(postgres_url, classifier):
        await until(lambda: bool(classifier.judged_by.claims))
        before = classifier.judged_by
        allow("false")
        postgres_server.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
        await asyncio.sleep(5)  # two attempts
        assert classifier.judged_by == before
        assert publishers(classifier.judge([Post(platform="example", id="1", text=TEXTS[0])])) == {"A"}
        allow("true")
        await put("B")
        await until_it_judges_by_others(classifier, before)
        assert publishers(classifier.judge([Post(platform="example", id="1", text=TEXTS[0])])) == {"B"}


async def test_a_set_that_no_index_can_be_made_of_is_told_and_the_old_one_serves(
    sqlite_url: str, claim_store: SqlClaims, gated: BundleClassifier
) -> None:
    await claim_store.put(set_of("A"))
    await held(gated).refresh(claim_store)
    before = gated.judged_by
    with capture_logs() as events:
        async with watched(sqlite_url, gated):
            await claim_store.put([Claim(id="poison", claim="Nobody can index this.")])
            await until(lambda: any(event["event"] == "claims not loaded" for event in events))
            assert gated.judged_by == before
            assert publishers(gated.judge([Post(platform="example", id="1", text=TEXTS[0])])) == {"A"}
    [told, *_] = [event for event in events if event["event"] == "claims not loaded"]
    assert (told["log_level"], told["error"]) == ("error", "ValueError")
    assert "poison can't be indexed" in told["message"]
