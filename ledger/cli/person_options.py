"""The options by which a person is found: the same for whatever is done with what was found."""

from functools import wraps
from typing import Any

import click

from ledger.cli.options import DAY, Command, mode_option, shop_id_option


def person_options(command: Command) -> Command:
    """Give a command the options that say who is to be found, and hand it `identifiers`."""

    @wraps(command)
    def run(**options: Any) -> Any:
        from ledger.privacy.identifiers import Identifiers

        texts = {name: options.pop(name) for name, *_ in _OPTIONS}
        return command(identifiers=Identifiers(**texts), **options)

    with_options: Any = run
    for name, flag, meaning, attributes in reversed(_OPTIONS):
        more = {"multiple": True, **attributes}
        with_options = click.option(flag, name, help=meaning, **more)(with_options)
    with_options = mode_option(required=True, help="Of this mode.")(with_options)
    return shop_id_option("Of this shop.", required=True)(with_options)  # type: ignore[no-any-return]


_OPTIONS: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
    ("emails", "--email", "An e-mail address, in any case.", {}),
    ("phones", "--phone", "A phone number, however it is displayed.", {}),
    ("customers", "--customer", "The merchant's reference of the customer.", {}),
    ("card_end", "--card-end", "The last four digits of a card.", {"multiple": False}),
    (
        "amounts",
        "--amount",
        "An amount that was paid by the card, and its currency.",
        {"nargs": 2, "type": str, "metavar": "AMOUNT CURRENCY"},
    ),
    ("days", "--day", "A day (UTC) on which the card was used.", {"type": DAY}),
    ("orders", "--order", "The merchant's order.", {}),
    ("aliases", "--alias", "A stored means of payment.", {}),
    ("transaction_names", "--transaction", "The uuid of a transaction, or its reference.", {}),
)
