"""Charts: where their lines fall, that they show what they are given, and that nothing in them but words is a word."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET

import pytest

from service.dashboard.charts import axes, charts, estimates
from service.dashboard.charts.charts import Figure, Plot, Row, Series
from service.dashboard.charts.drawing import Caption
from service.quality.intervals import UNKNOWN, Estimate, share
from service.quality.overview import Range

START = datetime(2026, 3, 2, tzinfo=UTC)
CAPTION = Caption("name", "Title", "About.")
SVG = "{http://www.w3.org/2000/svg}"
EVIL = "<script>alert(1)</script>\"'&"


def plot(count: int, **fields: object) -> Plot:
    return Plot(caption=CAPTION, starts=[START + timedelta(hours=place) for place in range(count)], **fields)  # type: ignore[arg-type]


def series(values: Sequence[float | None], tone: str = "tone-1", **fields: Sequence[float]) -> Series:
    return Series(label="Values", tone=tone, values=values, **fields)


def drawn(figure: Figure) -> ET.Element:
    return ET.fromstring(figure.picture)


def of_class(root: ET.Element, name: str) -> list[ET.Element]:
    return [each for each in root.iter() if name in each.get("class", "").split()]


def percents(elements: Sequence[ET.Element], attribute: str) -> list[float]:
    return [float(each.get(attribute, "").removesuffix("%")) for each in elements]


class TestAxes:
    @pytest.mark.parametrize(
        ("top", "whole", "found"),
        [
            (0, False, (0, 1)),
            (0, True, (0, 1)),
            (1, True, (0, 1)),
            (3, True, (0, 1, 2, 3)),
            (10, True, (0, 5, 10)),
            (11, True, (0, 5, 10, 15)),
            (1234, True, (0, 500, 1000, 1500)),
            (0.031, False, (0, 0.01, 0.02, 0.03, 0.04)),
            (1.0, False, (0, 0.5, 1.0)),
        ],
    )
    def test_lines_fall_on_round_values_and_reach_the_top(
        self, top: float, whole: bool, found: tuple[float, ...]
    ) -> None:
        assert axes.lines(top, whole=whole) == pytest.approx(found)

    def test_labels_have_the_places_that_tell_lines_apart(self) -> None:
        assert [axes.counts(value, 500) for value in (0, 500, 1000, 1500)] == ["0", "500", "1.0k", "1.5k"]
        assert [axes.counts(value, 2e6) for value in (0, 2e6, 4e6)] == ["0", "2M", "4M"]
        assert [axes.shares(value, 0.005) for value in (0, 0.005, 0.01)] == ["0.0%", "0.5%", "1.0%"]
        assert [axes.shares(value, 0.5) for value in (0, 0.5, 1)] == ["0%", "50%", "100%"]
        assert [axes.durations(value, 0.05) for value in (0, 0.05, 0.1)] == ["0", "50 ms", "100 ms"]
        assert [axes.durations(value, 0.5) for value in (0, 0.5, 1.0)] == ["0", "0.5 s", "1.0 s"]

    @pytest.mark.parametrize("span", Range)
    def test_times_are_round_few_and_in_order(self, span: Range) -> None:
        starts = span.scale.starts(datetime(2026, 3, 4, 9, 37, 21, tzinfo=UTC))
        found = axes.moments(starts)
        assert 4 <= len(found) <= 9
        assert [each.place for each in found] == sorted(each.place for each in found)
        assert all(0 <= each.place < 1 for each in found)

    def test_times_of_each_range(self) -> None:
        now = datetime(2026, 3, 4, 9, 37, 21, tzinfo=UTC)
        words = {span: [each.words for each in axes.moments(span.scale.starts(now))] for span in Range}
        assert words[Range.HOUR][:2] == ["08:40", "08:50"]
        assert "4 Mar" in words[Range.DAY]
        assert words[Range.WEEK][-1] == "4 Mar"
        assert words[Range.MONTH] == ["9 Feb", "16 Feb", "23 Feb", "2 Mar"]

    def test_little_time_is_no_trouble(self) -> None:
        assert axes.moments([]) == []
        assert axes.moments([START]) == [axes.Moment(0.0, "2 Mar")]


class TestEstimates:
    @pytest.mark.parametrize(
        ("value", "found"),
        [(None, "–"), (0, "0%"), (1, "100%"), (0.5, "50%"), (0.0999, "10%"), (0.042, "4.2%"), (0.0042, "0.42%")],
    )
    def test_shares(self, value: float | None, found: str) -> None:
        assert estimates.share(value) == found

    def test_an_estimate_comes_with_its_interval(self) -> None:
        assert estimates.estimated(Estimate(0.042, 0.031, 0.0571, 900)) == "4.2% (3.1–5.7%)"
        assert estimates.estimated(UNKNOWN) == "not known yet"

    @pytest.mark.parametrize(
        ("seconds", "found"), [(None, "–"), (0.0042, "4.2 ms"), (0.25, "250 ms"), (1.44, "1.4 s"), (90.5, "2 min")]
    )
    def test_durations(self, seconds: float | None, found: str) -> None:
        assert estimates.duration(seconds) == found


class TestStacked:
    def test_parts_stand_on_one_another_and_are_as_high_as_they_count(self) -> None:
        figure = charts.stacked(plot(2), [series([2, 0], "tone-block"), series([6, 4], "tone-allow")])
        [block] = of_class(drawn(figure), "tone-block")
        allow = of_class(drawn(figure), "tone-allow")
        heights = [float(each.get("height", "")) for each in (block, *allow)]
        assert heights == pytest.approx([176 * part / 8 for part in (2, 6, 4)])
        assert float(block.get("y", "")) == float(allow[0].get("y", "")) + heights[1]
        assert float(allow[0].get("y", "")) == 12
        assert percents(allow, "x") == pytest.approx([4.5, 54.5])

    def test_numbers_stand_in_a_table_and_beside_the_pointer(self) -> None:
        figure = charts.stacked(plot(2), [series([2, 0]), series([1234, 4])])
        assert figure.rows == (("2026-03-02 00:00", "2", "1,234"), ("2026-03-02 01:00", "0", "4"))
        titles = [each.text for each in drawn(figure).iter(f"{SVG}title")]
        assert titles == ["Title", "2 Mar 00:00 UTC\nValues: 2\nValues: 1,234", "2 Mar 01:00 UTC\nValues: 4"]

    def test_nothing_at_all(self) -> None:
        figure = charts.stacked(plot(3), [series([0, 0, 0])])
        assert of_class(drawn(figure), "area") == []
        assert len(of_class(drawn(figure), "catch")) == 3


class TestLines:
    def test_a_gap_breaks_the_line_and_a_lonely_value_is_a_dot(self) -> None:
        figure = charts.lines(plot(6), [series([0.5, 1.0, None, 0.5, None, None])])
        paths = of_class(drawn(figure), "line")
        assert [each.get("d") for each in paths] == ["M 0.5 88.0 L 1.5 0.0", "M 3.5 88.0"]
        [dot] = drawn(figure).iter(f"{SVG}circle")
        assert percents([dot], "cx") == pytest.approx([58.33])
        assert figure.rows[2][1] == "–"

    def test_a_band_holds_the_interval(self) -> None:
        figure = charts.lines(plot(2, words=estimates.share), [series([0.5, 0.5], low=[0.25, 0.25], high=[1.0, 0.75])])
        [band] = of_class(drawn(figure), "band")
        assert band.get("d", "").strip() == "M 0.5 0.0 L 1.5 44.0 L 1.5 132.0 L 0.5 132.0 Z"
        assert figure.rows[0][1] == "50% (25% to 100%)"

    def test_a_lonely_value_stands_on_its_interval(self) -> None:
        figure = charts.lines(plot(2), [series([0.5, None], low=[0.25, 0], high=[1.0, 0])])
        [stem] = of_class(drawn(figure), "stem")
        assert (stem.get("y1"), stem.get("y2"), percents([stem], "x1")) == ("12.0", "144.0", [25])

    def test_no_days_and_no_values_are_no_trouble(self) -> None:
        assert charts.lines(plot(0), [series([])]).rows == ()
        assert of_class(drawn(charts.lines(plot(2), [series([None, None])])), "line") == []


class TestBars:
    def test_bars_are_parts_of_the_longest(self) -> None:
        rows = [Row(label="One", value=4, words="4"), Row(label="Two", value=1, words="1")]
        assert percents(of_class(drawn(charts.bars(CAPTION, rows)), "area"), "width") == [100, 25]

    def test_intervals_and_marks_stay_inside(self) -> None:
        row = Row(label="One", value=0.5, words="50%", low=-0.5, high=1.5)
        root = drawn(charts.bars(CAPTION, [row], whole=1.0, marks=(0.25, 2.0)))
        assert percents(of_class(root, "mark"), "x1") == [25, 100]
        across = of_class(root, "whisker")[0]
        assert (percents([across], "x1"), percents([across], "x2")) == ([0], [100])

    def test_no_rows(self) -> None:
        assert of_class(drawn(charts.bars(CAPTION, [])), "area") == []


def test_histograms_show_both_sides() -> None:
    figure = charts.histograms(CAPTION, [0.0, 0.5, 0.5], [0.25, 0.75, 0.0], [axes.Moment(1 / 3, "0")])
    heights = [float(each.get("height", "")) for each in of_class(drawn(figure), "tone-now")]
    assert heights == pytest.approx([0, 64, 64])
    [before] = of_class(drawn(figure), "tone-before")
    assert before.get("d") == "M 0 96 V 64.0 h 1 V 0.0 h 1 V 96.0 h 1 V 96"


def test_an_interval_is_an_ornament_beside_its_words() -> None:
    root = ET.fromstring(charts.interval(share(1, 4)))
    assert root.get("aria-hidden") == "true"
    assert percents(of_class(root, "dot"), "cx") == [25]
    assert of_class(ET.fromstring(charts.interval(UNKNOWN)), "dot") == []


FIGURES = [
    charts.stacked(plot(3), [series([1, 2, 3])]),
    charts.lines(plot(3), [series([0.1, None, 0.3], low=[0, 0, 0], high=[1, 1, 1])]),
    charts.bars(CAPTION, [Row(label="One", value=0.5, words="50%", low=0.2, high=0.8)], marks=(0.1,)),
    charts.histograms(CAPTION, [0.5, 0.5], [0.1, 0.9], [axes.Moment(0.5, "0")]),
]


@pytest.mark.parametrize("figure", FIGURES)
def test_pictures_have_names_and_nothing_that_the_policy_of_the_page_forbids(figure: Figure) -> None:
    root = drawn(figure)
    assert (root.get("role"), root.get("aria-labelledby"), root.get("aria-describedby")) == (
        "img",
        "name-title",
        "name-about",
    )
    assert [each.text for each in root if each.get("id")] == ["Title", "About."]
    for each in root.iter():
        assert each.tag.removeprefix(SVG) in {"svg", "title", "desc", "g", "rect", "line", "path", "circle", "text"}
        assert not [name for name in each.attrib if name == "style" or name.startswith("on")]
    assert not re.search(r"(?i)nan|inf\b", figure.picture)


def test_words_that_look_like_markup_are_words() -> None:
    caption = Caption("name", EVIL, EVIL)
    figures = [
        charts.bars(caption, [Row(label=EVIL, value=1, words=EVIL)]),
        charts.stacked(
            Plot(caption=caption, starts=[START], label=lambda *_: EVIL),
            [Series(label=EVIL, tone="tone-1", values=[1])],
        ),
        charts.histograms(caption, [1.0], [1.0], [axes.Moment(0.5, EVIL)]),
    ]
    for figure in figures:
        assert "<script" not in figure.picture
        assert EVIL in "".join(drawn(figure).itertext())
