"""Accounts simulated from labelled posts.

Public sets seldom say which account a post is from, so all posts of a simulated account come from one pool: posts of
one data set, source and generator (none for people). That makes its posts similar, as an account's are; real accounts
also have their own topics and habits, which no such set shows.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classifiers.errors import InputError
from classifiers.evaluation.author_weights import Accounts, Curves, Scored

Generator = np.random.Generator


@dataclass(frozen=True, slots=True)
class Pool:
    """Posts of one group, cut to one length: log odds [n] and word bucket [n] of each."""

    dataset: str
    machine: bool
    opening: str
    logit: NDArray[np.float64]
    bucket: NDArray[np.intp]


class World:
    """Pools by class and data set; accounts are drawn from them."""

    def __init__(self, pools: Iterable[Pool]) -> None:
        self._sets: dict[bool, dict[str, list[Pool]]] = {True: defaultdict(list), False: defaultdict(list)}
        for pool in pools:
            self._sets[pool.machine][pool.dataset].append(pool)

    @property
    def both(self) -> list[str]:
        """Data sets that hold both classes."""
        return sorted(self._sets[True].keys() & self._sets[False].keys())

    def only(self, *, dataset: str | None = None, opening: str | None = None) -> "World":
        """Its pools of that data set, cut to that opening; None: all of them."""
        return World(p for p in self._pools() if dataset in {None, p.dataset} and opening in {None, p.opening})

    def without(self, dataset: str) -> "World":
        """Its pools of other data sets."""
        return World(pool for pool in self._pools() if pool.dataset != dataset)

    def resampled(self, rng: Generator) -> "World":
        """As many data sets of either class, drawn with replacement: a resampled data set."""
        world = World([])
        for machine, sets in self._sets.items():
            for number, name in enumerate(rng.choice(sorted(sets), len(sets))):
                world._sets[machine][f"{name}/{number}"] = sets[name]
        return world

    def scored(self) -> Scored:
        """Every post, weighted so that sets of a class count equally, and pools of a set. Raises InputError if none."""
        if not all(self._sets.values()):
            raise InputError("timelines: no dev posts by machines or none by people; give sets with `ai` 0 and 1")
        parts = []
        for machine, sets in self._sets.items():
            for pools in sets.values():
                for pool in pools:
                    size = len(pool.logit)
                    weight = 1 / (len(sets) * len(pools) * size)
                    parts.append(Scored(pool.logit, pool.bucket, np.full(size, machine), np.full(size, weight)))
        return Scored(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))

    def accounts(self, curves: Curves, posts: int, each: int, rng: Generator) -> Accounts:
        """`each` accounts of `posts` posts of each class; none where a class has no group of that size."""
        drawn = {machine: list(self._draw(machine, posts, each, rng)) for machine in (False, True)}
        if not all(drawn.values()):
            return Accounts(np.empty(0), np.empty(0, np.int64), np.empty(0, np.bool_))
        evidence = [curves.evidence(*found).mean() for accounts in drawn.values() for found in accounts]
        machine = np.repeat([False, True], each)
        return Accounts(np.array(evidence), np.full(len(machine), posts), machine)

    def _pools(self) -> Iterator[Pool]:
        return (pool for sets in self._sets.values() for pools in sets.values() for pool in pools)

    def _draw(
        self, machine: bool, posts: int, each: int, rng: Generator
    ) -> Iterator[tuple[NDArray[np.float64], NDArray[np.intp]]]:
        sizeable = [[pool for pool in pools if len(pool.logit) >= posts] for pools in self._sets[machine].values()]
        sets = [pools for pools in sizeable if pools]
        for _ in range(each if sets else 0):
            pools = sets[rng.integers(len(sets))]
            yield _some(pools[rng.integers(len(pools))], posts, rng)

    def mixed(self, curves: Curves, posts: int, share: float, each: int, rng: Generator) -> NDArray[np.float64]:
        """Evidence [each, posts] of accounts with a share of machine-written posts, both kinds from one set."""
        machines = round(posts * share)
        names = [name for name in self.both if self._largest(name) >= posts]
        rows = []
        for _ in range(each if names else 0):
            name = names[rng.integers(len(names))]
            kinds = [self._sets[machine][name] for machine in (False, True)]
            human, machine = (pools[rng.integers(len(pools))] for pools in kinds)
            parts = [_some(human, posts - machines, rng), _some(machine, machines, rng)]
            rows.append(np.concatenate([curves.evidence(*part) for part in parts]))
        return np.array([row for row in rows if len(row) == posts]).reshape(-1, posts)

    def _largest(self, name: str) -> int:
        return min(max(len(pool.logit) for pool in self._sets[machine][name]) for machine in (False, True))


def _some(pool: Pool, posts: int, rng: Generator) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Posts of a pool without repetition; fewer where it has fewer."""
    drawn = rng.permutation(len(pool.logit))[:posts]
    return pool.logit[drawn], pool.bucket[drawn]
