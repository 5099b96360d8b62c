"""Questions asked of a backend, and the answers in a shape that can be shown.

What an id names, the tree of an execution's jobs, where a value came from and went, and values made readable without
trusting them.
"""
