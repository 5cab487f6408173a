"""The policy that a worker decides by: taken up from the store beside the judging, as its claims are.

A thread asks the store every few seconds which version is live. A batch is decided by one policy from its first post to
its last; the next batch by whatever is live then.
"""

import structlog

from service.errors import Unavailable
from service.failures import FailureLog
from service.policy.governance.live import LivePolicy
from service.policy.policy import Policy
from service.runtime.settings import Settings
from service.runtime.wiring import worker
from workers.background_thread import BackgroundThread

_log = structlog.get_logger("assay")


class _WatchLog(FailureLog):
    """What the watch tells goes to the log."""

    def took_up(self, policy: Policy) -> None:
        """Log it."""
        _log.info("policy taken up", policy=policy.version, title=policy.name)


class LivePolicyWatch(BackgroundThread):
    """Keeps `live` fresh from `start` to `stop`, with a store connection of its own."""

    name = "policy"

    def __init__(self, settings: Settings, live: LivePolicy) -> None:
        super().__init__()
        self._settings, self._live = settings, live

    async def _work(self) -> None:
        going_on = await self._going_on()
        while going_on:
            try:
                async with worker.policy_watch(self._settings, self._live, _WatchLog()) as watch:
                    while going_on:
                        await watch.look()  # an outage it sits out
                        going_on = await self._going_on()
            except Unavailable:
                going_on = await self._going_on()
