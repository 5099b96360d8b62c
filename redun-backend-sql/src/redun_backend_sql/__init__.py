"""The repository in SQLite or PostgreSQL."""
