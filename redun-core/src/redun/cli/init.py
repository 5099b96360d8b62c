"""`redun init`: a configuration directory with its repository."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from redun.cli.app import open_repository

if TYPE_CHECKING:
    from redun.cli.app import App


@click.command()
@click.argument("directory", required=False, type=click.Path(file_okay=False, path_type=Path))
@click.pass_obj
def init(app: App, directory: Path | None) -> None:
    """Create a configuration directory and its repository.

    DIRECTORY is where to create `.redun`. Without it, the directory of --config is created, or that of REDUN_CONFIG, or
    `.redun` here.
    """
    from redun.config.build import make_backend
    from redun.config.discovery import REDUN_CONFIG_DIR, find_config_dir, load_config

    app.start_logging()
    config_dir = find_config_dir(directory / REDUN_CONFIG_DIR if directory is not None else app.config_option)
    backend = make_backend(load_config(config_dir))
    try:
        open_repository(backend, migrate=True)
    finally:
        backend.close()
    click.echo(f"Initialized redun repository: {config_dir}")
