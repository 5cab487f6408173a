import time
from contextlib import suppress

import pytest

from service.errors import InvalidInput
from service.feeds.markup import text_of

LINK = (
    '<a href="https://example.com/very/long"><span class="invisible">https://</span>'
    '<span class="ellipsis">example.com/very</span><span class="invisible">/long</span></a>'
)


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("plain", "plain"),
        ("<p>one</p><p>two</p>", "one\n\ntwo"),
        ("<p>one<br>two<br/>three</p>", "one\ntwo\nthree"),
        ("a &amp; b &lt; c &#39;d&#39; &eacute; &#x1F98A; &nosuch;", "a & b < c 'd' é 🦊 &nosuch;"),
        ("one\n   two\t three", "one two three"),
        ("<pre>one\n  two</pre>", "one\ntwo"),
        (f"<p>see {LINK}</p>", "see example.com/very…"),
        ("<ul><li>one</li><li>two</li></ul>", "one\n\ntwo"),
        ("<b>un<i>closed", "unclosed"),
        ("stray</p> end</b>", "stray end"),
        ("<script>alert(1)</script>seen<style>p{}</style>", "seen"),
        ("<!-- hidden -->seen", "seen"),
        ("<![if foo bar>seen", "seen"),
        ("<![CDATA[x]]>seen", "seen"),
        ('smile <img src="x" alt=":blobcat:" class="emoji">', "smile :blobcat:"),
        ('<p class="quote-inline">RE: link</p><p>mine</p>', "mine"),
        ("a < b and c > d", "a < b and c > d"),
        ("", ""),
    ],
)
def test_markup_reads_as_its_reader_sees_it(markup: str, text: str) -> None:
    assert text_of(markup) == text


@pytest.mark.parametrize(
    "part",
    [
        "<",
        "<!",
        "<a ",
        "</",
        "&",
        "<b></x>",
        "<![",
        "<!--",
        '<a b="',
        '<a b=">',
        "<a b='x\">",
        "</a ",
        "<script>",
        "<br/",
        "&#",
    ],
)
def test_hostile_markup_is_read_in_linear_time(part: str) -> None:
    markup = part * (199_000 // len(part))
    started = time.process_time()
    with suppress(InvalidInput):
        text_of(markup)
    assert time.process_time() - started < 2
