"""Runs migrations on the connection that `service.storage.migrate` passes, in its transaction."""

from alembic import context

from service.storage.schema import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
context.run_migrations()
