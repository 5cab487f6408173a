"""Sends due deliveries to their endpoints, from any number of fronts at once.

A delivery is leased, signed, sent and settled. When the process dies in between, its lease runs out and another front
sends it again: endpoints get each event at least once, and detect duplicates by `webhook-id`. The order
is not guaranteed. An endpoint that is slow or down uses only its own share of the lanes.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable

from service.errors import AssayError
from service.supervision import Poke, every
from service.webhooks.delivery import Leased, outcome
from service.webhooks.ports import DeliveryObserver, DeliveryStore, Sender
from service.webhooks.signing import headers

_TICK, _PAUSE = 0.5, 1.0
_COUNT_EVERY = 10.0


class Delivering:
    """One front's share of the deliveries.

    At most `lanes` are under way at a time and `each` of them to one endpoint. `lease` in seconds is longer than a send
    may take.
    """

    def __init__(
        self,
        store: DeliveryStore,
        sender: Sender,
        observer: DeliveryObserver,
        *,
        lanes: int = 32,
        each: int = 8,
        lease: float = 60.0,
        uniform: Callable[[float, float], float] = random.uniform,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store, self._sender, self._observer = store, sender, observer
        self._lanes, self._each, self._lease = lanes, each, lease
        self._uniform, self._clock = uniform, clock
        self.poke = Poke(_TICK)
        """Something was enqueued, or there is room again: look now rather than at the next tick."""
        self._flights: dict[asyncio.Task[None], Leased] = {}
        self._next_count = 0.0

    async def run(self) -> None:
        """Deliver for ever. When it is cancelled, what is under way is stopped and released."""
        try:
            await every(self.poke.wait, self._round, self._observer, "webhooks", pause=_PAUSE)
        finally:
            await self._break_off()

    async def _round(self) -> None:
        while await self.fill():
            pass
        await self._count()

    async def fill(self) -> bool:
        """Begin what is due, while lanes are free; True when something was begun. Raises `StoreUnavailable`."""
        room = self._lanes - len(self._flights)
        if room <= 0:
            return False
        busy = Counter(leased.endpoint for leased in self._flights.values())
        found = await self._store.lease(room, each=self._each, busy=busy, seconds=self._lease)
        for leased in found:
            task = asyncio.create_task(self._deliver(leased))
            self._flights[task] = leased
            task.add_done_callback(self._landed)
        return bool(found)

    async def settled(self) -> None:
        """Returns when nothing is under way."""
        while self._flights:
            await asyncio.wait(self._flights)

    async def _deliver(self, leased: Leased) -> None:
        signed = headers(leased.secrets, leased.event, int(self._clock()), leased.body)
        answer = await self._sender.send(leased.url, leased.body, signed)
        result = outcome(answer, leased.tries, self._uniform)
        try:
            if await self._store.settle(leased, answer, result):
                self._observer.attempted(leased, answer, result)
        except AssayError as error:  # its lease runs out, and it is sent again
            self._observer.report_failure("webhook delivery", error)

    def _landed(self, task: asyncio.Task[None]) -> None:
        del self._flights[task]
        self.poke()
        if not task.cancelled() and (error := task.exception()) and isinstance(error, Exception):
            self._observer.report_failure("webhook delivery", error)

    async def _count(self) -> None:
        """Count the waiting deliveries now and then."""
        if time.monotonic() >= self._next_count:
            self._next_count = time.monotonic() + _COUNT_EVERY
            self._observer.waiting(await self._store.waiting())

    async def _break_off(self) -> None:
        flights = dict(self._flights)
        for task in flights:
            task.cancel()
        await asyncio.gather(*flights, return_exceptions=True)
        broken = [leased for task, leased in flights.items() if task.cancelled()]
        if broken:
            try:
                await self._store.release(broken)
            except AssayError as error:  # their leases run out
                self._observer.report_failure("webhooks", error)
