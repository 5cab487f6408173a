"""Policy versions: comparing, backtesting, shadow runs, promotion and rollback."""
