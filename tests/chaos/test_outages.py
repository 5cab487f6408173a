"""While Redis is away, what the record store knows is answered from it; afterwards all goes on by itself."""

import time

import pytest

from service.domain.post import Post
from service.errors import AssayError
from service.rpc.client.client import Client
from tests.chaos.deployment import Deployment

KNOWN = Post(platform="outage", id="known", text="The lighthouse keeper has painted the door green again.")
TWIN = Post(platform="outage", id="twin", text=KNOWN.text)
NEW = Post(platform="outage", id="new", text="Nobody has ever judged this sentence about a purple kettle.")


@pytest.mark.timeout(120)
async def test_a_redis_outage_makes_answers_slower_and_not_wrong(deployment: Deployment) -> None:
    async with Client(deployment.address, patience=60.0, timeout=60.0) as client:  # its worker may still load
        before = await client.moderate(KNOWN)
        deployment.redis.stop()
        started = time.monotonic()
        during = await client.moderate(KNOWN)
        twin = await client.moderate(TWIN)
        assert time.monotonic() - started < 5.0
        assert before.judgement
        assert during.judgement == before.judgement
        assert twin.judgement == before.judgement
        async with Client(deployment.address, patience=0.5, timeout=3.0) as impatient:
            with pytest.raises(AssayError, match="Redis"):
                await impatient.moderate(NEW)
        deployment.redis.start()
        after = await client.moderate(NEW)
        assert after.judgement
