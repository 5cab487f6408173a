"""The base of all stores: database, migrations, tables, the Redis connection."""
