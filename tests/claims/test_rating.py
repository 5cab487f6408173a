"""Verdicts in publishers' own words, and off their scales."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.claims import verdict_words
from service.claims.rating import rating
from service.domain.claim import Rating

FALSE = """
False|FALSE!|Pants on Fire!|Four Pinocchios|4 Pinocchios|Incorrect|Scam|Fake|Altered photo|Hoax
Misattributed|Not true|Isn't true|This claim is not true.|It's a hoax|Completely false
We rate this claim as False.|Untrue|Wrong|Debunked
False: the video was shot in 2015 and has nothing to do with the vote that it is said to show
Fake - not a real quote|Falso|FALSA|Bulo|Es falso|No es cierto|No es verdad|Mentira|Estafa|É falso
Não é verdade|Golpe|Faux|Pas vrai|C'est faux|Infox|Ce n'est pas vrai|Falsch|Nicht wahr|Stimmt nicht
Gefälscht|Frei erfunden|Falso!|Bufala|Non è vero|Panzana pazzesca|Salah|HOAKS|Tidak benar|[SALAH]|Palsu
Penipuan|गलत|झूठ|फर्जी|फ़र्ज़ी|सच नहीं|خاطئ|غير صحيح|كاذب|زائف|ليس صحيحا|مُفبرك|Yanlış|YANLIŞ|Sahte|Asılsız
Doğru değil|Fałsz|Onwaar|Ложь|错误|誤り|False and misleading
"""
MISLEADING = """
Neither true nor false|Halbwahr|Faux contexte|Eher falsch|Not supported|Verdadero pero viejo|Sebagian besar salah
Mostly False|MOSTLY FALSE|Half-True|half true|Missing context|Misleading|Mixture|Outdated|Partly false
Partially correct|Barely true|Three Pinocchios|Two Pinocchios|Miscaptioned|Out of context|Not entirely true
Not quite right|True, but misleading|Cherry-picked|Truth! & Fiction!|Lacks context|No evidence|Unfounded
Exaggerates|Partly true / partly false|Not completely false|Half-truth|Engañoso|Verdad a medias
Fuera de contexto|Parcialmente falso|Medio verdad|Enganoso|Meia verdade|Em parte verdadeiro|Não é bem assim
Trompeur|Plutôt faux|Hors contexte|À moitié vrai|Ni vrai ni faux|C'est plus compliqué|Teilweise falsch
Größtenteils falsch|Irreführend|Falscher Kontext|Fuorviante|Parzialmente vero|Nì|Pinocchio andante
Sebagian benar|Menyesatkan|Konteks yang salah|Kısmen doğru|Yanıltıcı|भ्रामक|आंशिक सच|مضلل|مُضلِّل|صحيح جزئيا
خارج السياق|غير دقيق|Verdadero pero engañoso|True photo. False caption
"""
TRUE = """
True|Mostly True|MOSTLY_TRUE|Correct|Correct Attribution|Accurate|Mostly accurate|Legit|Geppetto Checkmark
One Pinocchio|Largely correct|Verdadero|Cierto|Verdade|Verdadeiro|Vrai|Plutôt vrai|Wahr|Richtig
Größtenteils richtig|Vero|Benar|Doğru|सच|صحيح|Prawda
"""
UNRATED = """
|Unproven|Research in progress|Satire|Labeled Satire|Unverified|Not proven|Likely false|Full Flop|Disputed
Explainer|42|???|Not misleading|Not false|No comprobado|Não comprovado|Non vérifié|Nicht belegt
Belum terbukti|غير مؤكد|True or False?|Legend
The picture is real and it was taken in Chile in 2019 during a march against the government
"""


def cases(listed: str) -> list[str]:
    return [verdict for line in listed.strip("\n").split("\n") for verdict in line.split("|")]


@pytest.mark.parametrize("verdict", cases(FALSE))
def test_what_is_false(verdict: str) -> None:
    assert rating(verdict) is Rating.FALSE


@pytest.mark.parametrize("verdict", cases(MISLEADING))
def test_what_misleads(verdict: str) -> None:
    assert rating(verdict) is Rating.MISLEADING


@pytest.mark.parametrize("verdict", cases(TRUE))
def test_what_is_true(verdict: str) -> None:
    assert rating(verdict) is Rating.TRUE


@pytest.mark.parametrize("verdict", cases(UNRATED))
def test_what_is_left_open(verdict: str) -> None:
    assert rating(verdict) is Rating.UNRATED


@pytest.mark.parametrize(
    ("value", "best", "worst", "expected"),
    [
        (1, None, None, Rating.FALSE),
        (2, None, None, Rating.MISLEADING),
        (3, 5, 1, Rating.MISLEADING),
        (4, 5, 1, Rating.TRUE),
        (5, 5, 1, Rating.TRUE),
        (0, 10, 0, Rating.FALSE),
        (2, 7, 1, Rating.FALSE),
        (1, 1, 5, Rating.TRUE),  # a scale that runs the other way
        (5, 1, 5, Rating.FALSE),
        (0, None, None, Rating.UNRATED),
        (-1, 5, 1, Rating.UNRATED),
        (6, 5, 1, Rating.UNRATED),
        (1, 1, 1, Rating.UNRATED),
        (float("nan"), 5, 1, Rating.UNRATED),
        (None, 5, 1, Rating.UNRATED),
    ],
)
def test_the_scale_speaks_where_words_do_not(
    value: float | None, best: float | None, worst: float | None, expected: Rating
) -> None:
    assert rating("Number 1", value, best, worst) is expected


def test_words_go_before_the_scale() -> None:
    assert rating("False", 5, 5, 1) is Rating.FALSE
    assert rating("Unproven", 1, 5, 1) is Rating.UNRATED


@given(st.text(max_size=80), st.none() | st.floats(), st.none() | st.floats(), st.none() | st.floats())
def test_any_verdict_has_a_rating(verdict: str, value: float | None, best: float | None, worst: float | None) -> None:
    assert rating(verdict, value, best, worst) in set(Rating)


def test_no_word_is_listed_under_two_ratings() -> None:
    lists = [verdict_words.FALSE, verdict_words.MISLEADING, verdict_words.TRUE, verdict_words.UNRATED]
    listed = [{" ".join(word.split()) for word in words.split(",")} for words in lists]
    assert not [both for one, other in combinations(listed, 2) if (both := one & other)]
