"""Loading into a store, a thousand claims a transaction."""

from collections.abc import Sequence

import pytest

from service.claims.files import ClaimFileError
from service.claims.loading import Tally, load
from service.domain.claim import Change, Claim, Rating
from service.errors import StoreUnavailable
from tests.fakes.store import MemoryStore


class Counted(MemoryStore):
    """A store that fails after so many transactions."""

    def __init__(self, fails_after: int = 99) -> None:
        super().__init__()
        self.portions: list[int] = []
        self._fails_after = fails_after

    async def put(self, claims: Sequence[Claim]) -> list[Change]:
        if len(self.portions) == self._fails_after:
            raise StoreUnavailable("gone")
        self.portions.append(len(claims))
        return await super().put(claims)


def claims(count: int) -> list[Claim]:
    return [Claim(id=str(number), claim=f"Claim {number}", rating=Rating.FALSE) for number in range(count)]


async def test_a_thousand_claims_a_transaction() -> None:
    store, tally = Counted(), Tally()
    refused: list[ClaimFileError] = []
    error = ClaimFileError("line 3", "is wrong", "fix it")
    await load([*claims(2300), error, *claims(1)], store, tally, refused.append)
    assert store.portions == [1000, 1000, 301]
    assert tally.changes == {Change.NEW: 2300, Change.UNCHANGED: 1}
    assert (tally.claims, tally.bad, refused, [*tally.twice]) == (2301, 1, [error], ["0"])


async def test_an_id_twice_in_one_transaction_counts_once() -> None:
    store, tally = MemoryStore(), Tally()
    await load([*claims(2), Claim(id="0", claim="Another")], store, tally, list[object]().append)
    assert tally.changes == {Change.NEW: 2}
    assert (await store.find_claim("0")).claim.claim == "Another"


async def test_what_was_stored_before_an_outage_stays() -> None:
    store = Counted(fails_after=1)
    with pytest.raises(StoreUnavailable):
        await load(claims(1500), store, Tally(), list[object]().append)
    assert len((await store.claim_set()).records) == 1000


async def test_without_a_store_claims_are_only_counted() -> None:
    tally = Tally()
    await load(claims(3), None, tally, list[object]().append)
    assert (tally.claims, tally.changes, tally.ratings) == (3, {}, {Rating.FALSE: 3})
