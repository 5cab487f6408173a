"""Service and classifiers must not import each other: what both of them state is the same here."""

import pytest

from classifiers import bundle, detector
from classifiers.calibration import certificates
from classifiers.claims.relation import RELATIONS
from classifiers.evaluation import author_weights
from classifiers.labels import AI_GENERATED
from classifiers.text.language import UNKNOWN
from classifiers.text.normalise import OBFUSCATIONS
from service.domain import log_odds
from service.domain.claim import Relation
from service.moderation import author
from service.policy import certificate, conditions
from service.runtime.wiring import connections
from service.shims import app, perspective


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        pytest.param(connections.STARTER, bundle.STARTER, id="where the starter lies"),
        pytest.param(certificate.FILE, bundle.CERTIFICATE, id="the certificate's name in a bundle"),
        pytest.param(certificate.ANY_SURFACE, certificates.ANY_SURFACE, id="any surface in a certificate"),
        pytest.param(author.FILE, bundle.TIMELINE, id="the name in a bundle of the weighing of an author's posts"),
        pytest.param(author.AI_GENERATED, AI_GENERATED, id="the signal that is weighed"),
        pytest.param(author.FEWEST_WORDS, detector.FEWEST_WORDS, id="words below which a post says nothing"),
        pytest.param(author.TOO_SHORT, detector.TOO_SHORT, id="the code of a post that is too short"),
        pytest.param(app.LANGUAGE, detector.LANGUAGE, id="the code of a language that is not covered"),
        pytest.param(perspective.UNDETERMINED, UNKNOWN, id="the tag of a language that is not known"),
        pytest.param(log_odds.STRONGEST, author_weights.STRONGEST, id="the most that one post says, in log-odds"),
        pytest.param(conditions.OBFUSCATIONS, OBFUSCATIONS, id="kinds of obfuscation"),
        pytest.param(tuple(Relation), RELATIONS, id="how a post stands to a claim"),
    ],
)
def test_both_halves_state_the_same(ours: object, theirs: object) -> None:
    assert ours == theirs
