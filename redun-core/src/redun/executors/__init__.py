"""Executors: where the bodies of tasks run."""
