"""What stands behind the ports: one file a technology, each with an in-memory twin that passes the same contract."""
