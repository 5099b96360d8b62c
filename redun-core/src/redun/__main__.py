"""`python -m redun`: the same as the `redun` command."""

from __future__ import annotations

from redun.cli import main

if __name__ == "__main__":
    main()
