"""What people, platforms and data sets do to posts: emoji, hashtags, handles and links, small letters."""

import random
import re

_URL = re.compile(r"https?://\S+")
_MENTION = re.compile(r"@\w+")
_HASH = re.compile(r"#(?=\w)")
_FINAL = re.compile(r"[.!?\"' ]+$")
_SENTENCE_END = re.compile(r"(?<=[a-z]{4}[.!?])(?= |$)")
_TAGGABLE = re.compile(r"(?<![\w@#/.'])[A-Za-z]{5,15}(?![\w@/'])")
_EMOJI = (
    "😂",
    "😭",
    "🔥",
    "❤️",
    "😍",
    "🙏",
    "👀",
    "💯",
    "🤔",
    "😅",
    "✨",
    "👇",
    "👏",
    "🚨",
    "😡",
    "🤣",
    "😱",
    "💔",
    "🙄",
    "👍",
    "🎉",
)
_TAGS = ("news", "fyp", "viral", "trending", "facts", "truth", "breaking", "life", "love", "health", "wakeup", "usa")
_MOST_TAGS = 3


def add_emoji_and_hashtags(text: str, rng: random.Random, rate: float) -> str:
    """Emoji after a share of the sentences, one to three hashtags at the end: words of the text or common ones."""
    dotted = _SENTENCE_END.sub(lambda _: " " + rng.choice(_EMOJI) if rng.random() < rate else "", text)
    own = _TAGGABLE.findall(text)
    tags = [rng.choice(own).lower() if own and rng.random() < rate else rng.choice(_TAGS) for _ in range(_MOST_TAGS)]
    return " ".join([dotted, *(f"#{tag}" for tag in tags[: rng.randint(1, _MOST_TAGS)])])


def tag_words(text: str, rng: random.Random, rate: float) -> str:
    """A hash sign before a share of the longer words, or an emoji after the text."""
    tagged = _TAGGABLE.sub(lambda found: "#" + found[0] if rng.random() < rate else found[0], text)
    return tagged if tagged != text else f"{text} {rng.choice(_EMOJI)}"


def lower(text: str, _: random.Random, __: float) -> str:
    """All in small letters, as much of the web is."""
    return text.lower()


def drop_final_punctuation(text: str, _: random.Random, __: float) -> str:
    """No full stop or quotation mark at the end."""
    return _FINAL.sub("", text)


def mask_handles(text: str, _: random.Random, __: float) -> str:
    """Links and mentions as data sets anonymise them."""
    return _MENTION.sub("@user", _URL.sub("http", text))


def drop_handles(text: str, _: random.Random, __: float) -> str:
    """Links, mentions and hash signs removed, as data sets do."""
    return " ".join(_HASH.sub("", _MENTION.sub("", _URL.sub("", text))).split())
