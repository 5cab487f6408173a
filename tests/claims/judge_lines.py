"""A worker's half of the pipeline as `runtime.wiring` makes it, with a classifier of rules, for `test_surging_claims`.

Each line of the input is a batch, a JSON array of texts; each line of the output has clusters and matches of its
verdicts.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Sequence

from classifiers.text.signature import text_signatures
from service.domain.claim import Claim, Match, Rating, Relation
from service.domain.judgement import Evidence, JudgedBy, Judgement, Signal
from service.domain.post import Post
from service.domain.text_signature import TextSignature
from service.moderation.transport import Batch
from service.runtime import logs
from service.runtime.settings import Settings
from service.runtime.wiring import worker

CLAIM = Claim(id="moon", claim="The moon is made of cheese.", verdict="False", rating=Rating.FALSE)
MATCH = Match("moon", CLAIM.claim, "False", Rating.FALSE, "", "", 0.95, Relation.REPEATS, 0.9)


class Rules:
    """Finds the claim repeated where there is cheese."""

    judged_by = JudgedBy("rules-1", "claims-1")

    def judge(self, posts: Sequence[Post]) -> list[Judgement]:
        found = text_signatures([post.text for post in posts])
        return [
            self._judgement(post, TextSignature(*text_signature))
            for post, text_signature in zip(posts, found, strict=True)
        ]

    def _judgement(self, post: Post, text_signature: TextSignature) -> Judgement:
        return Judgement(
            content_digest=post.content_digest,
            model_version=self.judged_by.model,
            claims_version=self.judged_by.claims,
            signals={"misinformation": Signal("misinformation", 0.1, -2.2, 0.05, 0.2)},
            evidence=Evidence(matches=(MATCH,) if "cheese" in post.text else ()),
            words=len(post.text.split()),
            text_signature=text_signature,
        )


async def main() -> None:
    settings = Settings()
    async with worker.opened(settings, Rules()) as opened:
        for number, line in enumerate(sys.stdin):
            texts = enumerate(json.loads(line))
            posts = tuple(
                Post(platform=f"example-{os.getpid()}", id=f"{number}-{place}", text=text) for place, text in texts
            )
            await opened.store.accept(posts)  # texts that are only read are nobody's posts, and count nowhere
            reply = await opened.judging.judge(Batch(str(number), posts, sent_at=time.time()))
            judged = [verdict.judgement for verdict in reply.verdicts if verdict.judgement]
            told = [[one.cluster, [match.quarantined for match in one.evidence.matches]] for one in judged]
            sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    logs.configure("info")
    asyncio.run(main())
