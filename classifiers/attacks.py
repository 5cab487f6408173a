"""Light, label-blind noise for training texts: what people, platforms and evaders do without changing the sense.

Each attack takes a text and a random generator. They are applied alike to machine-written and human texts, so that an
attack never tells the label. Homoglyphs and invisible characters aren't here: normalisation undoes them first.
"""

import random
import re
from collections.abc import Callable

Attack = Callable[[str, random.Random], str]

_URL = re.compile(r"https?://\S+")
_MENTION = re.compile(r"@\w+")
_HASH = re.compile(r"#(?=\w)")
_ARTICLE = re.compile(r"\b(?:a|an|the) ", re.IGNORECASE)
_END = re.compile(r"[.!?\"' ]+$")
_TOKENISED = re.compile(r"(?<=\w)(?=[,.!?;:](?:\s|$))")
_TYPO_RATE = 0.03
_ARTICLE_RATE = 0.5


def lower(text: str, _: random.Random) -> str:
    """All in lower case, as much of the web is."""
    return text.lower()


def drop_final_punctuation(text: str, _: random.Random) -> str:
    """No full stop or quotation mark at the end."""
    return _END.sub("", text) or text


def mask_handles(text: str, _: random.Random) -> str:
    """Links and mentions as data sets anonymise them."""
    return _MENTION.sub("@user", _URL.sub("http", text))


def drop_handles(text: str, _: random.Random) -> str:
    """Links, mentions and hash signs gone, as data sets clean them."""
    cleaned = _HASH.sub("", _MENTION.sub("", _URL.sub("", text)))
    return " ".join(cleaned.split()) or text


def split_punctuation(text: str, _: random.Random) -> str:
    """A space before punctuation, as tokenised corpora have."""
    return _TOKENISED.sub(" ", text)


def drop_articles(text: str, rng: random.Random) -> str:
    """Half of the articles gone (RAID's rate)."""
    return _ARTICLE.sub(lambda found: "" if rng.random() < _ARTICLE_RATE else found[0], text) or text


def misspell(text: str, rng: random.Random) -> str:
    """Neighbouring letters swapped at a rate of 3 % of the characters."""
    chars = list(text)
    for index in range(len(chars) - 1):
        if chars[index].isalpha() and chars[index + 1].isalpha() and rng.random() < _TYPO_RATE:
            chars[index], chars[index + 1] = chars[index + 1], chars[index]
    return "".join(chars)


ATTACKS: dict[str, Attack] = {
    "lower": lower,
    "drop_final_punctuation": drop_final_punctuation,
    "mask_handles": mask_handles,
    "drop_handles": drop_handles,
    "split_punctuation": split_punctuation,
    "drop_articles": drop_articles,
    "misspell": misspell,
}


def disturb(text: str, rng: random.Random, rate: float) -> str:
    """One attack, drawn evenly, with probability `rate`."""
    if rng.random() >= rate:
        return text
    return ATTACKS[rng.choice(list(ATTACKS))](text, rng) or text
