"""Claims and files of them, the command line that loads them, and the adapters of `ClaimTraffic`."""

import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from service.claims.files import ClaimFileError, Item, read
from service.claims.ports import ClaimTraffic
from service.claims.redis_traffic import RedisClaimTraffic
from service.claims.traffic import SurgeLimits
from service.domain.claim import Claim, Rating
from service.storage.redis_connection import RedisConnection
from tests.fakes.queue_and_cache import MemoryClaimTraffic
from tests.processes import assay_here

Read = Callable[..., list[Item]]


@pytest.fixture
def claim() -> Claim:
    """A claim that keeps every limit."""
    return Claim(
        id="moon-1",
        claim="The moon is made of cheese.",
        title="No, the moon is rock",
        url="https://bakers.example/moon",
        verdict="False",
        publisher="Bakers' Facts",
        rating=Rating.FALSE,
    )


@pytest.fixture
def read_all() -> Read:
    """All items of a file: bytes and strings as they are, any other value as the JSON that writes it."""

    def reader(content: object, name: str = "", **options: Any) -> list[Item]:
        text = content if isinstance(content, bytes | str) else json.dumps(content)
        raw = text.encode() if isinstance(text, str) else text
        return list(read(io.BufferedReader(io.BytesIO(raw)), name, **options))

    return reader


@pytest.fixture
def read_claims(read_all: Read) -> Callable[..., list[Claim]]:
    """The claims of a file without a fault."""

    def reader(content: object, name: str = "", **options: Any) -> list[Claim]:
        items = read_all(content, name, **options)
        claims = [item for item in items if isinstance(item, Claim)]
        assert claims == items
        return claims

    return reader


@pytest.fixture
def read_errors(read_all: Read) -> Callable[..., list[ClaimFileError]]:
    """The errors of a file, whatever else it holds."""

    def reader(content: object, name: str = "", **options: Any) -> list[ClaimFileError]:
        return [item for item in read_all(content, name, **options) if isinstance(item, ClaimFileError)]

    return reader


@pytest.fixture
def claim_review() -> dict[str, Any]:
    """A ClaimReview as the Fact Check Markup feed writes it."""
    return {
        "@context": "http://schema.org",
        "@type": "ClaimReview",
        "url": "https://bakers.example/moon",
        "claimReviewed": "The moon is made of cheese.",
        "datePublished": "2026-05-01",
        "author": {"@type": "Organization", "name": "Bakers' Facts", "url": "https://bakers.example/"},
        "itemReviewed": {
            "@type": "Claim",
            "author": {"@type": "Person", "name": "A blog"},
            "datePublished": "2026-04-30",
        },
        "reviewRating": {
            "@type": "Rating",
            "alternateName": "Pants on fire",
            "ratingValue": "1",
            "bestRating": "5",
            "worstRating": "1",
        },
        "sdPublisher": {"@type": "Organization", "name": "Google Fact Check Tools"},
    }


@pytest.fixture
def feed(claim_review: dict[str, Any]) -> dict[str, Any]:
    """A DataFeed of one element as the Fact Check Markup tool publishes it."""
    element = {
        "@type": "DataFeedItem",
        "dateCreated": "2026-05-02T08:00:00+00:00",
        "url": claim_review["url"],
        "item": [claim_review],
    }
    return {"@context": "http://schema.org", "@type": "DataFeed", "dataFeedElement": [element]}


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., CompletedProcess[str]]:
    """Runs `assay claims ...` on an embedded database of this test's own."""

    def command(*arguments: str | Path, stdin: str | None = None, **values: str) -> CompletedProcess[str]:
        settings = {"ASSAY_DATA_DIR": str(tmp_path / "data"), **values}
        return assay_here("claims", *map(str, arguments), stdin=stdin, **settings)

    return command


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str, object], Path]:
    """Writes a file of lines, JSON objects or bytes."""

    def write(name: str, content: bytes | Sequence[object]) -> Path:
        path = tmp_path / name
        lines = (
            content
            if isinstance(content, bytes)
            else [line if isinstance(line, str) else json.dumps(line) for line in content]
        )
        path.write_bytes(lines if isinstance(lines, bytes) else "\n".join(lines).encode() + b"\n")
        return path

    return write  # type: ignore[return-value]


@pytest.fixture(params=["memory", "redis"])
def traffic_of(request: pytest.FixtureRequest, redis_connection: RedisConnection) -> Callable[..., ClaimTraffic]:
    """Makes each `ClaimTraffic`, given the seconds of its windows and what a surge has at least."""

    def make(window: float, limits: SurgeLimits) -> ClaimTraffic:
        if request.param == "memory":
            return MemoryClaimTraffic(window=window, limits=limits)
        return RedisClaimTraffic(redis_connection, window=window, limits=limits)

    return make
