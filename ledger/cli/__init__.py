"""The `ledger` command: finds its commands by name and reports every failure as one line."""

import os
import sys
from importlib import import_module
from keyword import iskeyword

import click
from click.shell_completion import CompletionItem

from ledger import __version__

AS_JSON = "ledger.as_json"
"""Under this name a command leaves word in its context that a machine reads what it prints."""

SHORT_HELPS = {
    "serve": "Run the service: receiver, query API and pages.",
    "migrate": "Bring the tables of the database to their newest shape.",
    "check": "Check settings, shops, keys and database; change nothing.",
    "simulate": "Send signed, synthetic notifications to a running service.",
    "history": "Show the history of a transaction, alias or subscription.",
    "notifications": "List notifications, show them and readmit them.",
    "confirm": "Vouch for a transaction that only doubtful forms reported.",
    "receive": "Take in calls that an older endpoint kept in files.",
    "rebuild": "Rebuild read models beside the live ones, then switch.",
    "projections": "Show, compare and prune the generations of read models.",
    "export": "Write events, transactions, notifications or settlements to a file.",
    "publish": "Publish every event to a stream of NATS or Redis, or by webhook.",
    "destinations": "List where events are published to, replay and enable.",
    "import": "Keep journals of the platform, to compare the ledger with.",
    "reconcile": "Compare the ledger with the platform's journals; make a report.",
    "completeness": "Say for which days it is proven that everything was told.",
    "ask": "Ask the platform about what was perhaps never told.",
    "suspects": "List what was probably not told, seen without a file.",
    "drift": "Say what the platform sends otherwise than before.",
    "settlement": "Say which payments are in which remittance to the bank.",
    "verify": "Check what is stored against itself; change nothing.",
    "alerts": "List what operators are told of, and send a message on trial.",
    "proof": "Sign the log of all that came, and prove what stands in it.",
    "privacy": "Find, erase, hold and expire personal data; keep its keys.",
    "backup": "Copy the database to one place and its keys to another.",
    "archive": "Put sealed bodies of old months into files elsewhere.",
    "restore": "Put a backup back, and say what it has lost.",
    "token": "Create, list and revoke tokens of the query API.",
    "user": "Add and list the people who sign in to the pages.",
}
"""Every command, in the order of the help, with what it does: no command is loaded for that."""

_SECTIONS = {
    "First": {
        "ledger serve --demo": "Serves synthetic shops and says what to look at.",
        "ledger COMMAND --help": "Shows examples and the settings that a command reads.",
    },
    "Settings": {
        "LEDGER_...": "All settings are variables; docs/reference/settings.md lists them.",
        "LEDGER_DEBUG": "With 1, a command that fails also says where in the code.",
        "NO_COLOR": "Set to anything, it switches colours off, as `--color never` does.",
    },
    "Output": {
        "on a terminal": "A list is a table with a header row.",
        "in a pipe": "A list has the same columns, separated by tabs, without a header row.",
        "--json": "One thing is one JSON document; a list is JSON Lines, a document a line."
        ' An error is a line {"error": CODE, "message": TEXT} on standard error.',
    },
    "Exit codes": {
        "0": "The command did what it was called for.",
        "1": "Something was refused, was not found or differs.",
        "2": "A setting, a file, the database or the command line is wrong.",
        "141": "The reader of a pipe has left, as after `| head`.",
    },
    "Completion": {
        "bash": 'eval "$(_LEDGER_COMPLETE=bash_source ledger)"',
        "zsh": 'eval "$(_LEDGER_COMPLETE=zsh_source ledger)"',
        "fish": "_LEDGER_COMPLETE=fish_source ledger | source",
    },
}
"""What the help says below the commands: terms and their sentences, by heading."""

READER_LEFT = 128 + 13
"""The exit code of whatever writes to a pipe that nobody reads: that of a SIGPIPE."""


class Commands(click.Group):
    """Loads a command only when it is called, so that none waits for the code of another."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(SHORT_HELPS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in SHORT_HELPS:
            return None
        name = f"{cmd_name}_" if iskeyword(cmd_name) else cmd_name
        module = import_module(f"ledger.cli.commands.{name}")
        command: click.Command = getattr(module, name)
        return command

    def resolve_command(
        self, ctx: click.Context, command_line: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, command_line)
        except click.exceptions.NoSuchCommand:
            raise click.exceptions.NoSuchCommand(
                command_line[0], possibilities=SHORT_HELPS, ctx=ctx
            ) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(SHORT_HELPS.items()))

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for heading, sentences in _SECTIONS.items():
            with formatter.section(heading):
                formatter.write_dl(list(sentences.items()))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        matches = [name for name in SHORT_HELPS if name.startswith(incomplete)]
        commands = [CompletionItem(name, help=SHORT_HELPS[name]) for name in matches]
        return [*commands, *click.Command.shell_complete(self, ctx, incomplete)]

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            # What is flushed at the very end has nobody to read it either.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            ctx.exit(READER_LEFT)
        except (click.ClickException, click.Abort, click.exceptions.Exit):
            raise  # click's own, which it answers itself
        except Exception as error:  # noqa: BLE001  the last resort of whoever typed a command
            from ledger.cli.failures import report

            ctx.exit(report(error, os.environ, as_json=AS_JSON in ctx.meta))


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="ledger")
@click.option(
    "--color",
    type=click.Choice(["auto", "always", "never"]),
    default="auto",
    show_default=True,
    help="Colour the output; auto does on a terminal, unless NO_COLOR is set.",
)
@click.pass_context
def cli(ctx: click.Context, color: str) -> None:
    """Keep every payment notification as evidence, and answer years later what was known."""
    automatic = False if os.environ.get("NO_COLOR") else None
    ctx.color = {"always": True, "never": False}.get(color, automatic)
