"""What moderators decided, as lines that `assay calibrate --from-decisions` reads."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import update

from classifiers.data.labelled import read_decisions
from classifiers.labels import LABELS
from service.domain.codec import encode_post
from service.domain.decision import Category, Decision
from service.domain.post import NO_CONTEXT, Context, Post, Surface
from service.policy.routing import Routing
from service.review.appeal import AppealState
from service.review.appealing import Appealing
from service.review.bulk import BulkDecision
from service.review.case import CaseKind, Scope
from service.review.exporting import decision_lines
from service.review.opening import case_for
from service.storage.tables.records import POSTS
from tests.fixtures.review import Reviewed, ruled, twins
from tests.review.conftest import Told

BLOCK, ALLOW, LABEL = Decision.BLOCK, Decision.ALLOW, Decision.LABEL


async def lines(reviewed: Reviewed, **options: Any) -> list[dict[str, Any]]:
    return [line async for line in decision_lines(reviewed.review, reviewed.store, **options)]


async def test_calibration_takes_every_line(reviewed: Reviewed, tmp_path: Path) -> None:
    posts = [
        Post(platform="x", id=str(number), text=f"Text {number}", surface=Surface.AD, locale="de")
        for number in range(4)
    ]
    cases = await reviewed.open(posts[:3], Category.FRAUD)
    cases += await reviewed.open(posts[3:], Category.MISINFORMATION)
    for case, said in zip(
        cases,
        (
            ruled(BLOCK, Category.FRAUD),
            ruled(ALLOW),
            ruled(LABEL, Category.AI_GENERATED_MISINFORMATION),
            ruled(ALLOW),
        ),
        strict=True,
    ):
        await reviewed.decided(case, "m-1", said)
    found = await lines(reviewed)
    (file := tmp_path / "decisions.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in found))
    read = read_decisions(file)
    assert [post.text for post in read] == [f"Text {number}" for number in range(4)]
    assert {(post.surface, post.lang, post.decided) for post in read} == {("ad", "de", True)}
    told = [dict(zip(LABELS, post.targets, strict=True)) for post in read]
    assert [each["fraud"] for each in told] == [1, 0, 0, 0]
    assert told[2]["misinformation"] == told[2]["ai_generated"] == 1
    assert told[3]["misinformation"] == 0  # it was flagged as such, so a person looked
    assert np.isnan(told[0]["misinformation"])
    assert np.isnan(told[3]["ai_generated"])


async def test_what_does_not_count(reviewed: Reviewed) -> None:
    posts = [post for n in range(4) for post in twins(f"Text {n}", 1, start=n)]
    undone, opinion, golden, kept = await reviewed.open(posts)
    await reviewed.decided(undone, "m-1", ruled())
    await reviewed.undo("m-1")
    await reviewed.lease("m-2", limit=9)
    await reviewed.decide(opinion, "m-2", ruled(), opinion=True)
    known = case_for(posts[2], await reviewed.current(posts[2]), Routing(), kind=CaseKind.GOLDEN, subject="golden/1")
    await reviewed.review.open_cases([known])
    await reviewed.decided(known, "m-3", ruled())
    await reviewed.decide(kept, "m-2", ruled())
    assert [line["post"] for line in await lines(reviewed)] == [posts[3].name]
    assert golden


async def test_the_last_decision_on_a_text_counts(reviewed: Reviewed, told: Told) -> None:
    one, two = twins(count=2)
    [case, _] = await reviewed.open([one, two])
    await reviewed.decided(case, "m-1", ruled(BLOCK))
    appealing = Appealing(reviewed.review, reviewed.store, routing=Routing, observer=told, now=desk_now(reviewed))
    appeal = await appealing.open(one.name, "My shop is real")
    milder = ruled(ALLOW, rationale="a real shop", scope=Scope.POST)
    decided, outcome = await appealing.decide(appeal.id, "m-2", AppealState.UPHELD, milder)
    assert decided.state is AppealState.UPHELD
    assert len(outcome.verdicts) == 1
    [line] = await lines(reviewed)
    assert (line["decision"], line["appeal"]) == ("ALLOW", True)
    assert await reviewed.review.upheld([one.name, two.name]) == {one.name}


def desk_now(reviewed: Reviewed) -> Any:
    return lambda: datetime.fromtimestamp(reviewed.clock.time, UTC)


async def test_a_bulk_decision_is_a_line_a_text(reviewed: Reviewed) -> None:
    posts = [*twins("a", 3), *twins("b", 2, start=3)]
    verdicts = [reviewed.asking(post) for post in posts]
    await reviewed.store.record(
        posts, [replace(v, judgement=replace(v.judgement, cluster="c")) for v in verdicts if v.judgement]
    )
    bulk = BulkDecision(cluster="c", moderator="m-1", ruled=ruled())
    await reviewed.review.apply(bulk, (await reviewed.review.preview(bulk)).token)
    assert sorted(line["text"] for line in await lines(reviewed)) == ["a", "b"]


async def test_a_bulk_decision_counts_for_the_text_as_it_was(reviewed: Reviewed) -> None:
    post = Post(platform="x", id="1", text="Yes", context=Context(parent_text="Is it true?"))
    verdict = reviewed.asking(post)
    assert verdict.judgement
    await reviewed.store.record([post], [replace(verdict, judgement=replace(verdict.judgement, cluster="c"))])
    bulk = BulkDecision(cluster="c", moderator="m-1", ruled=ruled())
    await reviewed.review.apply(bulk, (await reviewed.review.preview(bulk)).token)
    async with reviewed.store.write() as tx:  # as an erasure of who asked does
        await tx.execute(update(POSTS).values(body=encode_post(replace(post, context=NO_CONTEXT))))
    [line] = await lines(reviewed)
    assert (line["text"], line["decision"]) == ("Yes", "BLOCK")


@pytest.mark.parametrize(("days", "expected"), [(0, 2), (1, 1), (2, 0)])
async def test_since(reviewed: Reviewed, days: int, expected: int) -> None:
    start = datetime.fromtimestamp(reviewed.clock.time, UTC)
    for number, case in enumerate(await reviewed.open([*twins("a", 1), *twins("b", 1, start=1)])):
        await reviewed.decided(case, f"m-{number}", ruled())
        reviewed.clock.time += 86_400
    assert len(await lines(reviewed, since=start + timedelta(days=days))) == expected
