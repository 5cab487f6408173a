"""What quality needs of the record store, as small Protocols. `service.quality.sql.store` has them all."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Protocol

from service.domain.post import PostKey
from service.domain.verdict import Verdict
from service.failures import FailureReporter
from service.quality.accuracy import Volumes
from service.quality.drift import Drift, ScoreKey
from service.quality.golden import GoldenItem, GoldenResult, Pace, Shown
from service.quality.opinions import Opinion
from service.quality.overview import QueueAge, Row
from service.quality.prevalence import Rates, Sampled, SampledDay
from service.quality.tally import Grain
from service.review.appeal import AppealState


class SamplingStore(Protocol):
    """Counts of the verdicts that are recorded, and the prevalence sample that is drawn of them."""

    async def count(self, verdicts: Sequence[Verdict], rates: Rates) -> None:
        """Count verdicts, given in the order of their sequences, and draw the prevalence sample from them.

        Each counts once, however often it comes, and in any number of fronts.
        """
        ...

    async def unopened(self, limit: int) -> list[tuple[Sampled, PostKey, str]]:
        """Posts drawn of which there is no case yet, with the id that their case is to have."""
        ...

    async def opened(self, keys: Collection[str]) -> None:
        """These have their case now, or never will: they were erased or edited meanwhile."""
        ...

    async def prune(self, now: datetime) -> None:
        """Forget counts that are older than they are kept for."""
        ...


class WaitingStore(Protocol):
    """What waits for people."""

    async def queue_ages(self) -> list[QueueAge]:
        """Queues with open cases, the oldest first."""
        ...

    async def open_appeals(self) -> tuple[int, float]:
        """How many appeals wait, and the age of the oldest in seconds (0 when none)."""
        ...


class MeasureStore(WaitingStore, Protocol):
    """What is measured: counts, scores, the prevalence sample, and what people decided."""

    async def rows(self, grain: Grain, since: datetime) -> list[Row]:
        """The counts from then on."""
        ...

    async def volumes(self, since: datetime) -> Volumes:
        """How many posts got each category with each decision, from that day on."""
        ...

    async def histograms(self, since: date) -> Mapping[ScoreKey, Sequence[int]]:
        """Histograms of scores, from that day on."""
        ...

    async def sampled_days(self, since: date) -> list[SampledDay]:
        """What became of the samples from that day on."""
        ...

    async def opinions(self, since: datetime) -> list[Opinion]:
        """Decisions in force, from then on, with what the service had decided by itself."""
        ...

    async def appeal_counts(self, since: datetime) -> Mapping[AppealState, int]:
        """Appeals by state that were opened from then on."""
        ...


class GoldenItems(Protocol):
    """The golden items that there are."""

    async def golden_items(self, *, retired: bool = False) -> list[GoldenItem]:
        """Items, newest first; the retired ones only when asked for."""
        ...


class GoldenStore(GoldenItems, Protocol):
    """Golden items. Adding and retiring are written to the audit log, in the same transaction."""

    async def add_golden(self, item: GoldenItem) -> None:
        """Keep an item. Raises `Conflict` when its text is golden already."""
        ...

    async def retire_golden(self, item_id: str, by: str) -> GoldenItem:
        """Show it no more; what moderators made of it stays. Raises `NotFound`."""
        ...

    async def shown(self, since: datetime) -> list[Shown]:
        """Items shown from then on."""
        ...

    async def golden_results(self, since: datetime) -> list[GoldenResult]:
        """Answers to golden items from then on."""
        ...

    async def disguised_verdict(self, post: PostKey) -> Verdict | None:
        """What to show as the verdict on a golden item's post; None when the post is none."""
        ...


class GoldenSchedule(GoldenItems, Protocol):
    """Which golden items were shown to whom."""

    async def paces(self, since: datetime) -> list[Pace]:
        """Moderators who decided something from then on."""
        ...

    async def unseen(self, moderator: str) -> list[GoldenItem]:
        """Items that are ready and were not shown to this moderator, nor decided by them when they were real cases."""
        ...

    async def read_golden(self, item_id: str, verdict: Verdict) -> None:
        """What the service says of an item's text."""
        ...

    async def show(self, shown: Shown, item: GoldenItem) -> bool:
        """Keep that an item is shown, and its disguised post; False when that moderator's number is taken already."""
        ...


class Forgetting(Protocol):
    """What quality keeps of posts that must be erased."""

    async def forget(self, posts: Collection[str], texts: Collection[str] = ()) -> int:
        """Erase golden items made from these posts (names) with all their copies, and samples not opened; how many.

        And those of these texts (content digests), whoever pasted them.
        """
        ...


class QualityObserver(FailureReporter, Protocol):
    """Where quality's metrics and logs go."""

    def drifted(self, drift: Drift) -> None:
        """How one signal's scores moved."""
        ...

    def waiting(self, queues: Sequence[QueueAge], appeals: tuple[int, float]) -> None:
        """The queues with open cases; open appeals, and the age of the oldest in seconds."""
        ...

    def golden_shown(self, moderator: str, item: str) -> None:
        """A golden item went out."""
        ...

    def sampled(self, posts: int) -> None:
        """So many prevalence cases were opened."""
        ...
