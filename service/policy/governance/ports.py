"""What governing policies needs of the outside world, as small Protocols."""

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
    """Versions and what is made of them. Each change stands in the audit log, in the same transaction."""

    async def add_policy(self, policy: PolicyVersion) -> tuple[PolicyVersion, bool]:
        """Keep a version; as it stands, and whether it is new. One that is there stays as it is."""
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

        Raises `PolicyNotFound`, or `Outdated` where it is live already, or another than `expected` is (None: any may).
        """
        ...

    async def roll_back(self, actor: str, note: str, *, expected: str | None) -> PolicyChange:
        """Take the last promotion back.

        Rolling back again goes one promotion further; below the first there is the file of the settings. Raises
        `Outdated` where nothing was promoted, or another than `expected` is live (None: any may be).
        """
        ...

    async def set_shadow(self, version: str, actor: str, note: str) -> PolicyChange:
        """Run it in shadow, or (empty) nothing. Raises `PolicyNotFound`, or `Outdated` where it is live."""
        ...

    async def note_act(self, act: PolicyAct, actor: str, note: str) -> PolicyChange:
        """Keep who did something that changes neither."""
        ...

    async def changes(self, *, before: int | None, limit: int) -> list[PolicyChange]:
        """What was done, newest first."""
        ...


class ShadowStore(Protocol):
    """What shadow policies ruled beside the verdicts."""

    async def keep_shadow(self, rulings: Sequence[ShadowRuling]) -> None:
        """Keep them; one that is there already stays."""
        ...

    async def shadow_matrix(self, version: str, start: datetime | None) -> Mapping[tuple[Decision, Decision], int]:
        """How often it decided what (second) where the live policy decided what (first)."""
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
        """What a valid document says, as dicts, lists, numbers and text."""
        ...


class UpheldAppeals(Protocol):
    """Which appeals were upheld."""

    async def upheld(self, posts: Collection[str]) -> set[str]:
        """Which of these post names had an appeal upheld."""
        ...


class Records(VerdictReader, Archive, Protocol):
    """What was recorded: verdicts with their judgements, and the posts they are on."""


class TextReader(Protocol):
    """Has workers read texts; `service.moderation.pipeline.Pipeline` does."""

    async def read(self, posts: Sequence[Post], *, deadline: float | None = None) -> list[Judgement | None]:
        """What the classifiers say of each; nothing is recorded."""
        ...


class WatchObserver(FailureReporter, Protocol):
    """What the watch over the live policy tells."""

    def took_up(self, policy: Policy) -> None:
        """The policy that decides from now on."""
        ...
