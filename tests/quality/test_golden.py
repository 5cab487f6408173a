"""Golden items: unforeseeable, unrecognisable, and fairly counted."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from service.domain.post import Post
from service.quality.golden import GoldenItem, GoldenResult, Pace, Shown, choose, disguised, due, lookalike, scores
from service.quality.opinions import Answer
from tests.factories import post_of

START = datetime(2026, 3, 2, 12, tzinfo=UTC)


@given(st.text(min_size=1, max_size=60), st.text(max_size=10))
def test_a_lookalike_has_the_same_form(name: str, seed: str) -> None:
    other = lookalike(name, seed)
    assert len(other) == len(name)
    for old, new in zip(name, other, strict=True):
        if old.isascii() and old.isalnum():
            assert new.isascii()
            assert new.isalnum()
            assert old.isdigit() <= new.isalnum()
        else:
            assert new == old
    assert lookalike(name, seed) == other


def test_ids_of_a_kind_stay_of_the_kind() -> None:
    assert lookalike("1789034455123", "s").isdigit()
    assert lookalike("m-7f3a9c1b", "s").startswith("m-")
    assert set(lookalike("9f86d081884c7d65", "s")) <= set("0123456789abcdef")
    assert lookalike("1789034455123", "s") != lookalike("1789034455123", "t")


@given(st.integers(1, 200), st.integers(0, 30))
def test_golden_cases_come_after_so_many_on_average_and_never_at_once(every: int, shown: int) -> None:
    first = next(since for since in range(2 * every + 2) if due(Pace("m-1", shown, since, "q"), every))
    assert every - every // 2 <= first <= every + every // 2
    assert due(Pace("m-1", shown, first + 5, "q"), every)


def test_the_distance_is_on_average_what_was_set_and_differs() -> None:
    found = [next(n for n in range(200) if due(Pace("m-1", shown, n, ""), 50)) for shown in range(300)]
    assert 47 < sum(found) / len(found) < 53
    assert len(set(found)) > 30
    assert not due(Pace("m-1", 0, 1000, ""), 0)


def item_of(post: Post, answer: Answer, **fields: Any) -> GoldenItem:
    usual: dict[str, Any] = {"id": "g1", "added_by": "m-9", "added_at": START}
    return GoldenItem(post=post, answer=answer, **usual | fields)


def test_the_disguise_keeps_what_is_to_be_decided_and_nothing_that_tells(answer_of: Callable[..., Answer]) -> None:
    post = post_of(
        "Send me your PIN", id="1789034455123", author="a-77aa01", created_at=START.replace(year=2025),
        metadata={"permalink": "https://x.example/p/1789034455123", "likes": "12"},
    )  # fmt: skip
    item = item_of(post, answer_of("BLOCK", "FRAUD"), source="cases/1")
    other = disguised(item, Pace("m-1", 0, 50), START)
    assert other.text == post.text
    assert other.content_digest == post.content_digest
    assert (other.surface, other.region, other.platform) == (post.surface, post.region, post.platform)
    assert other.name != post.name
    assert other.author not in {"", post.author}
    assert other.key != post.key
    assert other.created_at == START
    assert other.metadata == {"permalink": f"https://x.example/p/{other.id}", "likes": "12"}
    assert disguised(item, Pace("m-2", 0, 50), START).name != other.name  # two people must not meet under one name


def test_what_was_pasted_comes_from_where_the_latest_case_came_from(answer_of: Callable[..., Answer]) -> None:
    item = item_of(post_of("Send me your PIN", id="0f0f0f0f"), answer_of("BLOCK", "FRAUD"))
    pace = Pace("m-1", 0, 50, "fraud", "platforms/chirp/posts/s-1789034455123", "u-1234")
    other = disguised(item, pace, START)
    assert (other.platform, other.text, other.created_at) == ("chirp", "Send me your PIN", START)
    assert other.id.startswith("s-")
    assert len(other.id) == len("s-1789034455123")
    assert other.id[2:].isdigit()
    assert other.author.startswith("u-")
    assert other.author != "u-1234"
    assert disguised(item, Pace("m-1", 0, 50), START).platform == item.post.platform


def test_an_item_of_the_queue_at_hand_comes_first(answer_of: Callable[..., Answer]) -> None:
    allow = answer_of("ALLOW")
    items = [item_of(post_of(str(n)), allow, id=f"g{n}") for n in range(4)]
    pace = Pace("m-1", 0, 50, "fraud")
    chosen = choose(items, pace, ["hate", "fraud", "hate", "hate"])
    assert chosen is items[1]
    assert choose(items, Pace("m-1", 0, 50, "ads"), ["hate"] * 4) in items
    assert choose([], pace, []) is None
    drawn = [choose(items, Pace(f"m-{n}", 0, 50, ""), ["a"] * 4) for n in range(200)]
    everybody = Counter(item.id for item in drawn if item)
    assert len(everybody) == 4


def test_scores(answer_of: Callable[..., Answer]) -> None:
    fraud, allow = answer_of("BLOCK", "FRAUD"), answer_of("ALLOW")
    post = post_of()

    def result(who: str, said: Answer, expected: Answer = fraud) -> GoldenResult:
        return GoldenResult(item="g", case="c", moderator=who, expected=expected, answer=said, decided_at=START)

    shown = [Shown(case=str(n), item="g", moderator="m-1", number=n, post=post.key, at=START) for n in range(4)]
    results = [
        result("m-1", fraud),
        result("m-1", allow),  # a miss
        result("m-1", answer_of("BLOCK", "HATE")),  # wrong, and no miss
        result("m-2", answer_of("ALLOW", "FRAUD"), allow),  # when allowed, categories don't matter
    ]
    first, second = scores(shown, results)
    assert (first.moderator, first.shown, first.right, first.wrong, first.missed) == ("m-1", 4, 1, 2, 1)
    assert first.accuracy.low < 1 / 3 < first.accuracy.high
    assert (second.shown, second.right, second.wrong) == (1, 1, 0)
