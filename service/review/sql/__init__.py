"""Cases, decisions and appeals, in SQL."""
