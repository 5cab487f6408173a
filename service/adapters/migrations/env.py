"""Runs migrations on the connection that `service.adapters.migrate` hands over, in its transaction."""

from alembic import context

from service.adapters.sql_schema import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
context.run_migrations()
