"""The client's claims against a real server: objects in and out, calls split by size, the server's errors."""

from datetime import date

import pytest

from service.domain.claim import Change, Claim, ClaimFilter, ClaimState, Confirmation, Rating, Relation
from service.errors import AlreadyExists, ClaimNotFound, InvalidInput, NotDecided, NotFound, NoWorker
from service.rpc.client.client import Client
from tests.factories import post_of
from tests.fixtures.grpc_front import Front

BANANAS = Claim(
    id="bananas",
    claim="Bananas glow in the dark",
    title="Do they?",
    url="https://example.org/bananas",
    date=date(2024, 5, 1),
    verdict="Pants on fire",
    publisher="Example Facts",
    rating=Rating.FALSE,
)


async def test_what_is_created_is_read_back(grpc_client: Client) -> None:
    created = await grpc_client.create_claim(BANANAS)
    assert created.claim == BANANAS
    assert created.state is ClaimState.ACTIVE
    assert await grpc_client.claim("bananas") == created
    with pytest.raises(AlreadyExists, match="claims/bananas"):
        await grpc_client.create_claim(BANANAS)
    with pytest.raises(ClaimNotFound, match="claims/apples"):
        await grpc_client.claim("apples")


async def test_an_import_is_split_and_answered_in_order(grpc_client: Client, front: Front) -> None:
    claims = [Claim(id=f"{number:04}", claim="long " * 700 + str(number)) for number in range(1_500)]
    claims[1_400] = Claim(id="1400", claim="")
    answers = await grpc_client.import_claims(claims)
    refused = answers[1_400]
    assert isinstance(refused, InvalidInput)
    assert refused.field.endswith(".statement")
    assert [answer for answer in answers if answer is Change.NEW] == [Change.NEW] * 1_499
    assert set(await grpc_client.import_claims(claims[:10])) == {Change.UNCHANGED}
    assert [record.claim.id async for record in grpc_client.list_claims()] == [c.id for c in claims if c.id != "1400"]


async def test_a_claim_without_an_id_is_given_one(grpc_client: Client) -> None:
    assert await grpc_client.import_claims([Claim(id="", claim="Apples sing")]) == [Change.NEW]
    [record] = [record async for record in grpc_client.list_claims()]
    assert record.claim.claim == "Apples sing"
    assert record.claim.id


async def test_lists_are_filtered(grpc_client: Client) -> None:
    await grpc_client.import_claims([BANANAS, Claim(id="apples", claim="Apples sing")])
    await grpc_client.quarantine_claim("apples", "a joke")
    only = ClaimFilter(state=ClaimState.QUARANTINED)
    assert [record.claim.id async for record in grpc_client.list_claims(only)] == ["apples"]
    assert [record.claim.id async for record in grpc_client.list_claims(ClaimFilter(query="GLOW"))] == ["bananas"]


async def test_quarantine_and_release(grpc_client: Client) -> None:
    await grpc_client.create_claim(BANANAS)
    away = await grpc_client.quarantine_claim("bananas", "matches half the feed")
    assert (away.state, away.reason) == (ClaimState.QUARANTINED, "matches half the feed")
    [[match]] = await grpc_client.match_claims([f"So {BANANAS.claim}?"])
    assert (match.claim_id, match.quarantined) == ("bananas", True)
    back = await grpc_client.release_claim("bananas")
    assert (back.state, back.reason) == (ClaimState.ACTIVE, "")
    with pytest.raises(ClaimNotFound):
        await grpc_client.quarantine_claim("apples", "why")
    with pytest.raises(ClaimNotFound):
        await grpc_client.release_claim("apples")


async def test_texts_are_matched(grpc_client: Client, front: Front) -> None:
    await grpc_client.create_claim(BANANAS)
    none, [match] = await grpc_client.match_claims(["Good morning", BANANAS.claim])
    assert none == ()
    assert (match.claim_id, match.claim, match.rating, match.url) == (
        "bananas",
        BANANAS.claim,
        BANANAS.rating,
        BANANAS.url,
    )
    assert (match.relation, match.p_relation, match.score) == (Relation.REPEATS, 0.75, 0.875)
    async with Client(front.address, patience=0.2) as hasty:
        with pytest.raises(NoWorker):
            await hasty.match_claims(["!noworker"])


async def test_a_match_is_confirmed(grpc_client: Client, front: Front) -> None:
    await grpc_client.create_claim(BANANAS)
    await front.pipeline.decide(post_of(BANANAS.claim))
    word = Confirmation(post=post_of().name, claim_id="bananas", relation=Relation.UNRELATED, moderator="m-1")
    record = await grpc_client.confirm_match(word)
    assert (record.confirmed, record.rejected) == (0, 1)
    await front.store.accept([post_of("another", "2")])
    for post, kind in ((post_of("x", "2").name, NotDecided), (post_of("x", "3").name, NotFound)):
        with pytest.raises(kind):
            await grpc_client.confirm_match(
                Confirmation(post=post, claim_id="bananas", relation=Relation.REPEATS, moderator="m-1")
            )


async def test_half_a_surrogate_pair_is_refused_before_sending(grpc_client: Client) -> None:
    half = "\ud83d"
    calls = [
        grpc_client.import_claims([Claim(id="x", claim=half)]),
        grpc_client.create_claim(Claim(id="x", claim=half)),
        grpc_client.claim(half),
        grpc_client.match_claims([half]),
        grpc_client.quarantine_claim("x", half),
        grpc_client.release_claim(half),
        grpc_client.confirm_match(Confirmation(post=half, claim_id="x", relation=Relation.REPEATS, moderator="m")),
        anext(grpc_client.list_claims(ClaimFilter(query=half))),
    ]
    for call in calls:
        with pytest.raises(InvalidInput, match="surrogate"):
            await call
