"""`redun log`: what the repository knows about executions, jobs, tasks, values and files.

Each kind of thing has a module with its text form (`lines`) and its form for programs (`data`). Both are read page by
page, so that the first lines appear at once however large an execution was.
"""

from redun.cli.log.command import log

__all__ = ["log"]
