"""HTML, as ActivityStreams content carries it, to the text that a reader sees.

Mastodon shortens links with spans of class `invisible` (not shown) and `ellipsis` (followed by an ellipsis):
https://docs.joinmastodon.org/spec/activitypub/#sanitization.
"""

import re
from html.parser import HTMLParser

from service.errors import InvalidInput

MAX_MARKUP = 200_000  # characters; ten times the longest text leaves ample room for tags
_MAX_OPEN = 256
_PARAGRAPHS = frozenset({"p", "div", "blockquote", "ul", "ol", "pre", "table", "h1", "h2", "h3", "h4", "h5", "h6"})
_LINES = frozenset({"br", "li", "tr", "hr"})
_HIDDEN = frozenset({"script", "style", "template", "head", "title"})
_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
)
_HIDDEN_CLASSES = frozenset({"invisible", "quote-inline"})
_DECLARATION = re.compile(r"<[!?][^<>]*>")
_NO_TAG = re.compile(r"""<(?!/?[a-zA-Z](?:[^<>"']++|"[^"<>]*+"|'[^'<>]*+')*+>)""")
_SPACE = re.compile(r"[ \t\r\n\f]+")


def text_of(markup: str) -> str:
    """The visible text of `markup`: lines for breaks, a blank line between paragraphs, entities resolved."""
    if len(markup) > MAX_MARKUP:
        raise InvalidInput("content", f"holds {len(markup):,} characters, over {MAX_MARKUP:,}", "shorten or split it")
    reader = _Reader()
    reader.feed(_well_formed(markup))
    reader.close()
    return reader.text()


def _well_formed(markup: str) -> str:
    """`markup` with whole tags only: html.parser takes quadratic time over unfinished ones, and fails at some."""
    first, *commented = markup.split("<!--")
    shown = first + "".join(part.partition("-->")[2] for part in commented)
    return _NO_TAG.sub("&lt;", _DECLARATION.sub("", shown))


class _Reader(HTMLParser):
    """Collects text; `_open` holds the open tags with what to write at their end and whether they are hidden."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._parts: list[str] = []
        self._open: list[tuple[str, str, bool]] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._break(tag)
        attributes = {name: value or "" for name, value in attrs}
        if tag == "img":
            self.handle_data(attributes.get("alt", ""))
        if tag in _VOID:
            return
        classes = frozenset(attributes.get("class", "").split())
        hidden = tag in _HIDDEN or bool(classes & _HIDDEN_CLASSES)
        if len(self._open) == _MAX_OPEN:
            raise InvalidInput("content", f"has tags nested more than {_MAX_OPEN} deep", "send plainer HTML")
        self._hidden += hidden
        self._open.append((tag, "…" if "ellipsis" in classes else "", hidden))

    def handle_endtag(self, tag: str) -> None:
        if not any(tag == name for name, _, _ in self._open):
            return
        name = ""
        while name != tag:
            name, closing, hidden = self._open.pop()
            self.handle_data(closing)
            self._hidden -= hidden
        self._break(tag)

    def handle_data(self, data: str) -> None:
        if data and not self._hidden:
            preformatted = any(name == "pre" for name, _, _ in self._open)
            self._parts.append(data if preformatted else _SPACE.sub(" ", data))

    def text(self) -> str:
        """What was collected, with the white space around breaks removed."""
        lines = [line.strip(" \t") for line in "".join(self._parts).split("\n")]
        return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()

    def _break(self, tag: str) -> None:
        if not self._hidden:
            self._parts.append("\n\n" if tag in _PARAGRAPHS else "\n" if tag in _LINES else "")
