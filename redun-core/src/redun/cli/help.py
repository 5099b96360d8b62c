"""`redun help`: the same texts as `--help`, and the one list that includes the commands of plugins."""

from __future__ import annotations

import click

from redun.cli.root import plugin_commands, root


@click.command("help")
@click.argument("command", required=False)
@click.option("--all", "with_plugins", is_flag=True, help="List the commands of plugins as well.")
@click.pass_context
def show_help(ctx: click.Context, command: str | None, with_plugins: bool) -> None:
    """Show help for redun, or for one command."""
    top = ctx.find_root()
    if command is not None:
        name, found, _ = root.resolve_command(top, [command])
        assert found is not None
        found.make_context(name, ["--help"], parent=top)
        return
    click.echo(root.get_help(top))
    if with_plugins:
        formatter = top.make_formatter()
        with formatter.section("Commands of plugins"):
            rows = [(name, found.get_short_help_str()) for name, found in sorted(plugin_commands().items())]
            formatter.write_dl(rows or [("(none)", "")])
        click.echo("\n" + formatter.getvalue().rstrip("\n"))
