"""`assay author` and ModerateAuthor against a real `assay up`, with the shipped model and the shipped weighing."""

import json

from service.domain.post import Post
from service.rpc.client.client import Client
from tests.processes import Up, assay

TEXTS = [f"Just saw number {number} bus go past the harbour again, third one late this week." for number in range(12)]


async def test_an_authors_posts_get_one_signal_and_none_becomes_a_verdict(up_client: Client) -> None:
    posts = [Post(platform="timeline", id=str(number), text=text) for number, text in enumerate(TEXTS)]
    judgement = await up_client.moderate_author("a-1", posts)
    assert judgement.signal
    assert judgement.share
    assert judgement.counted == len(posts)
    assert 0 <= judgement.signal.low <= judgement.signal.probability <= judgement.signal.high <= 1
    assert (
        await up_client.moderate_author("a-1", posts[::-1]) != judgement
    )  # findings stand in the order of the request
    assert (await up_client.moderate_author("a-1", posts[::-1])).signal == judgement.signal
    async for _, verdict in up_client.watch("0"):
        if verdict is None:
            break
        assert not verdict.post.name.startswith("platforms/timeline/")


def test_the_command_reads_json_lines(up: Up) -> None:
    lines = "\n".join(json.dumps({"text": text, "author": "sea fan"}) for text in [*TEXTS, "ok"])
    readable = assay("author", "-", "--address", up.address, stdin=lines)
    assert readable.returncode == 0, readable.stderr
    assert "12 of 13 posts count" in readable.stdout
    assert "sea fan" not in readable.stdout
    judgement = json.loads(assay("author", "-", "--address", up.address, "--json", stdin=lines).stdout)
    assert judgement["counted_posts"] == 12
    assert judgement["posts"][12]["excluded"] == "ABSTAINED_TOO_SHORT"
    assert 0 <= judgement["ai_generated"]["probability"] <= 1


def test_what_is_no_timeline_is_told_and_no_traceback_is_shown(up: Up) -> None:
    cases = {
        "": "posts: is empty",
        "\n".join(json.dumps({"text": f"post {number}"}) for number in range(60)): "over 50 posts; take the newest",
        '{"text": "one", "author": "1"}\n{"text": "two", "author": "2"}': "posts[1].author",
    }
    for lines, words in cases.items():
        refused = assay("author", "-", "--address", up.address, stdin=lines)
        assert refused.returncode == 1
        assert words in refused.stdout + refused.stderr
        assert "Traceback" not in refused.stderr
