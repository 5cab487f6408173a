"""Whatever JSON comes, it is read or refused by name: nothing else is raised, and every answer is JSON again."""

import json
from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from service.domain.decision import Decision, Ruling
from service.shims import openai_moderation as openai
from service.shims import perspective
from service.shims.attributes import ATTRIBUTES
from service.shims.openai_moderation import Found
from service.shims.perspective_scores import analyzed
from service.shims.refusals import Refused
from tests.shims.conftest import judgement_of

TEXTS = st.text(st.characters(exclude_categories=())) | st.sampled_from(["idiot vermin", "PLAIN_TEXT", "text", "en"])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS
NAMES = st.sampled_from(
    [
        "comment",
        "text",
        "type",
        "requestedAttributes",
        "languages",
        "input",
        "model",
        "scoreThreshold",
        "attributeScores",
    ]
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | TEXTS, inner, max_size=4),
    max_leaves=8,
)
ASKED = st.dictionaries(st.sampled_from(sorted(ATTRIBUTES)) | TEXTS, VALUES, max_size=3)
REQUESTS = VALUES | st.fixed_dictionaries(
    {"comment": st.fixed_dictionaries({"text": TEXTS}), "requestedAttributes": ASKED},
    optional={"languages": VALUES, "clientToken": TEXTS, "spanAnnotations": st.booleans(), "context": VALUES},
)


@given(REQUESTS)
def test_perspective(body: object) -> None:
    try:
        asked = perspective.read_analysis(body, languages=frozenset({"en"}), drop=True)
    except Refused as refused:
        json.dumps(perspective.error(refused), allow_nan=False)
    else:
        json.dumps(analyzed(asked, judgement_of(asked.text), {"en"}), allow_nan=False)
    with suppress(Refused):
        perspective.read_suggestion(body)


@given(VALUES | st.fixed_dictionaries({"input": VALUES | st.lists(TEXTS)}))
def test_openai(body: object) -> None:
    try:
        texts = openai.read_inputs(body)
    except Refused as refused:
        json.dumps(openai.error(refused), allow_nan=False)
    else:
        found = [Found(judgement_of(text), Ruling(Decision.REVIEW)) if text else Found() for text in texts]
        json.dumps(openai.moderated("x", found), allow_nan=False)
