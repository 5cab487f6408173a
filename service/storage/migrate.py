"""Brings the record store's tables up to this release. Needs no alembic.ini: the scripts are next to this file."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, create_engine, event, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry, NullPool

from service.errors import StoreUnavailable
from service.storage.database import answering, begin_immediate, driver_url, prepare_sqlite

_SCRIPTS = Path(__file__).with_name("migrations")


def upgrade(url: str, revision: str = "head") -> None:
    """Apply every migration up to `revision` that the database at `url` lacks, all or none; one process at a time.

    Raises `InvalidInput` for an unsupported URL and `StoreUnavailable` when the database does not answer.
    """
    with _transaction(url) as connection:
        command.upgrade(_config(connection), revision)


def current(url: str) -> str | None:
    """The revision of the database at `url`; None when it was never migrated. Raises as `upgrade`."""
    with _transaction(url) as connection:
        return MigrationContext.configure(connection).get_current_revision()


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


@contextmanager
def _transaction(url: str) -> Iterator[Connection]:
    engine = create_engine(driver_url(url, sqlite_driver="sqlite"), poolclass=NullPool)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", prepare_sqlite)
        event.listen(engine, "connect", _unbind)
        event.listen(engine, "begin", begin_immediate)
    with answering(), engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('assay.migrations', 0))"))
        yield connection
        if engine.dialect.name == "sqlite" and (left := connection.execute(text("PRAGMA foreign_key_check")).first()):
            raise StoreUnavailable(
                f"the migration would leave a row of {left[0]} that refers to nothing; nothing is done"
            )


def _unbind(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    """Allow tables to be copied, which is how SQLite changes them; foreign keys are checked before the commit."""
    connection.cursor().execute("PRAGMA foreign_keys = OFF")
