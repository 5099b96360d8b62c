"""Backends: where executions, results and provenance are kept."""
