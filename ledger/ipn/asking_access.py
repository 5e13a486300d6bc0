"""Whether and how the platform may be asked about a shop: a choice of its own in the shops file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from marshmallow import fields, validate

from ledger.ipn.shop_secrets import SecretSchema, fingerprint, secret_of

SECONDS_BETWEEN = 60
"""Between two questions about one shop. Source: delivery reference, 13."""

REQUESTS_A_DAY = 500
_HOST = r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?(:[0-9]{1,5})?\Z"


@dataclass(frozen=True, slots=True)
class AskingAccess:
    """By what the platform may be asked about one shop and mode.

    Shape: `host` is a name, with a port if that is another than 443; the password can do more than
    read, and is never printed. `is_in_service` says that a running service asks by itself.
    `authorities_file` holds the certificates that are trusted instead of the usual ones, in PEM.
    """

    shop_id: str
    mode: str
    host: str
    password: str = field(repr=False)
    is_in_service: bool = False
    requests_a_day: int = REQUESTS_A_DAY
    seconds_between: int = SECONDS_BETWEEN
    authorities_file: Path | None = None

    @property
    def fingerprint(self) -> str:
        """Return a name of the password that does not reveal it."""
        return fingerprint(self.shop_id, self.mode, "rest-password", self.password)


class AskingSchema(SecretSchema):
    """The table `[[shops.asking]]`."""

    host = fields.String(
        required=True,
        validate=validate.Regexp(
            _HOST,
            error="must be the name of a machine alone, as api.payzen.eu: it is called by https",
        ),
    )
    in_service = fields.Boolean(load_default=False)
    requests_a_day = fields.Integer(
        load_default=REQUESTS_A_DAY, validate=validate.Range(1, 1440, error="must be 1 to 1440")
    )
    seconds_between = fields.Integer(
        load_default=SECONDS_BETWEEN, validate=validate.Range(1, 3600, error="must be 1 to 3600")
    )
    authorities_file = fields.String()


def asking_access(
    shop_id: str, number: int, table: Mapping[str, Any], path: Path, environ: Mapping[str, str]
) -> AskingAccess:
    """Read one such table. Errors: SettingsError."""
    authorities = table.get("authorities_file")
    return AskingAccess(
        shop_id,
        table["mode"].value,
        table["host"].lower(),
        secret_of(table, f"shop {shop_id}, asking {number}", path, environ),
        is_in_service=table["in_service"],
        requests_a_day=table["requests_a_day"],
        seconds_between=table["seconds_between"],
        authorities_file=None if authorities is None else path.parent / authorities,
    )
