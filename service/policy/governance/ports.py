"""The ports of governing policies, as small Protocols."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from service.domain.decision import Decision
from service.domain.judgement import Judgement
from service.domain.post import Post
from service.failures import FailureReporter
from service.policy.governance.policy_version import PolicyAct, PolicyChange, PolicyVersion, Slots
from service.policy.governance.shadow_ruling import Differing, ShadowRuling
from service.policy.policy import Policy
from service.records.ports import Archive, VerdictReader


class PolicyStore(Protocol):
    """Versions and their use. Each change is in the audit log, in the same transaction."""

    async def add_policy(self, policy: PolicyVersion) -> tuple[PolicyVersion, bool]:
        """Store a version; as stored, and whether it is new. One that exists is not changed."""
        ...

    async def find_policy(self, version: str) -> PolicyVersion:
        """Raises `PolicyNotFound`."""
        ...

    async def policies(self, *, before: int | None, limit: int) -> list[PolicyVersion]:
        """Versions numbered below `before` (None: all), newest first."""
        ...

    async def slots(self) -> Slots:
        """What is live, and what runs in shadow. Asked every second: cheap."""
        ...

    async def promote(self, version: str, actor: str, note: str, *, expected: str | None) -> PolicyChange:
        """Make it live.

        Raises `PolicyNotFound`, or `Outdated` where it is live already, or `expected` is not (None: not checked).
        """
        ...

    async def roll_back(self, actor: str, note: str, *, expected: str | None) -> PolicyChange:
        """Roll the last promotion back.

        Rolling back again goes one promotion further; below the first there is the file of the settings. Raises
        `Outdated` where nothing was promoted, or `expected` is not live (None: not checked).
        """
        ...

    async def set_shadow(self, version: str, actor: str, note: str) -> PolicyChange:
        """Run it in shadow, or (empty) nothing. Raises `PolicyNotFound`, or `Outdated` where it is live."""
        ...

    async def note_act(self, act: PolicyAct, actor: str, note: str) -> PolicyChange:
        """Store an act that changes neither."""
        ...

    async def changes(self, *, before: int | None, limit: int) -> list[PolicyChange]:
        """What was done, newest first."""
        ...


class ShadowStore(Protocol):
    """Rulings of shadow policies on recorded verdicts."""

    async def keep_shadow(self, rulings: Sequence[ShadowRuling]) -> None:
        """Store them; one that exists is not changed."""
        ...

    async def shadow_matrix(self, version: str, start: datetime | None) -> Mapping[tuple[Decision, Decision], int]:
        """Counts by the live policy's decision (first) and its own (second)."""
        ...

    async def shadow_differing(self, version: str, start: datetime | None, *, limit: int) -> list[Differing]:
        """The newest verdicts from which its decision differs."""
        ...


class PolicyReader(Protocol):
    """Documents in, policies out, with the certificate of the settings."""

    def policy(self, document: str) -> Policy:
        """Raises `PolicyInvalid`, with further problems as its notes."""
        ...

    def plain(self, document: str) -> Mapping[str, Any]:
        """A valid document's content, as dicts, lists, numbers and text."""
        ...


class UpheldAppeals(Protocol):
    """Which appeals were upheld."""

    async def upheld(self, posts: Collection[str]) -> set[str]:
        """Which of these post names had an appeal upheld."""
        ...


class Records(VerdictReader, Archive, Protocol):
    """The records: verdicts with their judgements, and their posts."""


class TextReader(Protocol):
    """Has workers read texts; `service.moderation.pipeline.Pipeline` does."""

    async def read(self, posts: Sequence[Post], *, deadline: float | None = None) -> list[Judgement | None]:
        """What the classifiers say of each; nothing is recorded."""
        ...


class WatchObserver(FailureReporter, Protocol):
    """What the watch over the live policy reports."""

    def took_up(self, policy: Policy) -> None:
        """The policy that decides from now on."""
        ...
