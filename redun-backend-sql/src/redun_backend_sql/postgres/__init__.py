"""The repository in a PostgreSQL database. Needs the extra `postgres`; imported for `postgresql://` only."""
