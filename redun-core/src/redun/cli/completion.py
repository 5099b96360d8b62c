"""`redun completion`: the script that teaches a shell to complete redun's commands and options."""

from __future__ import annotations

import click

_INSTRUCTIONS = {
    "bash": '# Put this line into ~/.bashrc:  eval "$(redun completion bash)"',
    "zsh": '# Put this line into ~/.zshrc:  eval "$(redun completion zsh)"',
    "fish": "# Run once:  redun completion fish > ~/.config/fish/completions/redun.fish",
}


@click.command()
@click.argument("shell", type=click.Choice(list(_INSTRUCTIONS)))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print a script for shell completion. Its first line says where to put it."""
    from click.shell_completion import get_completion_class

    completion_class = get_completion_class(shell)
    assert completion_class is not None
    top = ctx.find_root()
    script = completion_class(top.command, {}, "redun", "_REDUN_COMPLETE").source()
    click.echo(f"{_INSTRUCTIONS[shell]}\n{script}")
