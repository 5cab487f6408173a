"""What charts are drawn with: SVG of numbers, words and classes alone, so that no policy of the page is in its way.

Across, places are percent of the width; heights are pixels. So a picture fits any screen, and its words stay as large
as the page's. Words are escaped here: the library writes what it is given.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import svg
from markupsafe import Markup, escape

from service.dashboard.charts.axes import Moment


class Caption(NamedTuple):
    """What a picture is called on the page (`name`, for ids) and for people, and what it says in a sentence."""

    name: str
    title: str
    about: str


def picture(caption: Caption, height: float, drawn: Iterable[svg.Element], kind: str) -> Markup:
    """The whole, named for screen readers."""
    name, title, about = caption
    named = {"role": "img", "aria-labelledby": f"{name}-title", "aria-describedby": f"{name}-about"}
    words: list[svg.Element] = [
        svg.Title(id=f"{name}-title", text=escaped(title)),
        svg.Desc(id=f"{name}-about", text=escaped(about)),
    ]
    return _markup(svg.SVG(class_=["plot", kind], height=height, elements=[*words, *drawn], extra=named))


def ornament(height: float, drawn: Sequence[svg.Element], kind: str) -> Markup:
    """A picture shown next to the same in words; screen readers skip it."""
    return _markup(svg.SVG(class_=[kind], height=height, elements=list(drawn), extra={"aria-hidden": "true"}))


def _markup(whole: svg.SVG) -> Markup:
    return Markup(whole)  # noqa: S704 - numbers, our own classes, and words that went through `escaped`


def escaped(words: str) -> str:
    """Words escaped for SVG."""
    return str(escape(words))


def text(words: str, x: float, y: float, *classes: str) -> svg.Text:
    """Words at a place."""
    return svg.Text(x=percent(x), y=rounded(y), class_=list(classes), text=escaped(words))


def beside(words: str, y: float) -> svg.Text:
    """Words left of the picture."""
    return svg.Text(x=-8, y=rounded(y + 4), class_=["tick", "beside"], text=escaped(words))


def below(ticks: Sequence[Moment], y: float) -> list[svg.Element]:
    """Words along the lower edge; every other one is left out where the picture is narrow."""
    drawn: list[svg.Element] = []
    for number, tick in enumerate(ticks):
        classes = ["tick", "under", *(["spare"] if number % 2 else [])]
        drawn += [upright(100 * tick.place, y, y + 4, "axis"), text(tick.words, 100 * tick.place, y + 18, *classes)]
    return drawn


def rule(y: float, kind: str) -> svg.Element:
    """A line across."""
    return svg.Line(x1=0, x2=percent(100), y1=rounded(y), y2=rounded(y), class_=[kind])


def upright(x: float, top: float, bottom: float, kind: str) -> svg.Element:
    """A line down."""
    return svg.Line(x1=percent(x), x2=percent(x), y1=rounded(top), y2=rounded(bottom), class_=kind.split())


def rect(x: float, y: float, width: float, height: float, classes: str) -> svg.Element:
    """A rectangle of so many percent and pixels."""
    return svg.Rect(x=percent(x), y=rounded(y), width=percent(width), height=rounded(height), class_=classes.split())


def dot(x: float, y: float, radius: float, classes: str) -> svg.Element:
    """A dot."""
    return svg.Circle(cx=percent(x), cy=rounded(y), r=radius, class_=classes.split())


def whisker(low: float, high: float, y: float) -> list[svg.Element]:
    """An interval between two shares of the width."""
    left, right = 100 * kept(low), 100 * kept(high)
    across = svg.Line(x1=percent(left), x2=percent(right), y1=rounded(y), y2=rounded(y), class_=["whisker"])
    return [across, upright(left, y - 4, y + 4, "whisker"), upright(right, y - 4, y + 4, "whisker")]


def stretched(size: tuple[int, int], y: float, paths: Sequence[svg.Element]) -> svg.Element:
    """Paths, which know no percent: drawn in a box of that size, whose width becomes the picture's."""
    return svg.SVG(
        x=0,
        y=y,
        width=percent(100),
        height=size[1],
        viewBox=svg.ViewBoxSpec(0, 0, *size),
        preserveAspectRatio=svg.PreserveAspectRatio("none"),
        class_=["paths"],
        elements=list(paths),
    )


def through(points: Sequence[tuple[float, float]]) -> list[svg.PathData]:
    """The path from point to point."""
    return [svg.M(*points[0]), *(svg.L(*point) for point in points[1:])]


def kept(share: float) -> float:
    """A share that stays within the picture."""
    return min(1.0, max(0.0, share))


def percent(value: float) -> svg.Length:
    """A place across."""
    return svg.Length(rounded(value), "%")


def rounded(value: float) -> float:
    """Hundredths are fine enough, and short."""
    return round(value, 2)
