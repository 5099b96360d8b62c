"""What a run does with the repository: records batches and looks things up, on the database driver itself.

Nothing here imports SQLAlchemy: a run that finds its repository up to date does without it.
"""
