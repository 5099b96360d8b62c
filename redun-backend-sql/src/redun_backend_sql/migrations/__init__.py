"""The history of the schema, for Alembic. `versions` holds one file a revision; `run` runs them."""
