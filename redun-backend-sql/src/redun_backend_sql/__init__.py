"""The repository in a SQL database: a SQLite file. PostgreSQL is planned, and not there yet."""
