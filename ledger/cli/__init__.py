"""The `ledger` command: finds its commands by name and reports every refusal as one line."""

from importlib import import_module

import click

from ledger import __version__
from ledger.errors import LedgerError, SettingsError
from ledger.storage.database_errors import silence

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
        except LedgerError as error:
            click.echo(f"error: {error} ({error.code})", err=True)
            ctx.exit(2 if isinstance(error, SettingsError) else 1)
        except Exception as error:
            cause = silence(error)
            if cause is None:
                raise
            line = str(getattr(cause, "orig", None) or cause).partition("\n")[0]
            click.echo(f"error: the database did not do it: {line} (unavailable)", err=True)
            ctx.exit(1)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="ledger")
def cli() -> None:
    """Keep every payment notification as evidence, and answer years later what was known."""
