"""The policy that decides now, and the one that runs in shadow: loaded from the store while posts are judged.

A watch asks the store every second for the versions. While a new document is read the old policy decides; then
one reference is exchanged. While the store is away, or the new document can't be read here, the old policy goes on.
As long as no version was promoted the policy file of the settings decides; a promoted version decides, whatever the
file says, until it is rolled back.
"""

import asyncio
from dataclasses import replace

from service.errors import AssayError, PolicyInvalid
from service.policy.governance.policy_version import FROM_FILE, Slots
from service.policy.governance.ports import PolicyReader, PolicyStore, WatchObserver
from service.policy.policy import Policy
from service.supervision import every

_INTERVAL = 1.0


class LivePolicy:
    """`Policies` whose current one changes. `file` is the policy of the settings. One task refreshes, others read."""

    def __init__(self, file: Policy) -> None:
        self._file, self._current = file, file
        self._shadow: Policy | None = None
        self._slots = Slots()
        self._refused: Slots | None = None

    @property
    def current(self) -> Policy:
        """The policy that decides now."""
        return self._current

    @property
    def shadow(self) -> Policy | None:
        """The policy that runs in shadow."""
        return self._shadow

    @property
    def slots(self) -> Slots:
        """The versions that were loaded last."""
        return self._slots

    async def refresh(self, store: PolicyStore, reader: PolicyReader) -> bool:
        """Load the versions of the store if they have changed; whether they had.

        Raises `StoreUnavailable`, and `PolicyInvalid` once for a version that can't be read here.
        """
        slots = await store.slots()
        if slots in {self._slots, self._refused}:
            return False
        self._refused = None
        try:
            if slots.live != self._slots.live:
                live = self._file if slots.live == FROM_FILE else await self._read(slots.live, store, reader)
                self._current, self._slots = live, self._slots._replace(live=slots.live)
            if slots.shadow != self._slots.shadow:
                self._shadow, self._slots = None, self._slots._replace(shadow="")
                if slots.shadow:  # under the name that it is compared by
                    self._shadow = replace(await self._read(slots.shadow, store, reader), version=slots.shadow)
        except PolicyInvalid:
            self._refused = slots
            raise
        self._slots = slots
        return True

    async def _read(self, version: str, store: PolicyStore, reader: PolicyReader) -> Policy:
        """The policy of that name. Its own version may differ: it includes the certificate, and ours may be another."""
        document = (await store.find_policy(version)).document
        try:
            return await asyncio.to_thread(reader.policy, document)
        except PolicyInvalid as error:
            remedy = f"{error.remedy}; name the certificate that it was made for in ASSAY_CERTIFICATE, or roll back"
            raise PolicyInvalid(f"policies/{version} {error.field}", error.problem, remedy, error.line) from error


class PolicyWatch:
    """Keeps `live` fresh, asking every `interval` seconds."""

    def __init__(
        self,
        live: LivePolicy,
        store: PolicyStore,
        reader: PolicyReader,
        observer: WatchObserver,
        *,
        interval: float = _INTERVAL,
    ) -> None:
        self._live, self._store, self._reader, self._observer = live, store, reader, observer
        self._interval = interval
        self._away = False

    async def run(self) -> None:
        """Watch for ever; cancel to stop."""
        await every(self._interval, self.look, self._observer, "policy")

    async def look(self) -> None:
        """Look once. Never raises: failures are reported, an outage once."""
        before = self._live.current
        try:
            await self._live.refresh(self._store, self._reader)
        except Exception as error:  # noqa: BLE001 - the old policy serves on, and a watch that ended would never tell
            if not self._away or not isinstance(error, AssayError):
                self._observer.report_failure("policy", error)
            self._away = True
            return
        self._away = False
        if self._live.current is not before:
            self._observer.took_up(self._live.current)
