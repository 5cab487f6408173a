"""Texts cut into pieces: whole, by bytes, with heat and marks where they belong; obfuscation undone."""

from hypothesis import given
from hypothesis import strategies as st

from service.dashboard.evidence import Piece, pieces, unmasked
from service.domain.judgement import Evidence, Span, TokenSurprise


async def test_pieces_carry_heat_and_the_heaviest_span() -> None:
    text = "né all false"
    spans = (
        Span(0, 3, "hate", 0.5),
        Span(8, 13, "misinformation", 1.5),
        Span(8, 13, "hate", 0.7),
        Span(4, 7, "hate", -1),
    )
    surprise = (TokenSurprise(0, 3, 5.0), TokenSurprise(4, 7, 1.0), TokenSurprise(8, 13, 15.0))
    assert pieces(text, Evidence(spans, surprise)) == [
        Piece("né", 1, "hate", 0.5),
        Piece(" all "),
        Piece("false", 4, "misinformation", 1.5),
    ]


async def test_nothing_known_is_one_plain_piece() -> None:
    assert pieces("words", Evidence()) == [Piece("words")]
    assert pieces("words", Evidence())[0].plain
    assert pieces("", Evidence()) == []


@given(
    st.text(max_size=60),
    st.lists(st.tuples(st.integers(-5, 300), st.integers(-5, 300), st.floats(0, 20)), max_size=8),
)
def test_the_pieces_are_the_text(text: str, marks: list[tuple[int, int, float]]) -> None:
    spans = tuple(Span(start, end, "hate", weight) for start, end, weight in marks)
    surprise = tuple(TokenSurprise(start, end, bits) for start, end, bits in marks)
    found = pieces(text, Evidence(spans, surprise))
    assert "".join(piece.text for piece in found) == text
    assert all(0 <= piece.heat <= 4 for piece in found)


async def test_obfuscation_is_undone_towards_the_texts_own_script() -> None:
    assert unmasked("blеаch c\u200bures ｍalaria") == "bleach cures malaria"
    assert unmasked("Молоко свежее") == "Молоко свежее"
    assert unmasked("naïve café") == "naïve café"
