"""Installs plugins that nobody uses: what each one would be if a stranger had written it."""

from __future__ import annotations

from pathlib import Path

PLUGIN = '''"""What redun learns about this package."""

from __future__ import annotations

from redun.plugins import ExecutorType, hookimpl

REDUN_PLUGIN_API = (1, 0)


@hookimpl
def redun_register_executors() -> list[ExecutorType]:
    """One type of executor."""
    return [ExecutorType("NAME", "NAME.executor:Dummy", settings="NAME.settings:Settings", summary="Does nothing")]
'''


def install_plugins(folder: Path, count: int) -> None:
    """Put so many distributions into a folder, as an installer would leave them there."""
    for number in range(count):
        name = f"redun_dummy_{number}"
        package = folder / name
        package.mkdir(parents=True)
        (package / "__init__.py").write_text('"""A plugin that nobody uses."""\n')
        (package / "plugin.py").write_text(PLUGIN.replace("NAME", name))
        metadata = folder / f"{name}-1.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text(f"[redun]\n{name} = {name}.plugin\n")
