"""Commands whose help shows examples and the variables of the environment that they read."""

from collections.abc import Sequence
from typing import Any

import click

_MEANINGS = {
    "LEDGER_DATABASE_URL": "The database.  [default: sqlite:///var/ledger.sqlite]",
    "LEDGER_SHOPS_FILE": "The file of the shops and their keys.",
    "LEDGER_MASTER_KEYS_FILE": "The master keys.  [default with SQLite: beside the database]",
    "LEDGER_LOG_KEY_FILE": "The key of the log.  [default with SQLite: beside the database]",
    "LEDGER_TSA_URL": "The time stamping authority.  [default: none]",
    "LEDGER_TSA_CERTIFICATES_FILE": "Its certificates, up to its root.",
    "LEDGER_RETENTION": "How long what is about people is kept.",
    "LEDGER_PUBLISH_TO": "The destination, where none is given.",
    "LEDGER_PUBLISH_SECRET": "Signs webhooks: whsec_...; two while one replaces another.",
    "LEDGER_TOKEN": "A token of the query API.",
    "LEDGER_SECRET_KEY": "Signs the sessions of the pages; without it there are no pages.",
    "LEDGER_ALERT_MAIL_TO": "Who is told by mail.",
    "LEDGER_ALERT_SMTP_URL": "The mail server for that.",
    "LEDGER_ALERT_WEBHOOK_URL": "What is told by webhook.",
    "LEDGER_ALERT_WEBHOOK_SECRET": "Signs the webhooks.",
    "LEDGER_ALLOWED_SOURCES": "The address ranges that the platform calls from.",
}
DATABASE = ("LEDGER_DATABASE_URL",)
LEDGER = (*DATABASE, "LEDGER_SHOPS_FILE")


class Documented(click.Command):
    """A command with examples and variables. Shape: an example is a whole line for a shell."""

    def __init__(
        self,
        name: str | None,
        *,
        examples: Sequence[str] = (),
        variables: Sequence[str] = (),
        **attributes: Any,
    ) -> None:
        super().__init__(name, **attributes)
        self.examples = tuple(examples)
        self.variables = tuple(variables)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Examples"):
            for example in self.examples:  # on one line each, so that they can be copied
                formatter.write(f"{'':{formatter.current_indent}}{example}\n")
        if self.variables:
            with formatter.section("Environment"):
                formatter.write_dl([(name, _MEANINGS[name]) for name in self.variables])
        super().format_epilog(ctx, formatter)


class DocumentedGroup(click.Group):
    """A group of such commands."""

    command_class = Documented
