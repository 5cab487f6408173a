"""How long what is kept, what can't be said, and the loop that keeps to it."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from service.errors import InvalidInput, StoreUnavailable
from service.policy.document import load
from service.runtime.settings import Settings
from service.runtime.wiring.use_cases import retention, terms
from service.transparency.retention import Keeper, Kind, Retention

NOW = datetime(2026, 11, 1, tzinfo=UTC)


class Records:
    """Holds so many old records of each kind, and counts who asks."""

    def __init__(self, **old: int) -> None:
        self.old = {Kind(name): count for name, count in old.items()}
        self.asked: list[tuple[Kind, datetime]] = []
        self.away = 0

    async def due(self, kind: Kind, before: datetime) -> int:
        return self.old.get(kind, 0)

    async def drop(self, kind: Kind, before: datetime, limit: int) -> int | None:
        self.asked.append((kind, before))
        if self.away:
            self.away -= 1
            raise StoreUnavailable("away")
        went = min(limit, self.old.get(kind, 0))
        self.old[kind] = self.old.get(kind, 0) - went
        return went


class Observer:
    def __init__(self) -> None:
        self.went: list[tuple[Kind, int]] = []
        self.failures: list[str] = []
        self.heard = asyncio.Event()

    def deleted(self, kind: Kind, count: int) -> None:
        self.went.append((kind, count))
        self.heard.set()

    def report_failure(self, where: str, error: Exception) -> None:
        self.failures.append(where)


class TestPeriods:
    def test_the_defaults(self) -> None:
        periods = Retention().periods()
        assert periods[Kind.ALLOWED] == timedelta(days=90)
        assert Kind.AUDIT not in periods
        assert Kind.CONFIRMATIONS not in periods

    @pytest.mark.parametrize("name", ["flagged", "cases", "appeals"])
    def test_what_may_be_contested_is_kept_for_six_months(self, name: str) -> None:
        with pytest.raises(InvalidInput, match="six months"):
            Retention(**{name: 183})
        assert Retention(**{name: 184})
        assert Retention(**{name: 0})

    def test_a_negative_one(self) -> None:
        with pytest.raises(InvalidInput, match="retain_audit"):
            Retention(audit=-1)

    def test_those_of_the_settings(self) -> None:
        assert retention(Settings()) == Retention()
        assert retention(Settings(retain_audit=4000)).audit == 4000

    def test_a_territory_of_the_settings(self) -> None:
        policy = load(None)
        assert len(terms(Settings(), policy).territory) == 27
        assert terms(Settings(dsa_territory="at, de"), policy).territory == ("AT", "DE")
        assert terms(Settings(), policy).rules["self-harm"].startswith("The author may need help")
        with pytest.raises(InvalidInput, match="ASSAY_DSA_TERRITORY"):
            terms(Settings(dsa_territory="US"), policy)


class TestKeeper:
    async def test_goes_on_until_nothing_is_left(self) -> None:
        records, observer = Records(allowed=1100, requests=3, audit=9), Observer()
        assert await Keeper(records, Retention(), observer).once(NOW) == {Kind.ALLOWED: 1100, Kind.REQUESTS: 3}
        assert observer.went == [(Kind.ALLOWED, 500), (Kind.ALLOWED, 500), (Kind.ALLOWED, 100), (Kind.REQUESTS, 3)]
        assert dict(records.asked)[Kind.ALLOWED] == NOW - timedelta(days=90)

    async def test_only_counts_when_asked_what_would_go(self) -> None:
        records = Records(allowed=7)
        assert (await Keeper(records, Retention(), Observer()).due(NOW))[Kind.ALLOWED] == 7
        assert records.asked == []

    async def test_comes_back_after_trouble(self) -> None:
        records, observer = Records(allowed=5), Observer()
        records.away = 1
        task = asyncio.create_task(Keeper(records, Retention(), observer, interval=0.01).run())
        await asyncio.wait_for(observer.heard.wait(), 10)
        task.cancel()
        assert (observer.failures, observer.went) == (["retention of allowed"], [(Kind.ALLOWED, 5)])

    async def test_a_kind_that_fails_leaves_the_others_alone(self) -> None:
        class Broken(Records):
            async def drop(self, kind: Kind, before: datetime, limit: int) -> int | None:
                if kind is Kind.FLAGGED:
                    raise RuntimeError("a constraint that nobody thought of")
                return await super().drop(kind, before, limit)

        observer = Observer()
        records = Broken(allowed=1, flagged=1, cases=1, requests=1)
        went = await Keeper(records, Retention(), observer).once(NOW)
        assert went == {Kind.ALLOWED: 1, Kind.CASES: 1, Kind.REQUESTS: 1}
        assert observer.failures == ["retention of flagged"]
