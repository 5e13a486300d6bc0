"""Where events, notifications and quarantine are kept: SQLite or PostgreSQL, one set of tables."""
