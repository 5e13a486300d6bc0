"""Lists the names that calls were seen to have, and compares those of two shops."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from typing import Any

from sqlalchemy import Connection, Table, select

from ledger.drift.calls import UNREAD
from ledger.drift.catalogue import TYPE, WORD
from ledger.drift.news import DriftRow, within
from ledger.drift.readings import reading_of
from ledger.instants import write_public_instant
from ledger.ipn.modes import Mode
from ledger.storage.drift_tables import SCOPE, drift_kinds, drift_names, drift_values

_Key = tuple[str, ...]


def listed_names(
    connection: Connection, *, shops: Collection[str] | None = None, mode: str | None = None
) -> list[DriftRow]:
    """Return every name of these shops, of all without any, under its public names.

    Shape: by shop, mode, format and name; `share` is that of the calls of the kinds that have it,
    `kinds` says so of each; `values` are the words of a closed set, null of all others.
    """
    calls_by_key = {
        (*_scope(row), row["kind"]): row["call_count"]
        for row in _rows(connection, drift_kinds, shops, mode)
    }
    types_by_name: dict[_Key, list[str]] = defaultdict(list)
    words_by_name: dict[_Key, list[str]] = defaultdict(list)
    for row in _rows(connection, drift_values, shops, mode):
        by_name = {TYPE: types_by_name, WORD: words_by_name}[row["what"]]
        by_name[*_scope(row), row["name"]].append(row["value"])
    rows_by_name: dict[_Key, list[dict[str, Any]]] = defaultdict(list)
    for row in _rows(connection, drift_names, shops, mode):
        rows_by_name[*_scope(row), row["name"]].append(row)
    return [
        _summary(key, of_kinds, calls_by_key)
        | {"types": sorted(types_by_name[key]), "values": sorted(words_by_name[key]) or None}
        for key, of_kinds in sorted(rows_by_name.items())
    ]


def _summary(name_key: _Key, of_kinds: list[dict[str, Any]], totals: dict[_Key, int]) -> DriftRow:
    shop_id, mode, format_name, name = name_key
    first = min(of_kinds, key=lambda row: (row["first_seen_at"], row["first_delivery_id"]))
    kinds = [
        {
            "kind": row["kind"],
            "calls": row["call_count"],
            "of": totals[*name_key[:3], row["kind"]],
        }
        for row in of_kinds
    ]
    count = sum(each["calls"] for each in kinds)
    return {
        "shop_id": shop_id,
        "mode": Mode(mode).public,
        "format": format_name,
        "name": name,
        "reading": str(reading_of(format_name, name)),
        "calls": count,
        "share": round(count / sum(each["of"] for each in kinds), 4),
        "first_seen_at": write_public_instant(first["first_seen_at"]),
        "last_seen_at": write_public_instant(max(row["last_seen_at"] for row in of_kinds)),
        "first_delivery_id": first["first_delivery_id"],
        "kinds": sorted(kinds, key=lambda each: str(each["kind"])),
    }


def differences(
    connection: Connection, shop_id: str, other_shop_id: str, mode: str
) -> list[DriftRow]:
    """Return the names that only one of two shops has, or with other types or words.

    Shape: by format and name; `first` and `second` are what each shop has, null for nothing.
    """
    rows = listed_names(connection, shops={shop_id, other_shop_id}, mode=mode)
    by_shop: dict[str, dict[tuple[str, str], DriftRow]] = {shop_id: {}, other_shop_id: {}}
    for row in rows:
        by_shop[row["shop_id"]][row["format"], row["name"]] = row
    first, second = by_shop[shop_id], by_shop[other_shop_id]
    common = {key[0] for key in first} & {key[0] for key in second}
    return [
        {"format": key[0], "name": key[1], **difference}
        for key in sorted({*first, *second})
        if key[0] in common  # else all of it differs
        for difference in _differences(first.get(key), second.get(key))
    ]


def _differences(own_row: DriftRow | None, other_row: DriftRow | None) -> Iterator[DriftRow]:
    if own_row is None or other_row is None:
        shares = {"first": own_row and own_row["share"], "second": other_row and other_row["share"]}
        yield {"difference": "only-second" if own_row is None else "only-first", **shares}
        return
    for name in ("types", "values"):
        own, other = own_row[name], other_row[name]
        if own != other and own and other:
            yield {"difference": name, "first": own, "second": other}


def count_calls(
    connection: Connection, *, shops: Collection[str] | None = None, mode: str | None = None
) -> tuple[int, int]:
    """Return how many deliveries were read, and how many could not be."""
    read = unread = 0
    for row in _rows(connection, drift_kinds, shops, mode):
        if row["kind"] == UNREAD:
            unread += row["call_count"]
        else:
            read += row["call_count"]
    return read, unread


def _rows(
    connection: Connection, table: Table, shops: Collection[str] | None, mode: str | None
) -> list[dict[str, Any]]:
    query = select(table).where(*within(table, shops, mode))
    return [dict(row) for row in connection.execute(query).mappings()]


def _scope(stored_row: dict[str, Any]) -> _Key:
    return tuple(stored_row[name] for name in SCOPE)
