"""Migrations on both databases: from nothing, from a filled database of the release before, and by many at once."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Engine, MetaData, create_engine, inspect, text

from service.claims.sql import SqlClaims
from service.domain.codec import encode_judgement, encode_post, encode_verdict
from service.domain.decision import Category, Decision, Ruling
from service.domain.post import Post
from service.domain.verdict import Verdict, VerdictFilter
from service.storage.database import driver_url
from service.storage.migrate import current, upgrade
from service.storage.schema import METADATA
from service.storage.tables.records import JUDGEMENTS, row_key
from tests.factories import claim_of, posts_of, verdict_of
from tests.fixtures.sql import OpenSql

VERSIONS = Path(__file__).parents[2] / "service/storage/migrations/versions"
HEAD = max(path.name[:4] for path in VERSIONS.glob("[0-9]*.py"))
ALL = VerdictFilter()
SINCE = {"claims", "matches", "cluster"}  # keys that no JSON of 0001 has


def engine_of(url: str) -> Engine:
    return create_engine(driver_url(url, sqlite_driver="sqlite"))


def as_before(verdict: Verdict) -> Verdict:
    """The verdict as far as 0001 knew of it."""
    assert verdict.judgement
    evidence = replace(verdict.judgement.evidence, matches=())
    judgement = replace(verdict.judgement, claims_version="", cluster="", evidence=evidence)
    return replace(verdict, judgement=judgement, ruling=Ruling(Decision.BLOCK, (Category.FRAUD,)))


def old(body: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key not in SINCE}


def rows_of(post: Post, verdict: Verdict) -> dict[str, dict[str, Any]]:
    """The rows by table that release 0001 left of one decided post."""
    assert verdict.judgement
    key, seq, content = row_key(post.key), verdict.sequence, post.content_digest
    judged = {"content_digest": content, "model_version": verdict.model_version}
    return {
        "posts": {
            "key": key,
            "name": post.name,
            "fingerprint": post.fingerprint,
            "body": encode_post(post),
            "accepted_at": 1_700_000_000_000_000 + seq,
            "lease_until": 0,
            "decided_seq": seq,
        },
        "names": {"name": post.name, "key": key},
        "judgements": {**judged, "body": old(encode_judgement(verdict.judgement)), "created_at": 1},
        "verdicts": {
            **judged,
            "seq": seq,
            "key": key,
            "surface": verdict.surface,
            "decision": verdict.decision,
            "decided_at": 1_700_000_000_000_000 + seq,
            "body": old(encode_verdict(verdict)),
        },
        "verdict_categories": {"category": Category.FRAUD, "seq": seq},
    }


def fill(connection: Connection, posts: list[Post], verdicts: list[Verdict]) -> None:
    """Insert into the tables as they stand in the database."""
    tables = MetaData()
    tables.reflect(connection)
    for post, verdict in zip(posts, verdicts, strict=True):
        for table, row in rows_of(post, verdict).items():
            connection.execute(tables.tables[table].insert().values(row))
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT setval(pg_get_serial_sequence('verdicts', 'seq'), {len(posts)})"))


class TestMigrations:
    def test_from_empty_to_head_and_again(self, empty_sql_url: str) -> None:
        assert current(empty_sql_url) is None
        upgrade(empty_sql_url)
        assert current(empty_sql_url) == HEAD
        upgrade(empty_sql_url)
        assert current(empty_sql_url) == HEAD

    def test_processes_that_start_together_migrate_once(self, empty_sql_url: str) -> None:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(upgrade, [empty_sql_url] * 4))
        assert current(empty_sql_url) == HEAD

    def test_tables_and_migrations_agree(self, sql_url: str) -> None:
        engine = engine_of(sql_url)
        with engine.connect() as connection:
            missing = compare_metadata(MigrationContext.configure(connection), METADATA)
            assert not missing, f"service/storage/migrations/versions lacks, or has beyond the tables: {missing}"
            judged = inspect(connection).get_pk_constraint("judgements")  # keys are not compared above
            assert judged["constrained_columns"] == [each.name for each in JUDGEMENTS.primary_key]
        engine.dispose()

    async def test_what_the_release_before_recorded_is_all_there(
        self,
        empty_sql_url: str,
        open_sql: OpenSql,
    ) -> None:
        posts = posts_of(20)
        verdicts = [as_before(verdict_of(post, sequence=n)) for n, post in enumerate(posts[:19], 1)]
        upgrade(empty_sql_url, "0001")
        engine = engine_of(empty_sql_url)
        with engine.begin() as connection:
            fill(connection, posts[:19], verdicts)
        engine.dispose()
        upgrade(empty_sql_url)
        store = await open_sql(empty_sql_url)
        assert await store.page(ALL, before=None, limit=100) == verdicts[::-1]
        assert await store.page(VerdictFilter(categories=(Category.FRAUD,)), before=None, limit=100) == verdicts[::-1]
        assert await store.find([post.key for post in posts]) == [*verdicts, None]
        assert await store.posts([post.key for post in posts]) == [*posts[:19], None]
        digests = [post.content_digest for post in posts[:19]]
        assert await store.judgements(digests, verdicts[0].judged_by) == [each.judgement for each in verdicts]
        [fresh] = await store.record(posts[19:], [verdict_of(posts[19])])
        assert fresh.sequence == 20
        assert await store.latest(posts[0].name) == verdicts[0]
        claims = SqlClaims.beside(store)
        assert (await claims.claim_set()).version == ""
        await claims.put([claim_of()])
        assert len((await claims.claim_set()).records) == 1
