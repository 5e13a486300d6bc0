"""Shops and their keys, read from the shops file: which key may verify which notification."""

import os
import stat
import tomllib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from marshmallow import INCLUDE, Schema, ValidationError, fields, validate

from ledger.errors import SettingsError
from ledger.ipn.asking_access import AskingAccess, AskingSchema, asking_access
from ledger.ipn.modes import MODES, Mode
from ledger.ipn.shop_secrets import (
    SecretSchema,
    fingerprint,
    secret_of,
    tables_with_secrets,
)
from ledger.ipn.shops_file_mistakes import mistakes, nearest

FORM_HMAC = "form-hmac-sha256"
FORM_SHA1 = "form-sha1"
REST_PASSWORD = "rest-password"  # noqa: S105  the name of a kind of key, not a key
REST_BROWSER = "rest-hmac"
KINDS = (FORM_HMAC, FORM_SHA1, REST_PASSWORD, REST_BROWSER)

_ID = "must be 8 or 9 digits"
_KIND = f"must be one of {', '.join(KINDS)}"
_EXPOSED = "{0} holds keys and others can read it: chmod 600 {0}"


@dataclass(frozen=True)
class Key:
    """A shop's signing secret for one mode and one scheme; never printed, never logged."""

    shop_id: str
    mode: str
    kind: str
    secret: str = field(repr=False)
    not_before: datetime | None = None
    not_after: datetime | None = None

    @property
    def fingerprint(self) -> str:
        """Return a name of the key that does not reveal it. Shape: 16 lower-case hex digits."""
        return fingerprint(self.shop_id, self.mode, self.kind, self.secret)

    def is_valid_at(self, at: datetime) -> bool:
        """Return True if the key may verify what arrived at this time."""
        after = self.not_before is None or at >= self.not_before
        return after and (self.not_after is None or at < self.not_after)


@dataclass(frozen=True)
class Shop:
    """The merchant account a notification is addressed to.

    Shape: `labels` are columns that the merchant has renamed in the platform's files, each with the
    label that it stands for. `asking` says by what the platform may be asked, in at most each mode.
    """

    id: str
    name: str
    keys: tuple[Key, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    asking: tuple[AskingAccess, ...] = ()


@dataclass(frozen=True)
class Shops:
    """Every configured shop; the keyring of the receiver."""

    shop_by_id: Mapping[str, Shop] = field(default_factory=dict)

    def keys(self, shop_id: str, mode: str, *key_kinds: str, at: datetime) -> list[Key]:
        """Return the keys of a shop and mode, of these kinds, that are valid at this time."""
        keys = self.shop_by_id[shop_id].keys if shop_id in self.shop_by_id else ()
        fitting = (key for key in keys if key.mode == mode and key.kind in key_kinds)
        return [key for key in fitting if key.is_valid_at(at)]

    def keys_of_other_mode(self, shop_id: str, mode: str, *key_kinds: str) -> list[Key]:
        """Return keys of these kinds of the same shop in its other mode: to explain a refusal."""
        keys = self.shop_by_id[shop_id].keys
        return [key for key in keys if key.kind in key_kinds and key.mode != mode]

    def others_as(self, shop_id: str, mode: str) -> "Shops":
        """Return a keyring in which this shop and mode has the keys of all other shops instead.

        What it verifies was signed for another shop: to explain a refusal to whoever looks at it.
        """
        keys = [
            replace(key, shop_id=shop_id, mode=mode, not_before=None, not_after=None)
            for key in self._all_keys()
            if key.shop_id != shop_id and key.kind != REST_BROWSER
        ]
        return Shops({shop_id: Shop(shop_id, "", tuple(keys))})

    def valid_at(self, *instants: datetime) -> "Shops":
        """Return the shops with the keys that are valid at one of these instants, then always.

        What waited in quarantine may be verified by the key of its day or by today's.
        """
        shop_by_id = {}
        for id_, shop in self.shop_by_id.items():
            keys = (key for key in shop.keys if any(map(key.is_valid_at, instants)))
            unlimited = tuple(replace(key, not_before=None, not_after=None) for key in keys)
            shop_by_id[id_] = replace(shop, keys=unlimited)
        return Shops(shop_by_id)

    def key_by_fingerprint(self, fingerprint: str) -> Key | None:
        """Return the key that verified something earlier; None when it has left the shops file."""
        return next((key for key in self._all_keys() if key.fingerprint == fingerprint), None)

    def asking(self, shop_id: str, mode: str) -> AskingAccess | None:
        """Return by what the platform may be asked about a shop and mode; None: not at all."""
        shop = self.shop_by_id.get(shop_id)
        accesses = shop.asking if shop is not None else ()
        return next((each for each in accesses if each.mode == mode), None)

    def _all_keys(self) -> list[Key]:
        return [key for shop in self.shop_by_id.values() for key in shop.keys]


def _in_utc(instant: Any) -> datetime:
    if not isinstance(instant, datetime) or not instant.tzinfo:
        raise ValidationError("must be a date-time with an offset, as 2026-01-01T00:00:00Z")
    return instant.astimezone(UTC)


def _check_distinct(shop_tables: list[dict[str, Any]]) -> None:
    counts = Counter(table["id"] for table in shop_tables)
    if twice := ", ".join(id_ for id_, count in counts.items() if count > 1):
        raise ValidationError(f"hold {twice} more than once")


def _check_one_a_mode(tables: list[dict[str, Any]]) -> None:
    if len({table["mode"] for table in tables}) < len(tables):
        raise ValidationError("holds a mode more than once")


class _KeySchema(SecretSchema):
    kind = fields.String(required=True, validate=validate.OneOf(KINDS, error=_KIND))
    not_before = fields.Function(deserialize=_in_utc)
    not_after = fields.Function(deserialize=_in_utc)


class _LabelSchema(Schema):
    label = fields.String(required=True, validate=validate.Length(min=1))
    means = fields.String(required=True, validate=validate.Length(min=1))


class _ShopSchema(Schema):
    id = fields.String(required=True, validate=validate.Regexp(r"^[0-9]{8,9}\Z", error=_ID))
    name = fields.String(load_default="")
    keys = fields.List(fields.Nested(_KeySchema), load_default=list)
    labels = fields.List(fields.Nested(_LabelSchema), load_default=list)
    asking = fields.List(fields.Nested(AskingSchema), load_default=list, validate=_check_one_a_mode)


class _ShopsSchema(Schema):
    shops = fields.List(fields.Nested(_ShopSchema), required=True, validate=_check_distinct)


_NAMES = {
    "file": ("shops",),
    "shop": tuple(_ShopSchema().fields),
    "key": tuple(_KeySchema().fields),
    "label": tuple(_LabelSchema().fields),
    "asking": tuple(AskingSchema().fields),
    "mode": MODES,
    "kind": KINDS,
}


def read_shops(path: Path, environ: Mapping[str, str]) -> Shops:
    """Read the shops file. Errors: SettingsError names the shop and the field, never a secret."""
    shop_tables = _read(path)
    shops = [
        Shop(
            shop_fields["id"],
            shop_fields["name"],
            tuple(
                _key(shop_fields["id"], number, each, path, environ)
                for number, each in enumerate(shop_fields["keys"], start=1)
            ),
            tuple((each["label"], each["means"]) for each in shop_fields["labels"]),
            tuple(
                asking_access(shop_fields["id"], number, each, path, environ)
                for number, each in enumerate(shop_fields["asking"], start=1)
            ),
        )
        for shop_fields in shop_tables
    ]
    modes = {each.mode for shop in shops for each in shop.keys}
    modes |= {each.mode for shop in shops for each in shop.asking}
    if Mode.PRODUCTION in modes:
        for sentence in _exposed(path, shop_tables):
            raise SettingsError(sentence)
    return Shops({shop.id: shop for shop in shops})


def exposed_files(path: Path) -> list[str]:
    """Return a sentence for each file with keys that others on this machine can read or change.

    Errors: SettingsError when the shops file cannot be read.
    """
    return _exposed(path, _read(path))


def _exposed(path: Path, shop_tables: list[dict[str, Any]]) -> list[str]:
    tables = list(tables_with_secrets(shop_tables))
    files = [path] if any("secret" in table for table in tables) else []
    files += [path.parent / each["secret_file"] for each in tables if "secret_file" in each]
    by_others = stat.S_IRGRP | stat.S_IROTH | stat.S_IWGRP | stat.S_IWOTH
    return [
        _EXPOSED.format(file)
        for file in files
        if os.name == "posix" and file.stat().st_mode & by_others
    ]


def variables_of_keys(path: Path) -> set[str]:
    """Return the names of the environment variables that a shops file takes keys from.

    Errors: SettingsError when it cannot be read.
    """
    tables = tables_with_secrets(_read(path))
    return {table["secret_env"] for table in tables if "secret_env" in table}


def _read(path: Path) -> list[dict[str, Any]]:
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"the shops file {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:  # no TOML, or no UTF-8
        raise SettingsError(f"the shops file {path} cannot be read: {error}") from error
    lines = [f"unknown table `{name}`{meant}" for name in data if (meant := _table_meant(name))]
    try:
        if not lines:
            shop_tables: list[dict[str, Any]] = _ShopsSchema(unknown=INCLUDE).load(data)["shops"]
            return shop_tables
    except ValidationError as error:
        lines = mistakes(error.messages, data, _NAMES)
    refusal = SettingsError(f"the shops file {path}: {lines[0]}")
    for line in lines[1:]:
        refusal.add_note(f"the shops file {path}: {line}")
    raise refusal


def _table_meant(name: str) -> str:
    return "" if name == "shops" else nearest(name, ("shops",))


def _key(
    shop_id: str, number: int, key_fields: dict[str, Any], path: Path, environ: Mapping[str, str]
) -> Key:
    secret = secret_of(key_fields, f"shop {shop_id}, key {number}", path, environ)
    mode, kind = key_fields["mode"].value, key_fields["kind"]
    not_before, not_after = key_fields.get("not_before"), key_fields.get("not_after")
    return Key(shop_id, mode, kind, secret, not_before, not_after)
