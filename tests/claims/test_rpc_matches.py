"""ClaimService over a real socket: matching texts, people's words on matches, and verdicts found by claim."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import grpc
import pytest
from assay.v1 import claim_pb2, verdict_pb2
from assay.v1 import claim_service_pb2 as pb
from assay.v1 import verdict_service_pb2 as verdict_pb
from google.rpc import error_details_pb2

from service.domain.claim import Match, Rating, Relation
from service.domain.post import PostKey
from service.domain.verdict import VerdictFilter
from tests.factories import claim_message_of, post_of, verdict_of
from tests.fixtures.grpc_front import Front
from tests.grpc_failures import failure_of

BANANAS, MOON = "Bananas glow in the dark", "The moon landing was filmed in a bakery"
MatchTexts = Callable[..., Awaitable[list[list[claim_pb2.ClaimMatch]]]]
Confirm = Callable[..., Awaitable[pb.ConfirmMatchResponse]]


@pytest.fixture
async def claims(front: Front) -> None:
    """Two claims in the store, with texts to repeat."""
    both = [claim_message_of(1, statement=BANANAS), claim_message_of(2, statement=MOON, verdict="True")]
    await front.claims.ImportClaims(pb.ImportClaimsRequest(claims=both))


@pytest.fixture
def match(front: Front) -> MatchTexts:
    """Matches texts; the claims' names per text."""

    async def ask(*texts: str, **options: Any) -> list[list[claim_pb2.ClaimMatch]]:
        response = await front.claims.MatchClaims(pb.MatchClaimsRequest(texts=texts), **options)
        return [list(result.matches) for result in response.results]

    return ask


async def test_texts_are_matched_in_order(match: MatchTexts, claims: None) -> None:
    found = await match("nothing of the kind", f"{MOON}! And {BANANAS}.", f"They say: {BANANAS}")
    assert [[match.claim for match in matches] for matches in found] == [
        [],
        ["claims/00001", "claims/00002"],
        ["claims/00001"],
    ]


async def test_a_match_carries_the_claim_and_how_the_text_stands_to_it(match: MatchTexts, claims: None) -> None:
    [[found]] = await match(BANANAS)
    assert (found.statement, found.verdict, found.publisher) == (BANANAS, "False", "Example Facts")
    assert found.url == "https://example.org/reviews/1"
    assert found.rating == claim_pb2.CLAIM_RATING_FALSE
    assert (found.score, found.relation, found.relation_probability) == (0.875, claim_pb2.CLAIM_RELATION_REPEATS, 0.75)
    assert (found.abstained, found.quarantined) == (False, False)


async def test_a_quarantined_claim_is_matched_and_says_so(front: Front, match: MatchTexts, claims: None) -> None:
    await front.claims.QuarantineClaim(pb.QuarantineClaimRequest(name="claims/00001", reason="too wide"))
    assert [[found.quarantined for found in matches] for matches in await match(BANANAS, MOON)] == [[True], [False]]


async def test_nothing_becomes_of_the_texts(front: Front, match: MatchTexts, claims: None) -> None:
    await match(BANANAS)
    assert await front.store.after(0, VerdictFilter(), 10) == ([], 0)
    assert (await front.store.backlog())[0] == 0
    assert await front.store.posts([PostKey("platforms/claims/posts/1", "")]) == [None]


@pytest.mark.parametrize(
    ("texts", "field", "says"),
    [
        ([], "texts", "send 1 to 100 texts"),
        (["x"] * 101, "texts", "holds 101 texts, over 100"),
        (["fine", " "], "texts[1]", "is empty or white space"),
        (["x" * 20_001], "texts[0]", "over 20,000"),
        (["bell \x07"], "texts[0]", "U+0007"),
        (["fine", "fine", "!setaside"], "texts[2]", "stopped the model"),
    ],
)
async def test_bad_texts(front: Front, texts: Any, field: str, says: str) -> None:
    failure = await failure_of(front.claims.MatchClaims(pb.MatchClaimsRequest(texts=texts)))
    assert (failure.code, failure.field) == (grpc.StatusCode.INVALID_ARGUMENT, field)
    assert says in failure.description


async def test_a_hundred_texts_are_not_too_many(match: MatchTexts, claims: None) -> None:
    assert len(await match(*[BANANAS] * 100)) == 100


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("!overload", grpc.StatusCode.RESOURCE_EXHAUSTED),
        ("!late", grpc.StatusCode.DEADLINE_EXCEEDED),
        ("!noworker", grpc.StatusCode.UNAVAILABLE),
        ("!crash", grpc.StatusCode.INTERNAL),
    ],
)
async def test_what_cannot_be_read_fails_the_call(front: Front, text: str, code: grpc.StatusCode) -> None:
    request = pb.MatchClaimsRequest(texts=[BANANAS, text])
    assert (await failure_of(front.claims.MatchClaims(request, timeout=0.5))).code is code


async def test_the_deadline_is_the_calls_or_the_default(front: Front, match: MatchTexts) -> None:
    await match(BANANAS, timeout=3)
    await match(BANANAS)
    assert [round(deadline - time.time()) for deadline in front.pipeline.deadlines if deadline] == [3, 10]


async def test_an_answer_larger_than_a_message_says_send_fewer(front: Front) -> None:
    long = [claim_message_of(number, statement="🍌" * 4_096, title=str(number)) for number in range(20)]
    await front.claims.ImportClaims(pb.ImportClaimsRequest(claims=long))
    request = pb.MatchClaimsRequest(texts=["🍌" * 4_096] * 20)
    failure = await failure_of(front.claims.MatchClaims(request))
    assert (failure.field, "send fewer at once" in failure.description) == ("texts", True)


@pytest.fixture
def confirm(front: Front) -> Confirm:
    """Says how the post `instagram/1` stands to the first claim; fields by keyword."""

    def ask(**fields: Any) -> Awaitable[pb.ConfirmMatchResponse]:
        given = {
            "post": "platforms/instagram/posts/1",
            "claim": "claims/00001",
            "relation": claim_pb2.CLAIM_RELATION_REPEATS,
            "moderator": "m-1",
        }
        return front.claims.ConfirmMatch(pb.ConfirmMatchRequest(**{**given, **fields}))

    return ask


@pytest.fixture
async def judged(front: Front) -> None:
    """The post `instagram/1` has a verdict."""
    await front.pipeline.decide(post_of(BANANAS))


async def test_words_are_counted_once_a_person_and_post(
    front: Front, confirm: Confirm, claims: None, judged: None
) -> None:
    assert (await confirm()).claim.confirmed_count == 1
    assert (await confirm(note="again")).claim.confirmed_count == 1
    assert (await confirm(moderator="m-2", relation=claim_pb2.CLAIM_RELATION_REBUTS)).claim.confirmed_count == 2
    changed = (await confirm(relation=claim_pb2.CLAIM_RELATION_UNRELATED)).claim
    assert (changed.confirmed_count, changed.rejected_count) == (1, 1)
    await front.pipeline.decide(post_of("another", "2"))
    assert (await confirm(post="platforms/instagram/posts/2")).claim.confirmed_count == 2
    other = (await front.claims.GetClaim(pb.GetClaimRequest(name="claims/00002"))).claim
    assert (other.confirmed_count, other.rejected_count) == (0, 0)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"post": ""}, "post"),
        ({"post": "platforms/instagram/posts/1/verdict"}, "post"),
        ({"post": "posts/1"}, "post"),
        ({"claim": ""}, "claim"),
        ({"claim": "00001"}, "claim"),
        ({"relation": 0}, "relation"),
        ({"relation": 5}, "relation"),
        ({"moderator": ""}, "moderator"),
        ({"moderator": "  "}, "moderator"),
        ({"moderator": "m" * 257}, "moderator"),
        ({"moderator": "\x00"}, "moderator"),
        ({"note": "x" * 4_097}, "note"),
        ({"note": "\x00"}, "note"),
    ],
)
async def test_a_bad_word_names_its_field(
    confirm: Confirm, claims: None, judged: None, fields: dict[str, Any], field: str
) -> None:
    failure = await failure_of(confirm(**fields))
    assert (failure.code, failure.field) == (grpc.StatusCode.INVALID_ARGUMENT, field)


@pytest.mark.parametrize(
    ("fields", "reason", "resource"),
    [
        ({"post": "platforms/instagram/posts/9"}, "POST_NOT_FOUND", ("assay.dev/Post", "platforms/instagram/posts/9")),
        ({"claim": "claims/none"}, "CLAIM_NOT_FOUND", ("assay.dev/Claim", "claims/none")),
    ],
)
async def test_no_such_post_and_no_such_claim(  # noqa: PLR0917 - fixtures
    confirm: Confirm, claims: None, judged: None, fields: dict[str, Any], reason: str, resource: tuple[str, str]
) -> None:
    failure = await failure_of(confirm(**fields))
    assert (failure.code, failure.reason) == (grpc.StatusCode.NOT_FOUND, reason)
    named = failure.detail(error_details_pb2.ResourceInfo)
    assert (named.resource_type, named.resource_name) == resource


async def test_a_post_without_a_verdict_cannot_be_spoken_of(front: Front, confirm: Confirm, claims: None) -> None:
    await front.store.accept([post_of()])
    failure = await failure_of(confirm())
    assert (failure.code, failure.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "NOT_DECIDED")


MATCH = Match(
    claim_id="00001",
    claim=BANANAS,
    verdict="False",
    rating=Rating.FALSE,
    publisher="Example Facts",
    url="https://example.org/reviews/1",
    score=0.875,
    relation=Relation.REBUTS,
    p_relation=0.75,
    abstained=True,
    weight=-1.5,
)


@pytest.fixture
async def matched(front: Front) -> None:
    """Posts 0 and 3 rebut the first claim, 1 is about something else; 0 and 1 are one cluster."""
    for number, (relation, cluster) in enumerate(
        [(Relation.REBUTS, "a"), (Relation.UNRELATED, "a"), (None, "b"), (Relation.REBUTS, "c")]
    ):
        post = post_of(f"text {number}", str(number))
        verdict = verdict_of(post)
        assert verdict.judgement
        matches = (MATCH._replace(relation=relation),) if relation else ()
        judgement = replace(
            verdict.judgement,
            claims_version="c1",
            cluster=cluster,
            evidence=replace(verdict.judgement.evidence, matches=matches),
        )
        await front.store.record([post], [replace(verdict, judgement=judgement)])


@pytest.mark.parametrize(
    ("only", "expected"),
    [
        (verdict_pb.VerdictFilter(claim="claims/00001"), ["3", "0"]),
        (verdict_pb.VerdictFilter(claim="claims/00002"), []),
        (verdict_pb.VerdictFilter(cluster="a"), ["1", "0"]),
        (verdict_pb.VerdictFilter(cluster="a", claim="claims/00001"), ["0"]),
    ],
)
async def test_verdicts_by_claim_and_cluster(
    front: Front, matched: None, only: verdict_pb.VerdictFilter, expected: list[str]
) -> None:
    response = await front.verdicts.ListVerdicts(verdict_pb.ListVerdictsRequest(filter=only))
    assert [verdict.post.rpartition("/")[2] for verdict in response.verdicts] == expected
    call: Any = front.verdicts.WatchVerdicts(verdict_pb.WatchVerdictsRequest(filter=only, cursor="0"))
    watched = [await call.read() for _ in expected]
    assert [answer.verdict.post.rpartition("/")[2] for answer in watched] == expected[::-1]
    call.cancel()


@pytest.mark.parametrize(
    ("only", "field"),
    [
        (verdict_pb.VerdictFilter(claim="00001"), "filter.claim"),
        (verdict_pb.VerdictFilter(claim="claims/a b"), "filter.claim"),
        (verdict_pb.VerdictFilter(cluster="x" * 257), "filter.cluster"),
        (verdict_pb.VerdictFilter(cluster="\x00"), "filter.cluster"),
    ],
)
async def test_bad_claims_and_clusters(front: Front, only: verdict_pb.VerdictFilter, field: str) -> None:
    request = verdict_pb.ListVerdictsRequest(filter=only)
    assert (await failure_of(front.verdicts.ListVerdicts(request))).field == field


async def test_a_verdict_names_claims_version_and_cluster_and_shows_matches_as_evidence(
    front: Front, matched: None
) -> None:
    name = "platforms/instagram/posts/0/verdict"
    verdict = (await front.verdicts.GetVerdict(verdict_pb.GetVerdictRequest(name=name))).verdict
    assert (verdict.claims_version, verdict.cluster) == ("c1", "a")
    [found] = verdict.evidence.matches
    assert (found.claim, found.relation, found.weight) == ("claims/00001", claim_pb2.CLAIM_RELATION_REBUTS, -1.5)
    assert (found.abstained, found.quarantined) == (True, False)
    basic = verdict_pb.GetVerdictRequest(name=name, view=verdict_pb2.VERDICT_VIEW_BASIC)
    verdict = (await front.verdicts.GetVerdict(basic)).verdict
    assert (verdict.claims_version, verdict.cluster, verdict.HasField("evidence")) == ("c1", "a", False)
