"""The local executor: threads and processes."""
