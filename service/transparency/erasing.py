"""Erases a person from every store, and proves it by reading all of them through.

The stores are gone through again and again, until a pass finds nothing more: what was under way in a worker or a front
when it began (a post being judged, an answer being recorded) comes to rest meanwhile and is found by the next pass. A
platform should stop sending the person's posts first; one that arrives after the last pass is a new post, and stays.

What stays, and why: entries of the audit log, which name posts and no text, and which nobody can change; numbers, which
name nobody; texts that posts of others carry as well, with what was judged of them. Sequences of verdicts that are gone
leave gaps: a watcher's cursor skips them like verdicts that its filter left out, and nothing shows it of whom
there was a verdict. What fronts keep in memory for half a minute can't be reached from here: it expires.
"""

import asyncio
import hashlib
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from service.transparency.ports import ErasureLog, Traces
from service.transparency.subject import Found, Sought, Subject

_PASSES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasureReport:
    """What was erased, per store and kind of record, and what a search of all stores still found.

    `entry` numbers the last entry of the audit log about it. That holds `digest`, the SHA-256 of `salt` and subject, by
    which whoever has the salt can show whom it is about.
    """

    posts: int
    erased: Mapping[str, Mapping[str, int]]
    remaining: tuple[Found, ...]
    kept: tuple[Found, ...]
    shared_texts: int
    passes: int
    entry: int
    digest: str
    salt: str

    @property
    def complete(self) -> bool:
        """Whether nothing remains that should not."""
        return not self.remaining


class Eraser:
    """Erases from `stores`, in their order: queues come before the record store, which queued posts come back to.

    `settle` seconds lie between passes: longer than what is under way takes.
    """

    def __init__(
        self,
        stores: Sequence[Traces],
        log: ErasureLog,
        *,
        settle: float = 12.0,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._stores, self._log, self._settle, self._sleep = stores, log, settle, sleep

    async def erase(self, subject: Subject, actor: str) -> ErasureReport:
        """Erase the subject; `actor` is who asked for it. Raises `InvalidInput`, and `Unavailable` with part undone.

        What was erased until then stays erased; call again to go on. That it began is noted, and what came of it.
        """
        subject.check()
        salt = secrets.token_hex(16)
        await self._log.note(actor, "subject.erase", subject_digest(salt, subject), {})
        sought, erased, passes = Sought.of(subject), _counters(self._stores), 0
        while passes < _PASSES:
            passes += 1
            sought, went = await self._pass(sought, erased)
            if not went and passes > 1:
                break
            await self._sleep(self._settle)
        found = [each for store in self._stores for each in await store.search(sought)]
        return await self._noted(sought, erased, found, passes, actor, salt)

    async def _pass(self, sought: Sought, erased: Mapping[str, Counter[str]]) -> tuple[Sought, int]:
        for store in self._stores:
            sought = await store.gather(sought)
        went = 0
        for store in self._stores:
            gone = await store.erase(sought)
            erased[store.store].update(gone)
            went += sum(gone.values())
        return sought, went

    async def _noted(  # noqa: PLR0917 - all that there is to tell
        self,
        sought: Sought,
        erased: Mapping[str, Counter[str]],
        found: Sequence[Found],
        passes: int,
        actor: str,
        salt: str,
    ) -> ErasureReport:
        remaining = tuple(each for each in found if not each.kept)
        digest = subject_digest(salt, sought.subject)
        counts = {store: dict(sorted(gone.items())) for store, gone in erased.items()}
        told = {"erased": counts, "remaining": sum(each.count for each in remaining), "passes": passes}
        entry = await self._log.note(actor, "subject.erased", digest, told)
        return ErasureReport(
            posts=len(sought.names),
            erased=counts,
            remaining=remaining,
            kept=tuple(each for each in found if each.kept),
            shared_texts=len(sought.shared),
            passes=passes,
            entry=entry.number,
            digest=digest,
            salt=salt,
        )


def subject_digest(salt: str, subject: Subject) -> str:
    """SHA-256 in hex of salt, platform, pseudonym and post names, a line each."""
    lines = (salt, subject.platform, subject.author, *sorted(subject.posts))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _counters(stores: Sequence[Traces]) -> dict[str, Counter[str]]:
    return {store.store: Counter() for store in stores}
