"""`redun config`: what is in effect, what is wrong with it, and what could be written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from redun.config.report import SectionReport

EXIT_WRONG_CONFIGURATION = 2


@click.group()
def config() -> None:
    """Show or check the configuration."""


@config.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def show(ctx: click.Context, as_json: bool) -> None:
    """Show every option in effect and where it comes from. Secrets are masked."""
    from redun.config.report import effective_sections

    loaded = ctx.obj.load_config()
    sections = effective_sections(loaded)
    if as_json:
        import json

        content = {
            section.name: {one.name: {"value": one.value, "origin": one.origin} for one in section.options}
            for section in sections
        }
        click.echo(json.dumps({"config_dir": loaded.configdir, "sections": content}, indent=2))
        return
    click.echo(f"# Configuration directory: {loaded.configdir}")
    for section in sections:
        click.echo(_section_text(section))


def _section_text(section: SectionReport) -> str:
    lines = ["", f"[{section.name}]"]
    lines += [f"# {line}" for line in section.note.splitlines()]
    for option in section.options:
        if option.value is None:
            lines.append(f"# {option.name}    ({option.origin})")
        else:
            # A value of several lines goes on in deeper lines, as it does in the file.
            value = option.value.replace("\n", "\n    ")
            lines.append(f"{option.name} = {value}    ({option.origin})")
    return "\n".join(lines)


@config.command()
@click.pass_context
def check(ctx: click.Context) -> None:
    """Find everything that is wrong with the configuration. The exit code is 2 when there are errors."""
    from redun.config.check import Problem, find_problems
    from redun.errors import ConfigError

    try:
        loaded = ctx.obj.load_config()
        problems = find_problems(loaded)
        where = loaded.configdir
    except ConfigError as error:
        problems = [Problem(True, line) for line in str(error).splitlines()]
        where = ""
    for problem in problems:
        click.echo(f"{'error' if problem.is_error else 'warning'}: {problem.message}", err=True)
    errors = sum(problem.is_error for problem in problems)
    if errors:
        click.echo(f"{errors} error{'s' if errors > 1 else ''} found.", err=True)
        ctx.exit(EXIT_WRONG_CONFIGURATION)
    click.echo(f"{where}: no errors.")


@config.command()
def schema() -> None:
    """Print a JSON Schema of the configuration, for the plugins that are installed."""
    import json

    from redun.config.report import json_schema

    click.echo(json.dumps(json_schema(), indent=2))
