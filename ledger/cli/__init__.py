"""The `ledger` command: finds its commands by name and reports every failure as one line."""

import os
from importlib import import_module

import click

from ledger import __version__

_COMMANDS = (
    *("serve", "migrate", "check", "simulate", "history", "notifications", "confirm", "receive"),
    *("rebuild", "projections", "export", "verify", "token", "user"),
)


class Commands(click.Group):
    """Loads a command only when it is called, so that none waits for the code of another."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"ledger.cli.{cmd_name}"), cmd_name)
        return command

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.Abort, click.exceptions.Exit, BrokenPipeError):
            raise  # click's own, which it answers itself
        except Exception as error:  # noqa: BLE001  the last resort of whoever typed a command
            from ledger.cli.failures import report

            ctx.exit(report(error, os.environ))


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="ledger")
def cli() -> None:
    """Keep every payment notification as evidence, and answer years later what was known."""
