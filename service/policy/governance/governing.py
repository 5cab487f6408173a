"""The use cases of policies: make versions, preview a change, promote and roll back.

Every change is kept with who made it and why, in the history and in the audit log. Callers
check the roles.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from service.domain.post import Post
from service.domain.verdict import VerdictFilter
from service.errors import InvalidInput, NotAllowed, Outdated, PolicyInvalid, RedisUnavailable
from service.policy.budget import Budget
from service.policy.governance.backtest import Backtest, Tally
from service.policy.governance.difference import Difference, differences
from service.policy.governance.policy_version import FROM_FILE, PolicyAct, PolicyChange, PolicyVersion, Slots
from service.policy.governance.ports import PolicyReader, PolicyStore, Records, ShadowStore, TextReader, UpheldAppeals
from service.policy.governance.shadow import Shadow
from service.policy.governance.shadow_ruling import ShadowComparison
from service.policy.governance.trial import Trial, tried
from service.policy.policy import Policy
from service.policy.ports import BudgetState

LONGEST_DOCUMENT = 500_000
LONGEST_NOTE = 1_024
MOST_DAYS = 366
MOST_POSTS = 1_000_000
SYSTEM = "system"

_PORTION = 50  # decoding one blocks a front for some 20 ms


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyParts:
    """The ports of governing. `file` is the document of the settings.

    With `second_person` no one promotes what they made. Without a `budget` there is no report of it.
    """

    store: PolicyStore
    records: Records
    rulings: ShadowStore
    appeals: UpheldAppeals
    reader: PolicyReader
    file: str
    budget: Budget | None = None
    second_person: bool = False
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)


class Governing:
    """The use cases. Versions are named by their digest alone; an empty one names the live one."""

    def __init__(self, parts: PolicyParts) -> None:
        self._parts, self._store, self._reader = parts, parts.store, parts.reader
        self._file: PolicyVersion | None = None
        self._shadow = Shadow(lambda: None, parts.records, parts.rulings)

    async def enrol(self) -> PolicyVersion:
        """Store the policy file of the settings as a version too, since verdicts name it."""
        if self._file is None:
            self._file = await self.create(self._parts.file, author=SYSTEM, note="the policy file of the settings")
        return self._file

    def check(self, document: str) -> Policy:
        """The policy that a document makes. Raises `PolicyInvalid` with the line and key of the first mistake.

        The other mistakes are its notes (`__notes__`); `mistakes` returns all.
        """
        if len(document) > LONGEST_DOCUMENT:
            problem = f"has {len(document):,} characters"
            raise PolicyInvalid("document", problem, f"keep it within {LONGEST_DOCUMENT:,}")
        return self._reader.policy(document)

    async def mistakes(self, document: str) -> list[str]:
        """Every mistake in a document, with its line, key and remedy; none where it is valid."""
        try:
            await asyncio.to_thread(self.check, document)
        except PolicyInvalid as error:
            return [str(error), *getattr(error, "__notes__", ())]
        return []

    async def create(self, document: str, *, author: str, note: str = "") -> PolicyVersion:
        """Store a document as a version; if one says the same already, that one. Raises `PolicyInvalid`."""
        _check_note(note)
        policy = await asyncio.to_thread(self.check, document)
        made = PolicyVersion(
            version=policy.version,
            title=policy.name,
            description=policy.description,
            document=document,
            author=author,
            note=note,
            created_at=self._parts.clock(),
        )
        kept, _ = await self._store.add_policy(made)
        return kept

    async def versions(self, *, before: int | None = None, limit: int = 50) -> list[PolicyVersion]:
        """Versions numbered below `before`, newest first."""
        return await self._store.policies(before=before, limit=limit)

    async def find(self, version: str = "") -> PolicyVersion:
        """One version; of the empty name, the live one. Raises `PolicyNotFound`."""
        wanted = version or (await self._store.slots()).live
        return await self.enrol() if wanted == FROM_FILE else await self._store.find_policy(wanted)

    async def slots(self) -> Slots:
        """The versions that were promoted and that run in shadow; empty for none."""
        return await self._store.slots()

    async def live(self) -> PolicyVersion:
        """The version that decides now: what was promoted, else the policy file of the settings."""
        return await self.find()

    async def shadow(self) -> PolicyVersion | None:
        """The version that runs in shadow."""
        version = (await self._store.slots()).shadow
        return await self._store.find_policy(version) if version else None

    async def changes(self, *, before: int | None = None, limit: int = 50) -> list[PolicyChange]:
        """Who did what, newest first."""
        return await self._store.changes(before=before, limit=limit)

    async def difference(self, before: str, after: str) -> list[Difference]:
        """The changes from one version to the other, in plain words. Raises `PolicyNotFound`."""
        old, new = [(await self.find(version)).document for version in (before, after)]
        plain = await asyncio.to_thread(lambda: [self._reader.plain(document) for document in (old, new)])
        return differences(*plain)

    async def backtest(self, candidate: str, *, base: str = "", days: float = 7.0, limit: int = 100_000) -> Backtest:
        """What `candidate` would have decided otherwise than `base` in the last `days`, on the newest `limit` verdicts.

        Raises `PolicyNotFound`, and `InvalidInput` for a time or a limit that is out of bounds.
        """
        if not 0 < days <= MOST_DAYS:
            raise InvalidInput("days", f"{days:g} is out of bounds", f"ask for up to {MOST_DAYS} days")
        if not 0 < limit <= MOST_POSTS:
            raise InvalidInput("limit", f"{limit:,} is out of bounds", f"ask for 1 to {MOST_POSTS:,} verdicts")
        start = self._parts.clock() - timedelta(days=days)
        tally = Tally(await self._policy(base), await self._policy(candidate))
        return tally.result(start, complete=await self._tell(tally, start, limit))

    async def _tell(self, tally: Tally, start: datetime, limit: int) -> bool:
        """Count the newest `limit` verdicts since `start` in the tally, in portions; whether these are all."""
        only, before, left, records = VerdictFilter(start=start), None, limit, self._parts.records
        while True:
            verdicts = await records.page(only, before=before, limit=min(_PORTION, left + 1))
            told = verdicts[:left]
            flips = tally.decide(await records.posts([verdict.post for verdict in told]), told)
            upheld = await self._parts.appeals.upheld({flip.post for flip in flips}) if flips else set()
            tally.count(flips, upheld)
            if len(verdicts) > left or len(verdicts) < _PORTION:
                return len(verdicts) <= left
            left, before = left - len(told), told[-1].sequence

    async def test(
        self, candidate: str, posts: Sequence[Post], reading: TextReader, *, deadline: float | None = None
    ) -> list[Trial]:
        """What a version decides on these posts, next to the live one. Workers read them; nothing is recorded.

        Raises `PolicyNotFound`, `NoWorker`, `DeadlineExceeded`.
        """
        return await self._test(await self._policy(candidate), posts, reading, deadline)

    async def test_document(
        self, document: str, posts: Sequence[Post], reading: TextReader, *, deadline: float | None = None
    ) -> list[Trial]:
        """Likewise for a document that is not a version yet. Raises `PolicyInvalid` too."""
        return await self._test(await asyncio.to_thread(self.check, document), posts, reading, deadline)

    async def _test(
        self, candidate: Policy, posts: Sequence[Post], reading: TextReader, deadline: float | None
    ) -> list[Trial]:
        live, judgements = await self._policy(""), await reading.read(posts, deadline=deadline)
        return [tried(post, j, live=live, candidate=candidate) for post, j in zip(posts, judgements, strict=True)]

    async def promote(self, version: str, *, actor: str, note: str = "", expected: str | None = None) -> PolicyChange:
        """Promote a version. `expected` is the live version that the person saw (None: whichever it is).

        Raises `PolicyNotFound`; `Outdated` where another or this one is live by now; `PolicyInvalid` where it can't be
        read with the certificate of the settings; `NotAllowed` where its author may not promote it.
        """
        _check_note(note)
        found = await self._store.find_policy(version)
        if self._parts.second_person and found.author == actor:
            raise NotAllowed(f"{actor} made {found.name}: another person must promote it")
        policy = await asyncio.to_thread(self.check, found.document)
        if policy.version != version:
            problem = "was made for another certificate than that of the settings"
            raise PolicyInvalid(found.name, problem, "create the version again, or set ASSAY_CERTIFICATE")
        return await self._store.promote(version, actor, note, expected=await self._promoted(expected))

    async def roll_back(self, *, actor: str, note: str = "", expected: str | None = None) -> PolicyChange:
        """Roll the last promotion back; once more, the one before it. Raises `Outdated`."""
        _check_note(note)
        return await self._store.roll_back(actor, note, expected=await self._promoted(expected))

    async def _promoted(self, expected: str | None) -> str | None:
        """The slot's content where people see `expected`: empty for the file of the settings."""
        if not expected:
            return None
        if (await self._store.slots()).live != FROM_FILE:
            return expected
        return FROM_FILE if (await self.enrol()).version == expected else expected

    async def set_shadow(self, version: str, *, actor: str, note: str = "") -> PolicyChange:
        """Run a version in shadow from now on, or (empty) none.

        Raises `PolicyNotFound`, `Outdated` where it is live, `PolicyInvalid`.
        """
        _check_note(note)
        if version:
            await asyncio.to_thread(self.check, (await self._store.find_policy(version)).document)
        return await self._store.set_shadow(version, actor, note)

    async def compare_shadow(self, version: str = "", *, days: float | None = None) -> ShadowComparison:
        """How a version (empty: the one in shadow) compares with the live one. Raises `PolicyNotFound`."""
        wanted = version or (await self._store.slots()).shadow
        if not wanted:
            raise InvalidInput("version", "is empty, and nothing runs in shadow", "name a version, or set one to run")
        await self._store.find_policy(wanted)
        start = None if days is None else self._parts.clock() - timedelta(days=days)
        return await self._shadow.compare(wanted, start)

    async def budget(self) -> BudgetState:
        """Today's budget of automatic actions under the live policy. Raises `RedisUnavailable`."""
        return await self._budget.state(await self._policy(""))

    async def close_breaker(self, *, actor: str, note: str = "") -> BudgetState:
        """Close the circuit breaker and grant the budget once more. Raises `Outdated` where it is not open."""
        _check_note(note)
        if not await self._budget.close():
            raise Outdated("the circuit breaker is not open")
        await self._store.note_act(PolicyAct.CLOSE_BREAKER, actor, note)
        return await self.budget()

    @property
    def _budget(self) -> Budget:
        if self._parts.budget is None:
            raise RedisUnavailable("actions are counted in Redis, which this process does not use")
        return self._parts.budget

    async def _policy(self, version: str) -> Policy:
        found = await self.find(version)
        policy = await asyncio.to_thread(self.check, found.document)
        return replace(policy, version=found.version)


def _check_note(note: str) -> None:
    if len(note) > LONGEST_NOTE:
        raise InvalidInput("note", f"has {len(note):,} characters", f"keep it within {LONGEST_NOTE:,}")
