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
from service.review.appealing import Appealing, UpheldAppeals
from service.review.bulk import BulkDecision
from service.review.case import CaseKind, Scope
from service.review.exporting import decision_lines
from service.review.opening import case_for
from service.storage.tables.records import POSTS
from tests.review.desk import Reviewed, ruled, twins

BLOCK, ALLOW, LABEL = Decision.BLOCK, Decision.ALLOW, Decision.LABEL


async def lines(desk: Reviewed, **options: Any) -> list[dict[str, Any]]:
    return [line async for line in decision_lines(desk.review, desk.store, **options)]


async def test_calibration_takes_every_line(desk: Reviewed, tmp_path: Path) -> None:
    posts = [
        Post(platform="x", id=str(number), text=f"Text {number}", surface=Surface.AD, locale="de")
        for number in range(4)
    ]
    cases = await desk.open(posts[:3], Category.FRAUD)
    cases += await desk.open(posts[3:], Category.MISINFORMATION)
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
        await desk.decided(case, "m-1", said)
    found = await lines(desk)
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


async def test_what_does_not_count(desk: Reviewed) -> None:
    posts = [post for n in range(4) for post in twins(f"Text {n}", 1, start=n)]
    undone, opinion, golden, kept = await desk.open(posts)
    await desk.decided(undone, "m-1", ruled())
    await desk.undo("m-1")
    await desk.lease("m-2", limit=9)
    await desk.decide(opinion, "m-2", ruled(), opinion=True)
    known = case_for(posts[2], await desk.current(posts[2]), Routing(), kind=CaseKind.GOLDEN, subject="golden/1")
    await desk.review.open_cases([known])
    await desk.decided(known, "m-3", ruled())
    await desk.decide(kept, "m-2", ruled())
    assert [line["post"] for line in await lines(desk)] == [posts[3].name]
    assert golden


async def test_the_last_decision_on_a_text_counts(desk: Reviewed, told: Any) -> None:
    one, two = twins(count=2)
    [case, _] = await desk.open([one, two])
    await desk.decided(case, "m-1", ruled(BLOCK))
    appealing = Appealing(desk.review, desk.store, routing=Routing, observer=told, now=desk_now(desk))
    appeal = await appealing.open(one.name, "My shop is real")
    milder = ruled(ALLOW, rationale="a real shop", scope=Scope.POST)
    decided, outcome = await appealing.decide(appeal.id, "m-2", AppealState.UPHELD, milder)
    assert decided.state is AppealState.UPHELD
    assert len(outcome.verdicts) == 1
    [line] = await lines(desk)
    assert (line["decision"], line["appeal"]) == ("ALLOW", True)
    assert await UpheldAppeals(desk.review).upheld([one.name, two.name]) == {one.name}


def desk_now(desk: Reviewed) -> Any:
    return lambda: datetime.fromtimestamp(desk.clock.time, UTC)


async def test_a_bulk_decision_is_a_line_a_text(desk: Reviewed) -> None:
    posts = [*twins("a", 3), *twins("b", 2, start=3)]
    verdicts = [desk.asking(post) for post in posts]
    await desk.store.record(
        posts, [replace(v, judgement=replace(v.judgement, cluster="c")) for v in verdicts if v.judgement]
    )
    bulk = BulkDecision(cluster="c", moderator="m-1", ruled=ruled())
    await desk.review.apply(bulk, (await desk.review.preview(bulk)).token)
    assert sorted(line["text"] for line in await lines(desk)) == ["a", "b"]


async def test_a_bulk_decision_counts_for_the_text_as_it_was(desk: Reviewed) -> None:
    post = Post(platform="x", id="1", text="Yes", context=Context(parent_text="Is it true?"))
    verdict = desk.asking(post)
    assert verdict.judgement
    await desk.store.record([post], [replace(verdict, judgement=replace(verdict.judgement, cluster="c"))])
    bulk = BulkDecision(cluster="c", moderator="m-1", ruled=ruled())
    await desk.review.apply(bulk, (await desk.review.preview(bulk)).token)
    async with desk.store.write() as tx:  # as an erasure of who asked does
        await tx.execute(update(POSTS).values(body=encode_post(replace(post, context=NO_CONTEXT))))
    [line] = await lines(desk)
    assert (line["text"], line["decision"]) == ("Yes", "BLOCK")


@pytest.mark.parametrize(("days", "expected"), [(0, 2), (1, 1), (2, 0)])
async def test_since(desk: Reviewed, days: int, expected: int) -> None:
    start = datetime.fromtimestamp(desk.clock.time, UTC)
    for number, case in enumerate(await desk.open([*twins("a", 1), *twins("b", 1, start=1)])):
        await desk.decided(case, f"m-{number}", ruled())
        desk.clock.time += 86_400
    assert len(await lines(desk, since=start + timedelta(days=days))) == expected
