"""Loads claims from files into the record store, a thousand a transaction, and counts the outcomes."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from service.claims.files import ClaimFileError, Item
from service.claims.limits import MAX_CLAIMS
from service.claims.ports import ClaimStore
from service.domain.claim import Change, Claim, Rating


@dataclass
class Tally:
    """Outcomes of the claims of one run. `twice` counts the ids that came more than once: the last claim counts."""

    changes: Counter[Change] = field(default_factory=Counter)
    ratings: Counter[Rating] = field(default_factory=Counter)
    twice: Counter[str] = field(default_factory=Counter)
    bad: int = 0
    _seen: set[str] = field(default_factory=set)

    @property
    def claims(self) -> int:
        """How many claims were read."""
        return self.ratings.total()

    def count(self, claim: Claim) -> None:
        """Count a claim that was read."""
        self.ratings[claim.rating] += 1
        if claim.id in self._seen:
            self.twice[claim.id] += 1
        self._seen.add(claim.id)


async def load(
    items: Iterable[Item], store: ClaimStore | None, tally: Tally, refused: Callable[[ClaimFileError], None]
) -> None:
    """Store what `items` yields in `store` (None: only check it); `refused` is called with each error as it is met.

    Raises `StoreUnavailable`; what was stored until then stays, and the same run again does the rest.
    """
    claims = _claims(items, tally, refused)
    while portion := list(islice(claims, MAX_CLAIMS)):
        if store:
            tally.changes.update(await store.put([*{claim.id: claim for claim in portion}.values()]))


def _claims(items: Iterable[Item], tally: Tally, refused: Callable[[ClaimFileError], None]) -> Iterator[Claim]:
    for item in items:
        if isinstance(item, ClaimFileError):
            tally.bad += 1
            refused(item)
        else:
            tally.count(item)
            yield item
