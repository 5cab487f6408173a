"""People's decisions on a text, added to its judgements: shared by the record store's adapters."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from service.domain.decision import Standing
from service.domain.verdict import Verdict


def holding(standings: Iterable[Standing]) -> tuple[Standing, ...]:
    """The newest decision for each post, of those on one text, oldest first."""
    return tuple({standing.post: standing for standing in standings}.values())


def with_standing(verdict: Verdict, standing: Mapping[str, tuple[Standing, ...]]) -> Verdict:
    """The verdict, with the decisions of `standing` on its content digest in its judgement."""
    if verdict.judgement is None:
        return verdict
    held = standing.get(verdict.content_digest, ())
    if held == verdict.judgement.standing:
        return verdict
    return replace(verdict, judgement=replace(verdict.judgement, standing=held))
