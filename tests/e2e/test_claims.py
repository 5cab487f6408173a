"""Claims end to end: loaded beside a running `assay up`, found in posts, quarantined and released, listed by."""

import json
from collections.abc import Callable
from itertools import count

import grpc.aio
import pytest
from assay.v1 import verdict_service_pb2 as pb
from assay.v1.verdict_service_pb2_grpc import VerdictServiceStub

from service.domain.claim import Match, Rating, Relation
from service.domain.judgement import Signal
from service.domain.post import Post
from service.domain.verdict import Verdict
from service.rpc.client.client import Client
from tests.processes import Up, assay
from tests.waiting import until

LIGHTHOUSE = {
    "id": "lighthouse",
    "claim": "The old lighthouse at Port Hallow was sold to a foreign army.",
    "url": "https://facts.example/lighthouse",
    "verdict": "Pants on fire",
    "publisher": "Coast Facts",
}
CLAIMS = [LIGHTHOUSE, {"id": "bicycles", "claim": "Northbridge bans bicycles after dark.", "verdict": "False"}]
TEXT = LIGHTHOUSE["claim"]
NUMBERS = count()


def command(up: Up, *arguments: str, stdin: str | None = None) -> str:
    """Run `assay claims ...` on the database of a running `assay up`."""
    done = assay("claims", *arguments, stdin=stdin, ASSAY_DATA_DIR=str(up.directory))
    assert done.returncode == 0, done.stderr
    return done.stdout


def load(up: Up) -> str:
    """Load the claims; the set's version."""
    said = command(up, "load", "-", stdin="\n".join(map(json.dumps, CLAIMS)))
    return said.partition("claim set version: ")[2].strip()


async def judged(client: Client, text: str, ready: Callable[[Verdict], bool]) -> Verdict:
    """A verdict on a new post of that text, once workers and fronts have taken up what was changed."""

    async def fresh() -> Verdict | None:
        verdict = await client.moderate(Post(platform="claims", id=f"p-{next(NUMBERS)}", text=text))
        return verdict if ready(verdict) else None

    verdict = await until(fresh, within=20, pause=0.3)
    assert verdict
    return verdict


def best(verdict: Verdict) -> Match:
    return verdict.matches[0]


def falsity(verdict: Verdict) -> Signal:
    assert verdict.judgement
    return verdict.judgement.signals["misinformation"]


async def listed(up: Up, only: pb.VerdictFilter) -> list[str]:
    """Ids of the posts of platform `listed` that ListVerdicts finds."""
    async with grpc.aio.insecure_channel(up.address) as channel:
        answer = await VerdictServiceStub(channel).ListVerdicts(pb.ListVerdictsRequest(filter=only, page_size=100))
    names = [verdict.name.split("/") for verdict in answer.verdicts]
    return sorted(post for _, platform, _, post, _ in names if platform == "listed")


async def test_a_copied_claim_weighs_until_it_is_quarantined_and_again_when_it_is_released(
    matching_up: Up, matching_client: Client
) -> None:
    before = await matching_client.moderate(Post(platform="claims", id="before", text=TEXT))
    assert (before.matches, before.judged_by.claims) == ((), "")

    version = load(matching_up)
    active = await judged(matching_client, TEXT, lambda verdict: bool(verdict.judged_by.claims))
    assert active.judged_by.claims.startswith(version)
    match = best(active)
    told = match.claim_id, match.claim, match.verdict, match.rating, match.publisher, match.url
    assert told == ("lighthouse", TEXT, "Pants on fire", Rating.FALSE, "Coast Facts", LIGHTHOUSE["url"])
    assert (match.relation, match.abstained, match.quarantined) == (Relation.REPEATS, False, False)
    assert match.weight > 0
    assert falsity(active).probability > falsity(before).probability
    assert falsity(active).raw == pytest.approx(falsity(before).raw + match.weight, abs=1e-3)

    command(matching_up, "quarantine", "lighthouse", "--reason", "worded too widely")
    out = await judged(matching_client, TEXT, lambda verdict: verdict.judged_by.claims != active.judged_by.claims)
    assert (best(out).claim_id, best(out).quarantined, best(out).weight) == ("lighthouse", True, 0.0)
    assert falsity(out) == falsity(before)

    command(matching_up, "release", "lighthouse")
    again = await judged(matching_client, TEXT, lambda verdict: verdict.judged_by.claims != out.judged_by.claims)
    assert again.judged_by == active.judged_by
    assert best(again) == match
    assert falsity(again) == falsity(active)
    assert len({verdict.judged_by.claims for verdict in (before, active, out)}) == 3


async def test_posts_are_shown_and_listed_with_their_claims_and_clusters(
    matching_up: Up, matching_client: Client
) -> None:
    load(matching_up)
    await judged(matching_client, "Has anybody fed the ducks?", lambda verdict: bool(verdict.judged_by.claims))
    shown = assay("check", TEXT, "--address", matching_up.address).stdout
    for word in (*LIGHTHOUSE.values(), "repeats", "logits"):
        assert word == "lighthouse" or word in shown, shown
    texts = {
        "copy": TEXT,
        "near": TEXT + "!!",
        "shout": f"RT: {TEXT.upper()}",
        "other": "Northbridge bans bicycles after dark.",
        "ducks": "Three ducks crossed the road by the bakery this morning, and everybody waited.",
    }
    verdicts = {
        name: await matching_client.moderate(Post(platform="listed", id=name, text=text))
        for name, text in texts.items()
    }
    assert verdicts["ducks"].matches == ()
    copies = ["copy", "near", "shout"]
    assert await listed(matching_up, pb.VerdictFilter(claim="claims/lighthouse")) == copies
    assert await listed(matching_up, pb.VerdictFilter(claim="claims/bicycles")) == ["other"]
    clusters = {name: verdict.cluster for name, verdict in verdicts.items()}
    assert clusters["copy"] == clusters["near"] == clusters["shout"] != ""
    assert len({clusters["copy"], clusters["other"], clusters["ducks"]}) == 3
    assert await listed(matching_up, pb.VerdictFilter(cluster=clusters["copy"])) == copies
    assert await listed(matching_up, pb.VerdictFilter(cluster=clusters["ducks"])) == ["ducks"]
