"""How the commands of `ledger privacy` that erase, hold, expire and certify are called."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import click

from ledger.cli.documented import DATABASE, LEDGER, Documented
from ledger.cli.options import INSTANT, mode_option, shop_id_option

_FILE = click.Path(dir_okay=False, path_type=Path)
_ERASING = (*LEDGER, "LEDGER_MASTER_KEYS_FILE", "LEDGER_LOG_KEY_FILE")
_UUID = "6c7c2a4b0f6e4d0f8a6a5b1c2d3e4f50"
_ID = "01JNZ8T4Q2V7M3K5X9C6B0D1EF"


_Decorator = Callable[[Callable[..., None]], Callable[..., None]]


def _named(name: str, parameter: str, meaning: str) -> _Decorator:
    return click.option(f"--{name}", parameter, multiple=True, help=f"{meaning}; several times.")


@click.command(
    cls=Documented,
    short_help="Erase what deliveries say about a person, for ever.",
    variables=_ERASING,
    examples=(
        "ledger privacy erase --email jo@example.org --shop-id 12345678 --mode test"
        " --reason art17 --dry-run",
        f"ledger privacy erase --transaction {_UUID} --shop-id 12345678 --mode test"
        " --reason art17 --dry-run",
        f"ledger privacy erase --order CMD-2026-0001 --except {_ID} --shop-id 12345678 --mode test"
        " --reason art17",
    ),
)
@_named("email", "emails", "All that holds this e-mail address")
@_named("phone", "phones", "All that holds this phone number")
@_named("customer", "customers", "All of this customer, by the merchant's reference")
@_named("transaction", "references", "A transaction, by uuid or reference")
@_named("order", "orders", "All transactions of an order")
@_named("alias", "aliases", "An alias, and all transactions with it")
@_named("subscription", "subscriptions", "A subscription, and all its transactions")
@_named("delivery", "delivery_ids", "One delivery, by its id")
@_named("except", "excepted", "A delivery that is left out")
@shop_id_option("Shop id.", required=True)
@mode_option(required=True, help="Mode of what is named.")
@click.option("--reason", required=True, help="Why; it stands in the log for ever: name nobody.")
@click.option("--dry-run", is_flag=True, help="Only show what would be erased.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def erase(
    *, shop_id: str, mode: str, reason: str, dry_run: bool, yes: bool, **names: tuple[str, ...]
) -> None:
    """Erase what deliveries say about a person, for ever.

    Raw bodies go, and all that events say beside facts and harmless details. Each delivery is
    verified once more before; the log says what was meant, and what was done. An erasure that was
    cut off is finished by the next call. It exits 1 when something is held.
    """
    from ledger.cli.erasures import erase_by_names
    from ledger.privacy.identifiers import Identifiers
    from ledger.privacy.selection import Names

    if not any(ids for name, ids in names.items() if name != "excepted"):
        raise click.UsageError("name what is to be erased, as by --email or --transaction")
    persons = Identifiers(
        emails=names.pop("emails"), phones=names.pop("phones"), customers=names.pop("customers")
    )
    erase_by_names(
        shop_id,
        mode,
        Names(**names),
        persons if persons.emails or persons.phones or persons.customers else None,
        reason=reason.strip(),
        is_dry_run=dry_run,
        is_agreed=yes,
    )


@click.group(cls=click.Group, short_help="Hold what must not be erased.")
def hold() -> None:
    """Hold what must neither be erased nor expire."""


@hold.command(
    cls=Documented,
    short_help="Hold a transaction.",
    variables=DATABASE,
    examples=(
        f"ledger privacy hold transaction {_UUID} --shop-id 12345678 --mode test"
        " --until 2027-12-31 --reason 'lawsuit 12/2026'",
    ),
)
@click.argument("reference", metavar="UUID")
@shop_id_option("Shop id.", required=True)
@mode_option(required=True, help="Mode of the transaction.")
@click.option("--until", type=INSTANT, help="Until when (ISO 8601).  [default: its release]")
@click.option("--reason", required=True, help="Why; shown where it stops an erasure.")
def transaction(
    reference: str, shop_id: str, mode: str, until: datetime | None, reason: str
) -> None:
    """Hold a transaction (uuid or reference): nothing of it is erased, and nothing expires.

    The command prints the id of the hold.
    """
    from ledger.cli.erasures import hold_transaction

    hold_transaction(shop_id, mode, reference, until=until, reason=reason.strip())


@click.command(
    cls=Documented,
    short_help="Release what a hold keeps.",
    variables=DATABASE,
    examples=(f"ledger privacy release {_ID}",),
)
@click.argument("hold_id", metavar="ID")
def release(hold_id: str) -> None:
    """Release what a hold keeps."""
    from ledger.cli.erasures import release_transaction

    release_transaction(hold_id)


@click.command(
    cls=Documented,
    short_help="List what is held.",
    variables=DATABASE,
    examples=("ledger privacy holds",),
)
def holds() -> None:
    """List what is held now."""
    from ledger.cli.erasures import print_holds

    print_holds()


@click.command(
    cls=Documented,
    short_help="Destroy what has outlived its time.",
    variables=(*DATABASE, "LEDGER_RETENTION", "LEDGER_MASTER_KEYS_FILE", "LEDGER_LOG_KEY_FILE"),
    examples=("ledger privacy expire --dry-run", "ledger privacy expire"),
)
@click.option("--dry-run", is_flag=True, help="Only count it.")
def expire(dry_run: bool) -> None:
    """Destroy what has outlived its time, but for what is held; run it once a day.

    The command prints how many raw bodies, personal parts, quarantined deliveries, addresses of
    readers and lines of the access log there were.
    """
    from ledger.cli.erasures import expire_by_age

    expire_by_age(is_dry_run=dry_run)


@click.command(
    cls=Documented,
    short_help="Print the signed certificate of an erasure.",
    variables=(*DATABASE, "LEDGER_LOG_KEY_FILE"),
    examples=(
        f"ledger privacy certificate {_ID} > {_ID}.certificate",
        f"ledger privacy certificate {_ID} --text",
    ),
)
@click.argument("erasure_id", metavar="ID")
@click.option("--text", "is_printable", is_flag=True, help="In words, for paper; not signed.")
def certificate(erasure_id: str, is_printable: bool) -> None:
    """Print the certificate of an erasure: JSON, signed by the key of the log. It names nobody.

    Keep it where no copy of the database is: after a restore it says what to erase again.
    """
    from ledger.cli.erasures import print_certificate

    print_certificate(erasure_id, is_printable=is_printable)


@click.command(
    cls=Documented,
    short_help="Erase again, after a restore, what certificates name.",
    variables=_ERASING,
    examples=(f"ledger privacy replay {_ID}.certificate",),
)
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=_FILE)
@click.option("--yes", is_flag=True, help="Do not ask.")
def replay(files: tuple[Path, ...], yes: bool) -> None:
    """Erase again, after a restore, what the certificates of erasures name.

    A copy of the database from before an erasure brings back what was erased. Nothing happens where
    nothing of it is left.
    """
    from ledger.cli.erasures import replay_certificates

    replay_certificates(files, is_agreed=yes)


COMMANDS = (erase, hold, release, holds, expire, certificate, replay)
