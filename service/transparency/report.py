"""The transparency report of a time: counted once, written as JSON, as CSV and as Markdown."""

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from service.transparency import numbers
from service.transparency.numbers import Appeals, Counted, Measures
from service.transparency.ports import Decisions

NOTES = (
    "What is counted are decisions: a post that was labelled and later blocked counts in both.",
    "Posts that a person was asked about and that nobody restricted are not actioned.",
    "Accuracy is that of automated flags on which a person decided: confirmed / (confirmed + cleared).",
    "No number here covers what was never flagged: prevalence sampling measures that.",
    "A decision in several categories counts in each of them.",
    "An undone decision counts, as does what took its place.",
    "Not known to this service: suspended accounts, orders of authorities, notices, groups that hate speech targets.",
)


class ReportFormat(StrEnum):
    """What a report is written as."""

    JSON = "json"
    CSV = "csv"
    MARKDOWN = "markdown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was decided in [start, end): measures by section and group."""

    start: datetime
    end: datetime
    made_at: datetime
    sections: Mapping[str, Mapping[str, Measures]]

    def written(self, as_format: ReportFormat) -> str:
        """The report in that format."""
        match as_format:
            case ReportFormat.JSON:
                return self._json()
            case ReportFormat.CSV:
                return self._csv()
            case ReportFormat.MARKDOWN:
                return self._markdown()

    def _json(self) -> str:
        told = {
            "schema": "assay.transparency_report.v1",
            "principles": "Santa Clara Principles 2.0, Numbers",
            "start": self.start.isoformat(),
            "end": self.end.isoformat(),
            "made_at": self.made_at.isoformat(),
            "sections": self.sections,
            "notes": NOTES,
        }
        return json.dumps(told, indent=2, ensure_ascii=False) + "\n"

    def _csv(self) -> str:
        """One measure a line, whatever its section."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(("start", "end", "section", "group", "measure", "value"))
        times = self.start.isoformat(), self.end.isoformat()
        for section, groups in self.sections.items():
            for group, measures in groups.items():
                for measure, value in measures.items():
                    writer.writerow((*times, section, group, measure, "" if value is None else value))
        return out.getvalue()

    def _markdown(self) -> str:
        lines = [f"# Transparency report, {self.start:%Y-%m-%d} to {self.end:%Y-%m-%d}", ""]
        for section, groups in self.sections.items():
            lines += [f"## {section.capitalize()}", "", *_table(groups), ""]
        return "\n".join([*lines, "## Notes", "", *(f"- {note}" for note in NOTES), ""])


def _table(groups: Mapping[str, Measures]) -> list[str]:
    if not groups:
        return ["None."]
    measures = list(dict.fromkeys(measure for of in groups.values() for measure in of))
    rows = [[group, *(_cell(of.get(measure)) for measure in measures)] for group, of in groups.items()]
    ruler = ["---", *("---:" for _ in measures)]
    return [f"| {' | '.join(map(_escaped, row))} |" for row in (["", *measures], ruler, *rows)]


def _cell(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"


def _escaped(cell: str) -> str:
    return cell.replace("|", "\\|")


async def report(decisions: Decisions, start: datetime, end: datetime, now: datetime) -> Report:
    """The report of [start, end)."""
    return _report(await decisions.counted(start, end), await decisions.appeals(start, end), start, end, now)


def _report(counted: Counted, appeals: Appeals, start: datetime, end: datetime, now: datetime) -> Report:
    sections = {
        "overview": numbers.overview(counted),
        "actions": numbers.actions(counted),
        "categories": numbers.grouped(counted, lambda tally: (category.value for category in tally.concerns)),
        "surfaces": numbers.grouped(counted, lambda tally: (tally.surface,)),
        "languages": numbers.grouped(counted, lambda tally: (tally.language,)),
        "regions": numbers.grouped(counted, lambda tally: (tally.region,)),
        "appeals": numbers.contested(appeals),
        "reinstatements": numbers.reinstatements(counted, appeals),
    }
    return Report(start=start, end=end, made_at=now, sections=sections)
