"""A report on disk: report.json, report.md with its pictures, and report.html, one self-contained page.

Needs the extra `train` (matplotlib, markdown-it-py).
"""

import html
import re
from collections.abc import Iterator
from pathlib import Path

from markdown_it import MarkdownIt

from classifiers.evaluation.figures import Report
from classifiers.evaluation.report import sections
from classifiers.evaluation.report.pictures import Pictures, draw, png, svg

_FOLDER = "pictures"
_FEWEST = 5
_STYLE = """\
:root { color-scheme: light dark; --ground: #fff; --ink: #1c2126; --soft: #5c6670; --line: #d6dbe0; --band: #f4f6f8; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #14181c; --ink: #e3e7ea; --soft: #9aa5af; --line: #343c44; --band: #1c2228; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 75rem; padding: 1.5rem 1.25rem 4rem; background: var(--ground); color: var(--ink);
  font: 15px/1.55 system-ui, sans-serif; }
p, li { max-width: 48rem; }
h1 { margin-bottom: .25rem; }
h2 { margin-top: 2.75rem; padding-top: .75rem; border-top: 1px solid var(--line); }
h3 { margin-top: 1.75rem; }
nav { display: flex; flex-wrap: wrap; gap: .25rem 1rem; color: var(--soft); }
a { color: inherit; }
code { font-size: .92em; background: var(--band); padding: .05em .3em; border-radius: 3px; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .7rem .3rem 0; text-align: left; border-bottom: 1px solid var(--line); white-space: nowrap; }
td:first-child { white-space: normal; min-width: 11rem; max-width: 24rem; }
th { color: var(--soft); font-weight: 600; }
tbody tr:hover { background: var(--band); }
figure { margin: 1rem 0; }
figure svg { width: 100%; max-width: 60rem; height: auto; }
"""


def write_report(directory: Path, report: Report, name: str) -> None:
    """Write report.json, report.md, pictures and report.html into a directory."""
    directory.mkdir(parents=True, exist_ok=True)
    pictures = draw(report)
    (directory / _FOLDER).mkdir(exist_ok=True)
    for title, (_, canvas) in pictures.items():
        (directory / _FOLDER / f"{title}.png").write_bytes(png(canvas))
    text = "\n".join(_markdown(report, name, pictures))
    (directory / "report.json").write_text(report.to_json() + "\n")
    (directory / "report.md").write_text(text)
    (directory / "report.html").write_text(page(text, name, pictures))


def page(text: str, title: str, pictures: Pictures) -> str:
    """One HTML page of a report in Markdown, with its pictures inline."""
    body = MarkdownIt("commonmark").enable("table").render(text)
    body = re.sub(r"<table>.*?</table>", lambda found: f'<div class="scroll">{found[0]}</div>', body, flags=re.DOTALL)
    for name, (shows, canvas) in pictures.items():
        drawn = f'<figure role="img" aria-label="{html.escape(shows)}">{svg(canvas, name)}</figure>'
        before, shown, after = body.partition(f'<p><img src="{_FOLDER}/{name}.png"')
        body = before + (drawn + after.partition("</p>")[2] if shown else after)
    titles = re.findall(r"<h2>(.*?)</h2>", body)
    for title_in in titles:
        body = body.replace(f"<h2>{title_in}</h2>", f'<h2 id="{_anchor(title_in)}">{title_in}</h2>')
    links = " ".join(f'<a href="#{_anchor(found)}">{found}</a>' for found in titles)
    body = body.replace("</h1>", f"</h1>\n<nav>{links}</nav>", 1)
    return (
        f'<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8"><title>{html.escape(title)}</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<style>\n{_STYLE}</style></head>\n<body>\n{body}</body>\n</html>\n"
    )


def _markdown(report: Report, name: str, pictures: Pictures) -> Iterator[str]:
    yield f"# {name}\n\nBundle version `{report.version}`, measured by `assay evaluate`.\n"
    yield f"## By label\n\n{sections.measured(report)}"
    for picture in ("roc", "reliability", "spread"):
        yield _image(picture, pictures)
    yield f"## By length, set, domain and generator\n\n{_image('length', pictures)}"
    for title, table in sections.slices(report, few=_FEWEST):
        yield f"### {title}\n\n{table}"
    for title, found in (("Under attack", sections.attacks(report)), ("Whom it wrongs", sections.fairness(report))):
        if found:
            yield f"## {title}\n\n{_image({'Under attack': 'attacks'}.get(title, 'fairness'), pictures)}\n{found}"
    for grid, (title, table) in zip(report.grids, sections.grids(report), strict=False):
        yield f"## {title}\n\n{_image(f'leave-{grid.by}-out', pictures)}\n{table}"
    if report.fixture:
        yield f"## On the committed posts\n\n{sections.fixture(report)}"


def _image(name: str, pictures: Pictures) -> str:
    return f"![{pictures[name][0]}]({_FOLDER}/{name}.png)\n" if name in pictures else ""


def _anchor(title: str) -> str:
    return re.sub(r"\W+", "-", re.sub(r"<[^>]+>", "", title).lower()).strip("-")
