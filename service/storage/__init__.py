"""The ground that stores stand on: database, migrations, tables, the Redis connection."""
