"""Mixes golden items into what moderators are given: now and then their next case is one, held for them alone.

Whoever leases gets first what they hold already, so a case opened in a moderator's name is the next that they see. It
is opened behind their back, a few seconds after the case that made it due, and not leased until they ask for a case: it
is in no list of what they hold. Should they not take it within an hour, it waits in its queue like any other. It
seems to have been opened when their latest case was.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from service.domain.judgement import Judgement
from service.domain.post import Post
from service.domain.verdict import Verdict
from service.policy.routing import Routing
from service.quality.golden import GoldenItem, Pace, Shown, choose, disguised, due
from service.quality.ports import GoldenSchedule, QualityObserver
from service.review.case import APPEALS, SECOND_OPINIONS, Case, CaseKind
from service.review.opening import case_for
from service.review.ports import CaseOpener
from service.supervision import every

_TICK, _PAUSE = 3.0, 30.0
_AT_WORK = timedelta(minutes=15)
_HELD = timedelta(hours=1)
_OF_OTHERS = {APPEALS, SECOND_OPINIONS}  # there each case is about another one: a golden one would stand out

Read = Callable[[Sequence[Post]], Awaitable[list[Judgement | None]]]
"""What the classifiers say of texts, as `Pipeline.read`."""


class GoldenScheduler:
    """Opens one golden case after every `every` cases that a moderator decided, on average; 0: none."""

    def __init__(
        self,
        golden: GoldenSchedule,
        cases: CaseOpener,
        *,
        read: Read,
        decide: Callable[[Post, Judgement], Verdict],
        routing: Callable[[], Routing],
        observer: QualityObserver,
        every: int,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._golden, self._cases, self._read, self._decide = golden, cases, read, decide
        self._routing, self._observer, self._every, self._clock = routing, observer, every, clock

    async def run(self) -> None:
        """Schedule for ever; cancel to stop."""
        await every(_TICK, self.schedule, self._observer, "golden", pause=_PAUSE)

    async def schedule(self) -> int:
        """Open the golden cases that are due; how many."""
        if self._every < 1:
            return 0
        await self.prepare()
        paces = await self._golden.paces(self._clock() - _AT_WORK)
        return sum([await self._show(pace) for pace in paces if due(pace, self._every)])

    async def prepare(self) -> None:
        """Let the classifiers read items that were pasted, so that they come with what a real case comes with."""
        for item in await self._golden.golden_items():
            if item.verdict is None:
                [judgement] = await self._read([item.post])
                if judgement is not None:
                    await self._golden.read_golden(item.id, self._decide(item.post, judgement))

    async def _show(self, pace: Pace) -> bool:
        items = await self._golden.unseen(pace.moderator)
        queues = [self._queue(item) for item in items]
        item = choose(items, pace, queues)
        if item is None:
            return False
        now = self._clock()
        item = replace(item, post=disguised(item, pace, pace.waited_since(now)))
        case = self._case(item, pace, now)
        shown = Shown(
            case=case.id, item=item.id, moderator=pace.moderator, number=pace.shown, post=item.post.key, at=now
        )
        if not await self._golden.show(shown, item):
            return False
        await self._cases.open_cases([case])
        self._observer.golden_shown(pace.moderator, item.id)
        return True

    def _queue(self, item: GoldenItem) -> str:
        return self._routing().queue_of(item.post, item.verdict.ruling.categories if item.verdict else ())

    def _case(self, item: GoldenItem, pace: Pace, now: datetime) -> Case:
        if item.verdict is None:
            raise ValueError(f"{item.name} was chosen before it was read")
        verdict = replace(item.verdict, post=item.post.key)
        queue = "" if pace.queue in _OF_OTHERS else pace.queue
        case = case_for(item.post, verdict, self._routing(), kind=CaseKind.GOLDEN, queue=queue, subject=item.name)
        since = pace.waited_since(now)
        return replace(case, opened_at=since, holder=pace.moderator, leased_at=None, lease_until=now + _HELD)
