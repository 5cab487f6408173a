"""An author's posts judged by the shipped bundle and weighed by the shipped fit."""

import pytest

from service.domain.post import Post
from service.moderation.author import TOO_SHORT, AuthorJudgement, Weighing
from service.runtime.settings import Settings
from service.runtime.wiring import connections
from workers.classifier import BundleClassifier

WRITTEN = (
    "In today's fast-paced world, embracing change is essential for personal growth and lasting success.",
    "Remember, every challenge is an opportunity to learn, adapt, and become a stronger version of yourself.",
    "By fostering open communication, communities can navigate complex issues and build a brighter future together.",
    "Technology continues to reshape our lives, offering new possibilities while raising important ethical questions.",
    "Whether you are a beginner or an expert, consistent practice remains the key to unlocking your full potential.",
)
TYPED = (
    "omg the bus driver just waved at my dog i am not ok lmaooo",
    "anyone else's wifi dead?? bt wtf are u doing been out since 6",
    "ngl that last episode was mid af, still gonna watch the next one tho",
    "my nan just called tiktok 'the tikky toks' and i cant stop laughing 😂😂",
    "forgot my umbrella AGAIN. soaked. its only tuesday how is it only tuesday",
)


@pytest.fixture(scope="module")
def shipped_weighing() -> Weighing:
    """The shipped fit."""
    return connections.weighing(Settings())


def test_the_shipped_fit_is_for_the_shipped_model(classifier: BundleClassifier, shipped_weighing: Weighing) -> None:
    remedy = "refit it: assay timelines --data DIR --fit classifiers/starter"
    assert shipped_weighing.model_version == classifier.judged_by.model, remedy


def test_posts_of_a_machine_and_of_a_person_are_told_apart(
    classifier: BundleClassifier, shipped_weighing: Weighing
) -> None:
    def judged(texts: tuple[str, ...]) -> AuthorJudgement:
        posts = [Post(platform="example", id=str(number), text=text) for number, text in enumerate((*texts, "ok then"))]
        return shipped_weighing.judge("a-1", posts, classifier.judge(posts))

    machine, person = judged(WRITTEN), judged(TYPED)
    assert machine.signal
    assert person.signal
    assert machine.signal.probability > 0.5 > person.signal.probability
    assert machine.share
    assert person.share
    assert machine.share.value > person.share.value
    assert machine.findings[-1].excluded == TOO_SHORT
    assert machine.counted == person.counted == 5
