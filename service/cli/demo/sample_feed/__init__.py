"""The feed that `make demo` streams: invented posts, some of them malformed on purpose, in each format that feeds have.

All people, places, institutes and claims in it are made up. So is its misinformation, which others in it contradict,
and what the invented fact-checkers of `claims.jsonl` say of it. Posts written about one of those claims name it in
their metadata (`claim`), and how they are meant to relate to it (`relation`).
"""

from importlib.resources import files as package_files
from importlib.resources.abc import Traversable

_FILES = (
    ("graph", "facebook_page.json"),
    ("instagram", "instagram_media.json"),
    ("activitystreams", "activitystreams_outbox.json"),
    ("jsonl", "posts.jsonl"),
)


def files() -> list[tuple[str, Traversable]]:
    """The files of the sample feed, each with the name of its format for `service.feeds.parse`."""
    return [(format_name, package_files(__name__) / name) for format_name, name in _FILES]


def claim_file() -> Traversable:
    """Fact-checked claims about what the feed says, as JSON lines."""
    return package_files(__name__) / "claims.jsonl"
