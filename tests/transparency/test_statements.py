"""Statements of reasons: what of a decision goes where, what the database would refuse, and batches of a hundred."""

from collections.abc import AsyncIterator, Iterable
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.domain.decision import Category, Decision
from service.domain.post import Context, Post, Surface
from service.transparency import statement_words as words
from service.transparency.batches import BATCH, Batch, batches
from service.transparency.decided import RESTRICTS, DecidedBy
from service.transparency.restriction import Restriction
from service.transparency.statement_check import FIELDS, problems
from service.transparency.statements import CATEGORIES, Terms, stated, statement_of

TEXT, AUTHOR = "Some words that nobody else is to read", "u-1234"
TERMS = Terms()


def restriction(sequence: int = 7, **fields: Any) -> Restriction:
    post = Post(
        platform="x",
        id="17",
        text=TEXT,
        author=AUTHOR,
        locale="de-AT",
        region="AT",
        created_at=datetime(2026, 3, 1, 23, 59, tzinfo=UTC),
    )
    given_fields = {
        "post": post,
        "accepted_at": datetime(2026, 3, 2, tzinfo=UTC),
        "decided_at": datetime(2026, 3, 3, tzinfo=UTC),
        "decision": Decision.REDUCE,
        "categories": (Category.MISINFORMATION,),
        "decided_by": DecidedBy.POLICY,
        "rules": ("misinformation",),
        "policy_version": "p1",
        "model_version": "m1",
        **fields,
    }
    return Restriction(sequence=sequence, **given_fields)


async def restrictions(some: Iterable[Restriction]) -> AsyncIterator[Restriction]:
    for each in some:
        yield each


async def batched(*some: Restriction, terms: Terms = TERMS) -> list[Batch]:
    return [batch async for batch in batches(restrictions(some), terms)]


class TestMapping:
    def test_an_automatic_decision(self) -> None:
        statement = statement_of(restriction(), TERMS)
        assert problems(statement) == []
        assert statement == {
            "decision_visibility": ["DECISION_VISIBILITY_CONTENT_DEMOTED"],
            "decision_ground": "DECISION_GROUND_INCOMPATIBLE_CONTENT",
            "incompatible_content_ground": "Terms and conditions of the service",
            "incompatible_content_explanation": "Found to be misinformation.",
            "category": "STATEMENT_CATEGORY_NEGATIVE_EFFECTS_ON_CIVIC_DISCOURSE_OR_ELECTIONS",
            "category_specification": ["KEYWORD_MISINFORMATION_DISINFORMATION"],
            "content_type": ["CONTENT_TYPE_TEXT"],
            "content_language": "DE",
            "content_date": "2026-03-01",
            "territorial_scope": list(words.EUROPEAN_UNION),
            "application_date": "2026-03-03",
            "decision_facts": (
                "A post was found to be misinformation. Automated means decided, by rules misinformation. "
                "Classifier version m1. Policy version p1."
            ),
            "source_type": "SOURCE_VOLUNTARY",
            "automated_detection": "Yes",
            "automated_decision": "AUTOMATED_DECISION_FULLY",
            "puid": statement["puid"],
        }

    @pytest.mark.parametrize(
        ("decision", "visibility"),
        [
            (Decision.LABEL, "DECISION_VISIBILITY_CONTENT_LABELLED"),
            (Decision.REDUCE, "DECISION_VISIBILITY_CONTENT_DEMOTED"),
            (Decision.BLOCK, "DECISION_VISIBILITY_CONTENT_REMOVED"),
        ],
    )
    def test_each_restriction(self, decision: Decision, visibility: str) -> None:
        assert statement_of(restriction(decision=decision), TERMS)["decision_visibility"] == [visibility]

    @pytest.mark.parametrize(
        ("decided_by", "before", "detection", "automated"),
        [
            (DecidedBy.POLICY, None, "Yes", "FULLY"),
            (DecidedBy.CARRIED, None, "Yes", "PARTIALLY"),
            (DecidedBy.PERSON, Decision.REVIEW, "Yes", "NOT_AUTOMATED"),
            (DecidedBy.PERSON, Decision.ALLOW, "No", "NOT_AUTOMATED"),
        ],
    )
    def test_who_found_it_and_who_decided(
        self, decided_by: DecidedBy, before: Decision | None, detection: str, automated: str
    ) -> None:
        statement = statement_of(restriction(decided_by=decided_by, before=before, reason="misleading"), TERMS)
        assert (statement["automated_detection"], statement["automated_decision"]) == (
            detection,
            f"AUTOMATED_DECISION_{automated}",
        )
        assert problems(statement) == []

    def test_the_gravest_category_comes_first_and_the_others_beside(self) -> None:
        statement = statement_of(restriction(categories=(Category.AI_GENERATED, Category.SEXUAL, Category.CBRN)), TERMS)
        assert statement["category"] == "STATEMENT_CATEGORY_RISK_FOR_PUBLIC_SECURITY"
        assert statement["category_addition"] == ["STATEMENT_CATEGORY_OTHER_VIOLATION_TC"]
        assert statement["category_specification"] == ["KEYWORD_OTHER", "KEYWORD_ADULT_SEXUAL_MATERIAL"]
        assert statement["category_specification_other"] == "Weapons of mass destruction; Machine-written content"
        assert problems(statement) == []

    def test_a_category_that_is_decided_on_as_illegal(self) -> None:
        terms = Terms(illegal={Category.HATE: "Section 130 of the Criminal Code"}, url="https://x.example/law")
        statement = statement_of(restriction(categories=(Category.HATE,)), terms)
        assert statement["decision_ground"] == "DECISION_GROUND_ILLEGAL_CONTENT"
        assert statement["illegal_content_legal_ground"] == "Section 130 of the Criminal Code"
        assert "incompatible_content_ground" not in statement
        assert problems(statement) == []

    def test_what_the_post_shows(self) -> None:
        context = Context(image_alt="a moon", digital_source_type="http://cv.iptc.org/x/trainedAlgorithmicMedia")
        post = Post(platform="x", id="1", text="moon", context=context, locale="xyz", surface=Surface.AD)
        statement = statement_of(restriction(post=post), TERMS)
        assert statement["content_type"] == ["CONTENT_TYPE_TEXT", "CONTENT_TYPE_IMAGE", "CONTENT_TYPE_SYNTHETIC_MEDIA"]
        assert statement["content_date"] == "2026-03-02"  # when it was accepted
        assert "content_language" not in statement

    def test_the_words_of_the_policy(self) -> None:
        terms = Terms(rules={"misinformation": "Looks misleading."}, reasons={"satire": "Is satire."})
        by_rule = statement_of(restriction(rules=("misinformation.moved_by_claim",)), terms)
        assert by_rule["incompatible_content_explanation"] == "Looks misleading."
        by_person = statement_of(restriction(decided_by=DecidedBy.PERSON, reason="satire"), terms)
        assert by_person["incompatible_content_explanation"] == "Is satire."
        assert "The reason given was: satire." in by_person["decision_facts"]

    def test_by_whose_notice(self) -> None:
        post = Post(platform="x", id="1", text="t", metadata={"dsa_source_type": "SOURCE_TRUSTED_FLAGGER"})
        assert statement_of(restriction(post=post), TERMS)["source_type"] == "SOURCE_TRUSTED_FLAGGER"

    def test_holds_nothing_of_the_person(self) -> None:
        told = str(statement_of(restriction(), TERMS))
        assert TEXT not in told
        assert AUTHOR not in told
        assert "posts/17" not in told

    def test_the_test_string_is_none_of_theirs(self) -> None:
        assert not stated(restriction(categories=(Category.TEST,)))
        assert stated(restriction(categories=(Category.TEST, Category.FRAUD)))

    def test_all_our_categories_are_theirs_too(self) -> None:
        assert set(CATEGORIES) == set(Category) - {Category.TEST}
        for theirs in CATEGORIES.values():
            assert theirs.category in words.CATEGORIES
            assert theirs.keyword in words.KEYWORDS | {""}
            assert bool(theirs.other) == (theirs.keyword == "KEYWORD_OTHER")


def good(**fields: Any) -> dict[str, Any]:
    statement = {**statement_of(restriction(), TERMS), **fields}
    return {name: value for name, value in statement.items() if value is not ...}


class TestChecking:
    @pytest.mark.parametrize(
        ("fields", "field", "problem"),
        [
            ({"puid": ...}, "puid", "missing"),
            ({"puid": "has space"}, "puid", "identifier"),
            ({"puid": "ü"}, "puid", "identifier"),
            ({"puid": "a\n"}, "puid", "identifier"),
            ({"puid": "a" * 501}, "puid", "identifier"),
            ({"category": ...}, "category", "missing"),
            ({"category": "STATEMENT_CATEGORY_PIRACY"}, "category", "none of its words"),
            ({"category": ["STATEMENT_CATEGORY_VIOLENCE"]}, "category", "none of its words"),
            ({"category_addition": [good()["category"]]}, "category_addition", "the category itself"),
            ({"category_specification": ["KEYWORD_DISINFORMATION"]}, "category_specification", "none of its words"),
            ({"category_specification_other": "x"}, "category_specification_other", "is given where"),
            ({"content_type": []}, "content_type", "is empty"),
            ({"content_type": "CONTENT_TYPE_TEXT"}, "content_type", "no list"),
            ({"content_type": ["CONTENT_TYPE_TEXT"] * 2}, "content_type", "twice"),
            ({"content_type": ["CONTENT_TYPE_OTHER"]}, "content_type_other", "is missing where"),
            ({"decision_visibility": ["DECISION_VISIBILITY_OTHER"]}, "decision_visibility_other", "is missing where"),
            ({"decision_visibility": ...}, "decision_visibility", "all other decisions"),
            ({"decision_ground": ...}, "decision_ground", "is missing"),
            ({"incompatible_content_explanation": ...}, "incompatible_content_explanation", "is missing where"),
            ({"incompatible_content_ground": "g" * 501}, "incompatible_content_ground", "501 characters"),
            ({"illegal_content_explanation": "x"}, "illegal_content_explanation", "is given where"),
            ({"decision_facts": "f" * 5001}, "decision_facts", "5,001 characters"),
            ({"decision_facts": ...}, "decision_facts", "missing"),
            ({"decision_facts": " "}, "decision_facts", "empty"),
            ({"content_language": "de"}, "content_language", "none of its words"),
            ({"content_date": "2026-02-30"}, "content_date", "no day"),
            ({"content_date": "2026-2-3"}, "content_date", "no day"),
            ({"content_date": "1999-12-31"}, "content_date", "before 2000"),
            ({"application_date": "2019-12-31"}, "application_date", "before 2020"),
            ({"application_date": "2038-01-02"}, "application_date", "after 2038"),
            (
                {"end_date_visibility_restriction": "2026-03-02"},
                "end_date_visibility_restriction",
                "before application",
            ),
            ({"territorial_scope": ["DE", "UK"]}, "territorial_scope", "'UK'"),
            ({"territorial_scope": ...}, "territorial_scope", "is empty"),
            ({"source_type": "SOURCE_ME"}, "source_type", "none of its words"),
            ({"automated_detection": True}, "automated_detection", "none of its words"),
            ({"decision_ground_reference_url": "terms"}, "decision_ground_reference_url", "no address"),
            ({"decision_ground_reference_url": "https://["}, "decision_ground_reference_url", "no address"),
            ({"url": "https://x.example"}, "url", "no field"),
        ],
    )
    def test_names_the_field_and_what_to_do(self, fields: dict[str, Any], field: str, problem: str) -> None:
        found = problems(good(**fields))
        assert [each.field for each in found if problem in each.problem] == [field], found
        assert all(each.remedy for each in found)

    def test_optional_fields_may_be_there(self) -> None:
        more = {
            "decision_account": "DECISION_ACCOUNT_SUSPENDED",
            "account_type": "ACCOUNT_TYPE_PRIVATE",
            "incompatible_content_illegal": "Yes",
            "decision_ground_reference_url": "https://x.example/terms#4",
            "end_date_visibility_restriction": "2026-03-03",
            "source_identity": "Somebody",
            "category_addition": ["STATEMENT_CATEGORY_VIOLENCE"],
        }
        assert problems(good(**more)) == []


DATES = st.dates(date(2020, 1, 1), date(2037, 12, 31)).map(
    lambda day: datetime(day.year, day.month, day.day, tzinfo=UTC)
)
CATEGORY_SETS = st.sets(st.sampled_from(sorted(CATEGORIES)), min_size=1).map(tuple)
RESTRICTIONS = st.builds(
    restriction,
    sequence=st.integers(1, 2**62),
    decision=st.sampled_from(sorted(RESTRICTS)),
    categories=CATEGORY_SETS,
    decided_by=st.sampled_from(DecidedBy),
    before=st.none() | st.sampled_from(Decision),
    decided_at=DATES,
    rules=st.lists(st.text(max_size=300), max_size=40).map(tuple),
    reason=st.text(max_size=3000),
    policy_version=st.text(max_size=40),
    post=st.builds(
        Post,
        platform=st.just("x"),
        id=st.text("abc~:@%+=-._", min_size=1, max_size=512),
        text=st.text(min_size=1),
        locale=st.sampled_from(["", "en", "EN-gb", "zh_Hant_TW", "nb-NO", "tlh", "x-klingon"]),
        created_at=st.none() | DATES,
        context=st.builds(Context, image_alt=st.text(max_size=3), digital_source_type=st.text(max_size=30)),
    ),
)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(sorted(words.CATEGORIES)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


class TestWhateverComes:
    @settings(deadline=None, max_examples=60)
    @given(RESTRICTIONS, st.text(min_size=1, max_size=3000).filter(str.strip))
    def test_what_we_make_the_database_takes(self, some: Restriction, words_of_policy: str) -> None:
        terms = Terms(rules=dict.fromkeys(some.rules, words_of_policy), reasons={some.reason: words_of_policy})
        assert problems(statement_of(some, terms)) == []

    @settings(deadline=None, max_examples=60)
    @given(st.dictionaries(st.sampled_from(sorted(FIELDS)) | st.text(max_size=9), ANYTHING))
    def test_anything_is_checked_and_nothing_raises(self, statement: dict[str, Any]) -> None:
        found = problems(statement)
        assert "puid" in {each.field for each in found} or len(str(statement.get("puid"))) > 0

    @settings(deadline=None, max_examples=60)
    @given(st.sampled_from(sorted(FIELDS)), ANYTHING)
    def test_a_field_that_turns_bad_is_named(self, field: str, value: Any) -> None:
        if isinstance(value, str | list) or value is None:
            return  # may be good
        assert any(each.field == field for each in problems(good(**{field: value})))


class TestBatches:
    async def test_a_hundred_at_a_time(self) -> None:
        made = await batched(*(restriction(number) for number in range(1, 251)))
        assert [len(batch.statements) for batch in made] == [BATCH, BATCH, 50]
        assert list(made[0].body) == ["statements"]
        puids = [statement["puid"] for batch in made for statement in batch.statements]
        assert len(set(puids)) == 250

    async def test_a_bad_one_is_left_out_and_told(self) -> None:
        bad = Post(platform="x", id="9", text="t", metadata={"dsa_source_type": "SOMEBODY"})
        [batch] = await batched(restriction(1), restriction(2, post=bad), restriction(3))
        assert len(batch.statements) == 2
        [rejected] = batch.rejected
        assert (rejected.sequence, rejected.post) == (2, "platforms/x/posts/9")
        [problem] = rejected.problems
        assert str(problem).startswith("source_type: 'SOMEBODY' is none of its words; give one of SOURCE_ARTICLE_16")

    async def test_the_same_verdict_twice(self) -> None:
        [batch] = await batched(restriction(1), restriction(1))
        assert (len(batch.statements), batch.rejected[0].problems[0].field) == (1, "puid")

    async def test_bad_terms_leave_every_one_out(self) -> None:
        [batch] = await batched(restriction(1), restriction(2), terms=Terms(territory=("XX",), url="nowhere"))
        assert batch.statements == ()
        assert {each.field for rejected in batch.rejected for each in rejected.problems} == {
            "territorial_scope",
            "decision_ground_reference_url",
        }

    async def test_nothing_to_tell(self) -> None:
        assert await batched() == []
        assert await batched(restriction(categories=(Category.TEST,))) == []
