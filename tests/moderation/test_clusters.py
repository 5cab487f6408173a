"""What every `Clusters` keeps to: near texts share a cluster, as long as its window lasts."""

import asyncio
import os
from collections.abc import Callable

import pytest

from service.domain.canonical import content_digest
from service.domain.judgement import Judgement
from service.domain.text_signature import NO_SIGNATURE, TextSignature
from service.errors import RedisUnavailable
from service.moderation.ports import Clusters
from service.moderation.redis.clusters import RedisClusters
from service.runtime.embedded_redis import EmbeddedRedis
from service.storage.redis_connection import RedisConnection

MakeClusters = Callable[[float], Clusters]


def signature_of(family: str, changes: int = 0) -> TextSignature:
    """A signature of a family of texts, `changes` of its 32 minima and as many of its 8 bands unlike the family's."""
    minima = [f"{family}{place}" + ("changed" if place < changes else "") for place in range(32)]
    bands = tuple(minima[:8])
    return TextSignature(bands, b"".join(content_digest(value, "")[:4].encode() for value in minima))


def judged(text: str, text_signature: TextSignature) -> Judgement:
    digest = content_digest(text, "")
    return Judgement(content_digest=digest, model_version="m1", signals={}, words=9, text_signature=text_signature)


FIRST, NEAR, OTHER = judged("a", signature_of("x")), judged("b", signature_of("x", 5)), judged("c", signature_of("y"))


class TestClusters:
    async def test_near_texts_join_the_cluster_of_the_first_and_others_found_their_own(
        self, clusters: Clusters
    ) -> None:
        assert await clusters.assign([FIRST]) == [FIRST.content_digest]
        assert await clusters.assign([OTHER, NEAR]) == [OTHER.content_digest, FIRST.content_digest]
        assert await clusters.assign([]) == []

    async def test_texts_of_one_call_are_compared_in_order(self, clusters: Clusters) -> None:
        first, other = FIRST.content_digest, OTHER.content_digest
        assert await clusters.assign([FIRST, OTHER, NEAR, FIRST]) == [first, other, first, first]

    async def test_texts_that_share_a_band_and_little_else_stay_apart(self, clusters: Clusters) -> None:
        lookalike = judged("d", TextSignature(FIRST.text_signature.bands[:1], OTHER.text_signature.minima))
        for texts in ([FIRST], [lookalike]):
            assert await clusters.assign(texts) == [texts[0].content_digest]
        assert await clusters.assign([lookalike, FIRST]) == [lookalike.content_digest, FIRST.content_digest]

    async def test_embeddings_that_point_the_same_way_are_near_too(self, clusters: Clusters) -> None:
        said = judged("e", TextSignature(("m1",), b"1" * 128, bytes([100, 20, 3])))
        reworded = judged("f", TextSignature(("m1",), b"2" * 128, bytes([101, 19, 5])))
        unlike = judged("g", TextSignature(("m1",), b"3" * 128, bytes([3, 100, 20])))
        assert await clusters.assign([said]) == [said.content_digest]
        assert await clusters.assign([reworded, unlike]) == [said.content_digest, unlike.content_digest]

    async def test_the_best_candidate_is_found_among_many(self, clusters: Clusters) -> None:
        crowd = [
            judged(f"crowd {n}", TextSignature(FIRST.text_signature.bands[:1], os.urandom(128))) for n in range(25)
        ]
        await clusters.assign([FIRST])
        await clusters.assign(crowd)
        near = judged("h", signature_of("x"))
        assert await clusters.assign([near]) == [FIRST.content_digest]

    async def test_a_text_keeps_its_cluster_though_a_nearer_one_came(self, clusters: Clusters) -> None:
        await clusters.assign([FIRST])
        assert await clusters.assign([NEAR]) == [FIRST.content_digest]
        rival = judged("rival", signature_of("x", 14))  # near to it, and not to the first
        assert await clusters.assign([rival]) == [rival.content_digest]
        assert await clusters.assign([judged("like it", NEAR.text_signature)]) == [rival.content_digest]
        assert await clusters.assign([NEAR, FIRST]) == [FIRST.content_digest] * 2

    async def test_members_are_near_the_first_text_not_only_near_each_other(self, clusters: Clusters) -> None:
        await clusters.assign([FIRST])
        assert await clusters.assign([judged("step", signature_of("x", 7))]) == [FIRST.content_digest]
        far = judged("far", signature_of("x", 14))
        assert await clusters.assign([far]) == [far.content_digest]

    async def test_texts_without_bands_are_alone_and_leave_nothing(self, clusters: Clusters) -> None:
        short = [judged(text, NO_SIGNATURE) for text in ("ok", "no", "ok")]
        assert await clusters.assign(short) == [text.content_digest for text in short]

    async def test_a_cluster_lasts_for_its_window_after_its_last_text(self, clusters_of: MakeClusters) -> None:
        clusters = clusters_of(1.0)
        await clusters.assign([FIRST])
        for text in (NEAR, judged("n", signature_of("x", 3)), NEAR):
            await asyncio.sleep(0.6)
            assert await clusters.assign([text]) == [FIRST.content_digest]
        await asyncio.sleep(1.3)
        assert await clusters.assign([NEAR]) == [NEAR.content_digest]

    async def test_without_a_window_each_text_is_alone(self, clusters_of: MakeClusters) -> None:
        clusters = clusters_of(0.0)
        assert await clusters.assign([FIRST]) == [FIRST.content_digest]
        assert await clusters.assign([NEAR]) == [NEAR.content_digest]


class TestRedisClusters:
    async def test_all_workers_share_the_clusters(self, redis_url: str, redis_connection: RedisConnection) -> None:
        other = RedisConnection(redis_url)
        await RedisClusters(redis_connection, window=60).assign([FIRST])
        assert await RedisClusters(other, window=60).assign([NEAR]) == [FIRST.content_digest]
        await other.close()

    async def test_workers_at_once_agree_on_the_same_text(self, redis_connection: RedisConnection) -> None:
        clusters = RedisClusters(redis_connection, window=60)
        answers = await asyncio.gather(*(clusters.assign([FIRST, OTHER]) for _ in range(8)))
        assert answers == [[FIRST.content_digest, OTHER.content_digest]] * 8
        assert await clusters.assign([NEAR]) == [FIRST.content_digest]

    async def test_all_that_is_kept_expires_and_little_is_kept(self, redis_connection: RedisConnection) -> None:
        clusters, client = RedisClusters(redis_connection, window=60), redis_connection.client
        before = (await client.info("memory"))["used_memory"]
        texts = [judged(f"text {n}", signature_of(f"family {n}")) for n in range(500)]
        await clusters.assign(texts)
        assert ((await client.info("memory"))["used_memory"] - before) / len(texts) < 3_000
        keys = await client.keys("assay:*")
        assert len(keys) == 9 * len(texts)
        assert all([59_000 < await client.pttl(key) <= 60_000 for key in keys[:200]])

    async def test_a_band_holds_the_latest_texts_only(self, redis_connection: RedisConnection) -> None:
        clusters = RedisClusters(redis_connection, window=60)
        crowd = [judged(f"text {n}", TextSignature(("band",), os.urandom(128))) for n in range(100)]
        for text in crowd:
            await clusters.assign([text])
        assert await redis_connection.client.strlen("assay:cb:band") == 32 * 16
        repeated = [judged("again", crowd[-1].text_signature), judged("long gone", crowd[0].text_signature)]
        assert await clusters.assign(repeated) == [crowd[-1].content_digest, repeated[1].content_digest]

    async def test_an_outage_is_named(self, own_redis: EmbeddedRedis, lost_connection: RedisConnection) -> None:
        clusters = RedisClusters(lost_connection, window=60)
        await clusters.assign([FIRST])
        own_redis.stop()
        with pytest.raises(RedisUnavailable):
            await clusters.assign([NEAR])
        assert await clusters.assign([judged("ok", NO_SIGNATURE)]) == [judged("ok", NO_SIGNATURE).content_digest]
