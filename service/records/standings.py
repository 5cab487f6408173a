"""What people decided on a text, put beside judgements of it: what the record store's adapters have in common."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from service.domain.decision import Standing
from service.domain.verdict import Verdict


def holding(standings: Iterable[Standing]) -> tuple[Standing, ...]:
    """Of standing decisions on one text, oldest first, the newest for each post."""
    return tuple({standing.post: standing for standing in standings}.values())


def with_standing(verdict: Verdict, standing: Mapping[str, tuple[Standing, ...]]) -> Verdict:
    """The verdict, its judgement carrying what `standing` holds under its content digest."""
    if verdict.judgement is None:
        return verdict
    held = standing.get(verdict.content_digest, ())
    if held == verdict.judgement.standing:
        return verdict
    return replace(verdict, judgement=replace(verdict.judgement, standing=held))
