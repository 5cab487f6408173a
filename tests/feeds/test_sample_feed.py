import json
import re
from collections import Counter

import pytest

from service.cli.demo.sample_feed import claim_file, files
from service.domain.claim import Relation
from service.domain.post import Post, Surface
from service.feeds import FORMATS, FeedError, Item, parse

Feed = dict[str, list[Item]]

MALFORMED = {"graph": 5, "instagram": 3, "activitystreams": 3, "jsonl": 5}


@pytest.fixture(scope="module")
def feed() -> Feed:
    read: Feed = {}
    for format_name, file in files():
        with file.open("rb") as stream:
            read[format_name] = list(parse(format_name, stream))
    return read


@pytest.fixture(scope="module")
def posts(feed: Feed) -> list[Post]:
    return [item for items in feed.values() for item in items if isinstance(item, Post)]


def test_every_format_has_posts_and_the_known_number_of_malformed_items(feed: Feed) -> None:
    assert tuple(feed) == FORMATS, "give service/cli/demo/sample_feed a file in each format, 40 posts or more"
    errors = {name: sum(isinstance(item, FeedError) for item in items) for name, items in feed.items()}
    assert errors == MALFORMED
    assert min(len(items) - errors[name] for name, items in feed.items()) >= 40


def test_there_are_enough_posts_of_enough_kinds(posts: list[Post]) -> None:
    assert len(posts) == 349
    assert len({post.locale.split("-")[0] for post in posts if post.locale}) >= 8
    assert len({post.region for post in posts if post.region}) >= 10
    assert {post.surface for post in posts} == set(Surface)
    assert sum(len(post.text.split()) >= 150 for post in posts) >= 3
    assert sum(len(post.text.split()) <= 2 for post in posts) >= 5


def test_reposts_share_their_content_and_no_post_its_name(posts: list[Post]) -> None:
    repeated = Counter(post.content_digest for post in posts)
    assert sum(count - 1 for count in repeated.values()) >= 10
    assert len({post.name for post in posts}) == len(posts)


def test_it_shows_obfuscation_and_the_test_string(posts: list[Post]) -> None:
    texts = [post.text for post in posts]
    assert texts.count("ASSAY*STANDARD*TEST*POST*REVIEW") == 1
    assert any("\u200b" in text for text in texts)
    assert any(re.search(r"[a-z][\u0400-\u04ff]", text) for text in texts)


def test_posts_about_claims_name_one_that_is_there(posts: list[Post]) -> None:
    claims = {json.loads(line)["id"] for line in claim_file().read_text("utf-8").splitlines()}
    about = [post for post in posts if "claim" in post.metadata]
    assert len(about) == len([post for post in posts if "relation" in post.metadata])
    assert {post.metadata["claim"] for post in about} <= claims
    meant = Counter(Relation(post.metadata["relation"]) for post in about)
    assert meant[Relation.REPEATS] >= 25
    assert min(meant[relation] for relation in Relation) >= 7
    texts = {post.text for post in about}
    assert all(json.loads(line)["claim"] not in texts for line in claim_file().read_text("utf-8").splitlines())


def test_addresses_lead_nowhere(posts: list[Post]) -> None:
    addresses = re.findall(r"https?://([^/\s\"]+)", " ".join(f"{post.text} {post.metadata}" for post in posts))
    assert addresses
    assert all(host.endswith((".example", "w3.org", "iptc.org")) for host in addresses)
