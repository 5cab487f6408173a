"""Languages are told apart, and a text is kept out only when it is surely in none of those covered."""

import pytest

from classifiers.errors import InputError
from classifiers.text.language import NAMED, UNKNOWN, Finding, Languages, languages
from classifiers.text.normalise import normalise

ENGLISH = [
    "lol ok so my bus was late again n i missed the game smh",
    "finna go 2 da store yall want sumn",
    "@user @user #MondayMotivation #blessed LETS GOOOO",
    "Juventus v Barcelona: Buffon, Chiellini, Pirlo, Vidal, Pogba",
    "576 new cases of #COVID19; Lagos-123 FCT-100 Delta-58 Edo-52 Ogun-42 Katsina-24",
    "Th3 v4cc1n3 1s p01s0n 4nd th3y kn0w 1t",
    "I ordered crème brûlée at the café and the maître d' laughed",
    "YOU WILL NOT BELIEVE WHAT HAPPENED NEXT!!!",
    "w h y  i s  n o b o d y  t a l k i n g  a b o u t  t h i s",
    "Théy dón't wánt yóu tó knów whát ís ín thé vácciné",
    "T\u043ee \u0430pple \u0440ie recipe that my grandmother never shared",  # Cyrillic letters
]
OTHERS = {
    "es": "hoy amanecí con un dolor de cabeza horrible pero igual me toca trabajar jajaja",
    "fr": "j'ai encore raté mon train ce matin, super début de journée",
    "de": "Der Nachbar mäht den Rasen um sieben Uhr früh, unfassbar",
    "pt": "kkkkk não acredito que ele falou isso na frente de todo mundo",
    "it": "stamattina il treno era in ritardo di un'ora, come al solito",
    "nl": "vanochtend weer een uur in de file gestaan, lekker dan",
    "id": "hari ini macet banget di jalan, sampai kantor telat satu jam",
    "tr": "sabah yine trafikte bir saat bekledim, artık dayanamıyorum",
    "pl": "dzisiaj znowu stałem godzinę w korku, mam już dość",
    "vi": "hôm nay lại kẹt xe cả tiếng đồng hồ, mệt quá",
    "hi": "माँ ने आज खीर बनाई है और पूरा घर महक रहा है",
    "ar": "اليوم الجو حار جدا وما أقدر أطلع من البيت",
    "ru": "сегодня опять стоял в пробке целый час, сил больше нет",
    "zh": "今天早上又堵车了一个小时，真的受不了",
    "ja": "おばあちゃんが作ったカレーが一番おいしい",
    "ko": "오늘 아침에도 차가 막혀서 지각했다 진짜 싫다",
    "ta": "இன்று காலை மீண்டும் போக்குவரத்தில் சிக்கினேன்",
}


@pytest.fixture(scope="module")
def english() -> Languages:
    return languages(("en",))


@pytest.mark.parametrize("text", ENGLISH)
def test_english_as_it_is_posted_is_covered(english: Languages, text: str) -> None:
    for form in (text, text.lower(), text.upper()):
        assert english.find(normalise(form).text).covered


@pytest.mark.parametrize(("language", "text"), OTHERS.items())
def test_other_languages_are_named_and_not_covered(english: Languages, language: str, text: str) -> None:
    found = english.find(normalise(text).text)
    assert (found.language, found.covered) == (language, False)


@pytest.mark.parametrize("text", ["", "😀 😀 😀 🎉 🎉", "1 2 3 4 5 6 7", "@a @b https://example.com/c #d"])
def test_what_says_nothing_of_its_language_is_covered(english: Languages, text: str) -> None:
    assert english.find(text) == Finding(UNKNOWN, covered=True)


def test_a_mixed_text_is_judged_where_a_third_of_it_is_covered(english: Languages) -> None:
    own = "The council has decided to close the swimming pool for the whole of the summer again."
    borrowed = "El gobierno anunció nuevas medidas económicas para el próximo trimestre y nadie entiende por qué."
    assert english.find(f"{own} {borrowed}").covered
    assert english.find(f"{borrowed} {own}").covered
    assert not english.find(f"{borrowed} {OTHERS['es']} {borrowed} {OTHERS['fr']} as they say").covered


def test_a_bundle_for_other_languages_keeps_english_out() -> None:
    found = languages(("es", "ca")).find
    assert found(OTHERS["es"]).covered
    assert found("avui el tren ha tornat a arribar tard, quin fàstic, com sempre").covered
    assert not found("The neighbours have been arguing about the hedge since last summer.").covered


def test_a_language_that_cannot_be_told_apart_is_refused() -> None:
    with pytest.raises(InputError, match="languages: xx, zz can't be identified; use some of"):
        Languages(("en", "zz", "xx"))
    with pytest.raises(InputError, match="none is given"):
        Languages(())


def test_every_language_asked_about_is_known() -> None:
    assert len(NAMED) == len(set(NAMED))
    assert Languages(NAMED).find("Anything in a covered language is covered.").covered
