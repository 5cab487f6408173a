"""ClaimService over a real socket: storing, reading, listing and quarantining claims, and each error with its field."""

from collections.abc import Awaitable, Callable
from typing import Any, cast

import grpc
import pytest
from assay.v1 import claim_pb2
from assay.v1 import claim_service_pb2 as pb
from google.rpc import error_details_pb2

from service.domain.claim import ClaimFilter
from service.domain.verdict import VerdictFilter
from service.errors import InvalidInput
from service.rpc.messages.claim import read_claim
from service.rpc.paging import read_claim_token, read_token, write_claim_token, write_token
from tests.factories import claim_message_of
from tests.fixtures.grpc_front import Front
from tests.grpc_failures import failure_in, failure_of

NEW, UPDATED = pb.IMPORT_STATE_NEW, pb.IMPORT_STATE_UPDATED
ACTIVE = claim_pb2.CLAIM_STATE_ACTIVE
UNCHANGED, REJECTED = pb.IMPORT_STATE_UNCHANGED, pb.IMPORT_STATE_REJECTED
Put = Callable[..., Awaitable[pb.ImportClaimsResponse]]
Get = Callable[[str], Awaitable[claim_pb2.Claim]]


@pytest.fixture
def put(front: Front) -> Put:
    """Imports claim messages and gives the response."""

    async def send(*claims: claim_pb2.Claim) -> pb.ImportClaimsResponse:
        return await front.claims.ImportClaims(pb.ImportClaimsRequest(claims=claims))

    return send


@pytest.fixture
def get(front: Front) -> Get:
    """The claim of that name, as it stands."""

    async def ask(name: str) -> claim_pb2.Claim:
        return (await front.claims.GetClaim(pb.GetClaimRequest(name=name))).claim

    return ask


async def test_an_import_says_what_became_of_each(put: Put) -> None:
    first = await put(claim_message_of(1), claim_message_of(2))
    assert [(result.claim, result.state) for result in first.results] == [("claims/00001", NEW), ("claims/00002", NEW)]
    second = await put(
        claim_message_of(1),
        claim_message_of(2, verdict="True"),
        claim_message_of(3, statement=" "),
        claim_message_of(4),
    )
    assert [result.state for result in second.results] == [UNCHANGED, UPDATED, REJECTED, NEW]
    assert second.results[2].claim == "claims/00003"
    failure = failure_in(second.results[2].error)
    assert (failure.code, failure.field) == (grpc.StatusCode.INVALID_ARGUMENT, "claims[2].statement")
    assert first.claims_version != second.claims_version != ""


async def test_what_changes_nothing_keeps_the_version(put: Put) -> None:
    versions = {
        (await put(claim_message_of(1), claim_message_of(2))).claims_version,
        (await put(claim_message_of(2))).claims_version,
    }
    versions.add((await put(claim_message_of(1, url="nowhere"))).claims_version)
    assert len(versions) == 1


async def test_a_claim_without_a_name_is_given_the_same_one_each_time(put: Put, get: Get) -> None:
    first = await put(claim_message_of(1, name=""))
    again = await put(claim_message_of(1, name=""), claim_message_of(2, name=""))
    assert [result.state for result in again.results] == [UNCHANGED, NEW]
    assert first.results[0].claim == again.results[0].claim != again.results[1].claim
    assert (await get(first.results[0].claim)).statement == claim_message_of(1).statement


async def test_of_several_with_one_name_the_last_counts(put: Put, get: Get) -> None:
    await put(claim_message_of(1, title="older"), claim_message_of(1, title="newer"))
    assert (await get("claims/00001")).title == "newer"


async def test_a_rating_is_read_out_of_the_verdict_unless_it_is_given(put: Put, get: Get) -> None:
    given = claim_pb2.CLAIM_RATING_UNRATED
    await put(claim_message_of(1), claim_message_of(2, verdict="True"), claim_message_of(3, rating=given))
    ratings = [(await get(f"claims/0000{number}")).rating for number in (1, 2, 3)]
    assert ratings == [claim_pb2.CLAIM_RATING_FALSE, claim_pb2.CLAIM_RATING_TRUE, given]


async def test_a_review_date_comes_back(put: Put, get: Get) -> None:
    await put(claim_message_of(1, review_date={"year": 2020, "month": 2, "day": 29}), claim_message_of(2))
    day = (await get("claims/00001")).review_date
    assert (day.year, day.month, day.day) == (2020, 2, 29)
    assert not (await get("claims/00002")).HasField("review_date")


BAD = [
    ({"name": "platforms/x/posts/1"}, "name"),
    ({"name": "claims/"}, "name"),
    ({"name": "claims/two words"}, "name"),
    ({"name": f"claims/{'x' * 257}"}, "name"),
    ({"statement": ""}, "statement"),
    ({"statement": "x" * 4_097}, "statement"),
    ({"statement": "glow\x00"}, "statement"),
    ({"title": "x" * 1_025}, "title"),
    ({"url": "ftp://example.org"}, "url"),
    ({"verdict": "x" * 257}, "verdict"),
    ({"publisher": "x" * 257}, "publisher"),
    ({"rating": 9}, "rating"),
    ({"review_date": {"year": 2020, "month": 2, "day": 30}}, "review_date"),
    ({"review_date": {"year": 2020}}, "review_date"),
]


@pytest.mark.parametrize(("fields", "field"), BAD)
async def test_a_bad_claim_names_its_field(front: Front, put: Put, fields: Any, field: Any) -> None:
    failure = failure_in((await put(claim_message_of(1, **fields))).results[0].error)
    assert (failure.code, failure.field) == (grpc.StatusCode.INVALID_ARGUMENT, f"claims[0].{field}")
    failure = await failure_of(front.claims.CreateClaim(pb.CreateClaimRequest(claim=claim_message_of(1, **fields))))
    assert (failure.code, failure.field) == (grpc.StatusCode.INVALID_ARGUMENT, f"claim.{field}")
    assert await front.store.claims_version() == ""


@pytest.mark.parametrize(("count", "says"), [(0, "send 1 to 1,000 claims"), (1_001, "holds 1,001 claims")])
async def test_none_or_too_many(front: Front, count: int, says: str) -> None:
    request = pb.ImportClaimsRequest(claims=[claim_message_of(number) for number in range(count)])
    failure = await failure_of(front.claims.ImportClaims(request))
    assert (failure.code, failure.field) == (grpc.StatusCode.INVALID_ARGUMENT, "claims")
    assert says in failure.description


async def test_a_thousand_are_not_too_many(put: Put) -> None:
    response = await put(*(claim_message_of(number) for number in range(1_000)))
    assert {result.state for result in response.results} == {NEW}


async def test_create_and_get(front: Front, get: Get) -> None:
    created = (await front.claims.CreateClaim(pb.CreateClaimRequest(claim=claim_message_of(1, name="")))).claim
    assert created == await get(created.name)
    assert created.state == claim_pb2.CLAIM_STATE_ACTIVE
    assert created.update_time.seconds > 0


async def test_what_the_server_alone_says_is_not_taken_from_the_client(front: Front) -> None:
    claim = claim_message_of(1, state=claim_pb2.CLAIM_STATE_QUARANTINED, quarantine_reason="so", confirmed_count=9)
    created = (await front.claims.CreateClaim(pb.CreateClaimRequest(claim=claim))).claim
    assert (created.state, created.quarantine_reason, created.confirmed_count) == (1, "", 0)


async def test_creating_what_is_there_changes_nothing(front: Front, put: Put, get: Get) -> None:
    await put(claim_message_of(1))
    request = pb.CreateClaimRequest(claim=claim_message_of(1, statement="Something else"))
    failure = await failure_of(front.claims.CreateClaim(request))
    assert (failure.code, failure.reason) == (grpc.StatusCode.ALREADY_EXISTS, "CLAIM_EXISTS")
    assert (await get("claims/00001")).statement == claim_message_of(1).statement


async def test_create_without_a_claim(front: Front) -> None:
    assert (await failure_of(front.claims.CreateClaim(pb.CreateClaimRequest()))).field == "claim"


@pytest.mark.parametrize(
    ("method", "request_of"),
    [
        ("GetClaim", lambda name: pb.GetClaimRequest(name=name)),
        ("QuarantineClaim", lambda name: pb.QuarantineClaimRequest(name=name, reason="why")),
        ("ReleaseClaim", lambda name: pb.ReleaseClaimRequest(name=name)),
    ],
)
async def test_no_such_claim_names_the_resource(front: Front, method: str, request_of: Any) -> None:
    failure = await failure_of(getattr(front.claims, method)(request_of("claims/none")))
    assert (failure.code, failure.reason) == (grpc.StatusCode.NOT_FOUND, "CLAIM_NOT_FOUND")
    resource = failure.detail(error_details_pb2.ResourceInfo)
    assert (resource.resource_type, resource.resource_name) == ("assay.dev/Claim", "claims/none")
    for name in ("", "none", "claims/", "claims/a/b", "claims/a b", f"claims/{'x' * 257}"):
        assert (await failure_of(getattr(front.claims, method)(request_of(name)))).field == "name"


async def pages(front: Front, **fields: Any) -> list[list[str]]:
    request = pb.ListClaimsRequest(**fields)
    found: list[list[str]] = []
    while not found or request.page_token:
        response = await front.claims.ListClaims(request)
        found.append([claim.name for claim in response.claims])
        request.page_token = response.next_page_token
    return found


async def test_pages_join_to_the_whole_by_name(front: Front, put: Put) -> None:
    imported = await put(*(claim_message_of(number) for number in (7, 3, 9, 1, 5)))
    assert await pages(front, page_size=2) == [
        ["claims/00001", "claims/00003"],
        ["claims/00005", "claims/00007"],
        ["claims/00009"],
    ]
    assert (await front.claims.ListClaims(pb.ListClaimsRequest())).claims_version == imported.claims_version


async def test_a_page_that_holds_all_is_the_last(front: Front, put: Put) -> None:
    await put(claim_message_of(1), claim_message_of(2))
    assert await pages(front, page_size=2) == [["claims/00001", "claims/00002"]]


async def test_without_claims_there_is_one_empty_page_and_no_version(front: Front) -> None:
    response = await front.claims.ListClaims(pb.ListClaimsRequest())
    assert (list(response.claims), response.next_page_token, response.claims_version) == ([], "", "")


@pytest.mark.parametrize(
    ("only", "expected"),
    [
        (pb.ClaimFilter(state=claim_pb2.CLAIM_STATE_QUARANTINED), ["claims/00002"]),
        (pb.ClaimFilter(state=ACTIVE), ["claims/00001", "claims/00003"]),
        (pb.ClaimFilter(publisher="Other"), ["claims/00003"]),
        (pb.ClaimFilter(query="NUMBERED 2"), ["claims/00002"]),
        (
            pb.ClaimFilter(query="numbered", publisher="Example Facts", state=ACTIVE),
            ["claims/00001"],
        ),
    ],
)
async def test_filters(front: Front, put: Put, only: pb.ClaimFilter, expected: list[str]) -> None:
    await put(claim_message_of(1), claim_message_of(2), claim_message_of(3, publisher="Other"))
    await front.claims.QuarantineClaim(pb.QuarantineClaimRequest(name="claims/00002", reason="too wide"))
    assert await pages(front, filter=only) == [expected]


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (pb.ListClaimsRequest(filter=pb.ClaimFilter(state=cast("Any", 7))), "filter.state"),
        (pb.ListClaimsRequest(filter=pb.ClaimFilter(query="x" * 257)), "filter.query"),
        (pb.ListClaimsRequest(filter=pb.ClaimFilter(query="\x00")), "filter.query"),
        (pb.ListClaimsRequest(filter=pb.ClaimFilter(publisher="x" * 257)), "filter.publisher"),
        (pb.ListClaimsRequest(page_size=-1), "page_size"),
        (pb.ListClaimsRequest(page_token="garbage"), "page_token"),
        (pb.ListClaimsRequest(page_token="ü"), "page_token"),
        (pb.ListClaimsRequest(page_token="A" * 400), "page_token"),
    ],
)
async def test_bad_lists(front: Front, request_: pb.ListClaimsRequest, field: str) -> None:
    failure = await failure_of(front.claims.ListClaims(request_))
    assert (failure.code, failure.field) == (grpc.StatusCode.INVALID_ARGUMENT, field)


async def test_a_page_token_belongs_to_its_filter(front: Front, put: Put) -> None:
    await put(*(claim_message_of(number) for number in range(4)))
    token = (await front.claims.ListClaims(pb.ListClaimsRequest(page_size=2))).next_page_token
    other = pb.ListClaimsRequest(page_token=token, filter=pb.ClaimFilter(publisher="Example Facts"))
    assert (await failure_of(front.claims.ListClaims(other))).field == "page_token"


def test_tokens_of_verdicts_and_of_claims_do_not_pass_for_each_other() -> None:
    assert read_claim_token(write_claim_token("x~1%/", ClaimFilter()), ClaimFilter()) == "x~1%/"
    with pytest.raises(InvalidInput):
        read_token(write_claim_token("7", ClaimFilter()), VerdictFilter())
    with pytest.raises(InvalidInput):
        read_claim_token(write_token(7, VerdictFilter()), ClaimFilter())
    with pytest.raises(InvalidInput):
        read_token(write_token(7, VerdictFilter(claim_id="a")), VerdictFilter(cluster="a"))


async def test_pages_stay_below_4_mib(front: Front) -> None:
    long = [claim_message_of(number, statement="🍌" * 4_096, title="🍌" * 1_024) for number in range(300)]
    await front.store.put([read_claim(claim, "claim") for claim in long])
    found = await pages(front, page_size=1_000)
    assert len(found) == 2
    assert [name for page in found for name in page] == [claim.name for claim in long]


async def test_quarantine_and_back(front: Front, put: Put, get: Get) -> None:
    imported = await put(claim_message_of(1))
    request = pb.QuarantineClaimRequest(name="claims/00001", reason="matches half the feed")
    claim = (await front.claims.QuarantineClaim(request)).claim
    assert (claim.state, claim.quarantine_reason) == (claim_pb2.CLAIM_STATE_QUARANTINED, "matches half the feed")
    changed = await put(claim_message_of(1, title="A title"))
    assert (await get("claims/00001")).state == claim_pb2.CLAIM_STATE_QUARANTINED  # an import keeps it
    assert changed.claims_version != imported.claims_version
    released = (await front.claims.ReleaseClaim(pb.ReleaseClaimRequest(name="claims/00001"))).claim
    assert (released.state, released.quarantine_reason) == (claim_pb2.CLAIM_STATE_ACTIVE, "")
    assert released.title == "A title"
    again = (await front.claims.ReleaseClaim(pb.ReleaseClaimRequest(name="claims/00001"))).claim
    assert again == released


@pytest.mark.parametrize("fields", [{}, {"reason": " "}, {"reason": "x" * 1_025}, {"reason": "\x00"}])
async def test_quarantine_needs_a_reason(front: Front, put: Put, fields: dict[str, Any]) -> None:
    await put(claim_message_of(1))
    failure = await failure_of(front.claims.QuarantineClaim(pb.QuarantineClaimRequest(name="claims/00001", **fields)))
    assert (failure.code, failure.field) == (grpc.StatusCode.INVALID_ARGUMENT, "reason")
