"""The numbers of the Santa Clara Principles, counted by hand, and the report in its three formats."""

import csv
import io
import json
from datetime import UTC, datetime

from service.domain.decision import Category, Decision
from service.transparency import numbers
from service.transparency.decided import DecidedBy, language_of, newly_restricts, reinstates
from service.transparency.numbers import Appeals, Contested, Counted, Tally
from service.transparency.report import NOTES, Report, ReportFormat, report

START, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)
FRAUD, HATE = frozenset({Category.FRAUD}), frozenset({Category.HATE})
BOTH, NONE = FRAUD | HATE, frozenset[Category]()


def tally(  # noqa: PLR0917 - what decisions are told apart by
    decision: Decision,
    before: Decision | None = None,
    by: DecidedBy = DecidedBy.POLICY,
    categories: frozenset[Category] = NONE,
    before_categories: frozenset[Category] = NONE,
    language: str = "en",
) -> Tally:
    return Tally(decision, before, by, categories, before_categories, "feed", language, "")


COUNTED: Counted = {
    tally(Decision.ALLOW): 1000,
    tally(Decision.LABEL, categories=FRAUD): 40,
    tally(Decision.REVIEW, categories=BOTH): 30,
    tally(Decision.BLOCK, Decision.REVIEW, DecidedBy.PERSON, BOTH, BOTH): 12,
    tally(Decision.ALLOW, Decision.REVIEW, DecidedBy.PERSON, NONE, BOTH): 8,
    tally(Decision.BLOCK, Decision.REVIEW, DecidedBy.CARRIED, BOTH, BOTH): 5,
    tally(Decision.ALLOW, Decision.LABEL, DecidedBy.PERSON, NONE, FRAUD): 4,
    tally(Decision.REDUCE, Decision.ALLOW, DecidedBy.PERSON, HATE, language="de"): 3,
    tally(Decision.LABEL, Decision.LABEL, DecidedBy.PERSON, FRAUD, FRAUD): 2,
}
APPEALS = Appeals(opened=9, waiting=2, against_policy=Contested(3, 2), against_people=Contested(1, 1), hours=30.5)


class Decided:
    def restrictions(self, start: datetime, end: datetime) -> object:
        raise NotImplementedError

    async def counted(self, start: datetime, end: datetime) -> Counted:
        return COUNTED

    async def appeals(self, start: datetime, end: datetime) -> Appeals:
        return APPEALS


async def made() -> Report:
    return await report(Decided(), START, END, END)  # type: ignore[arg-type]


class TestNumbers:
    def test_totals(self) -> None:
        assert numbers.overview(COUNTED) == {
            "posts decided": {"count": 1070},
            "decisions, revisions included": {"count": 1104},
            "posts actioned": {"count": 60},
            "posts sent to a person": {"count": 30},
        }

    def test_actions_by_who_decided_and_how_they_were_found(self) -> None:
        found = numbers.actions(COUNTED)
        assert list(found) == ["LABEL", "REDUCE", "BLOCK"]
        assert found["BLOCK"] == {
            "actioned": 17,
            "decided automatically": 0,
            "carried over from a person's decision": 5,
            "decided by a person": 12,
            "found automatically": 17,
            "found by people": 0,
        }
        assert found["LABEL"]["decided automatically"] == found["LABEL"]["actioned"] == 40
        assert found["REDUCE"]["found by people"] == 3

    def test_a_post_in_two_categories_counts_in_both(self) -> None:
        found = numbers.grouped(COUNTED, lambda each: (category.value for category in each.concerns))
        assert (found["FRAUD"]["actioned"], found["HATE"]["actioned"]) == (57, 20)

    def test_accuracy_where_a_person_looked(self) -> None:
        found = numbers.grouped(COUNTED, lambda each: (category.value for category in each.concerns))
        assert found["HATE"]["confirmed"] == 12
        assert found["HATE"]["cleared"] == 8
        assert found["HATE"]["accuracy"] == 0.6
        assert found["FRAUD"]["accuracy"] == round(14 / 26, 4)  # two labels confirmed as they stood

    def test_accuracy_is_unknown_where_nobody_looked(self) -> None:
        found = numbers.grouped({tally(Decision.LABEL, categories=FRAUD): 3}, lambda each: ("x",))
        assert found["x"]["accuracy"] is None

    def test_languages(self) -> None:
        found = numbers.grouped(COUNTED, lambda each: (each.language,))
        assert {language: of["actioned"] for language, of in found.items()} == {"de": 3, "en": 57}
        assert list(numbers.grouped({tally(Decision.LABEL, language=""): 1}, lambda t: (t.language,))) == ["not said"]

    def test_reinstatements(self) -> None:
        assert {name: of["count"] for name, of in numbers.reinstatements(COUNTED, APPEALS).items()} == {
            "posts reinstated": 4,
            "after an appeal was upheld": 4,
            "without an appeal": 0,
        }

    def test_appeals(self) -> None:
        found = numbers.contested(APPEALS)
        assert found["all"] == {
            "opened": 9,
            "waiting": 2,
            "decided": 7,
            "upheld": 4,
            "rejected": 3,
            "share upheld": 0.5714,
            "median hours": 30.5,
        }
        assert found["against automated decisions"]["share upheld"] == 0.6

    def test_what_is_new_and_what_is_taken_off(self) -> None:
        assert newly_restricts(None, Decision.LABEL)
        assert newly_restricts(Decision.LABEL, Decision.BLOCK)
        assert not newly_restricts(Decision.BLOCK, Decision.BLOCK)
        assert not newly_restricts(None, Decision.REVIEW)
        assert reinstates(Decision.BLOCK, Decision.ALLOW)
        assert not reinstates(Decision.REVIEW, Decision.ALLOW)
        assert [language_of(tag) for tag in ("de-AT", "EN_gb", "", "zh-Hant")] == ["de", "en", "", "zh"]


class TestReport:
    async def test_json(self) -> None:
        told = json.loads((await made()).written(ReportFormat.JSON))
        assert told["start"] == START.isoformat()
        assert list(told["sections"]) == [
            "overview",
            "actions",
            "categories",
            "surfaces",
            "languages",
            "regions",
            "appeals",
            "reinstatements",
        ]
        assert told["notes"] == list(NOTES)

    async def test_csv_has_a_measure_a_line(self) -> None:
        rows = list(csv.DictReader(io.StringIO((await made()).written(ReportFormat.CSV))))
        assert {row["section"] for row in rows} >= {"overview", "appeals"}
        values = {(row["section"], row["group"], row["measure"]): row["value"] for row in rows}
        assert values["overview", "posts actioned", "count"] == "60"
        assert values["surfaces", "feed", "accuracy"] == "0.5385"

    async def test_markdown(self) -> None:
        told = (await made()).written(ReportFormat.MARKDOWN)
        assert told.startswith("# Transparency report, 2026-01-01 to 2026-04-01\n")
        assert "| posts decided | 1,070 |" in told
        assert "## Notes" in told
