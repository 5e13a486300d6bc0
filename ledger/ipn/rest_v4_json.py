"""The JSON of a REST V4 answer: parsed strictly, and flattened into dotted paths."""

import json
import re
from collections.abc import Mapping
from typing import Any

import orjson

from ledger.errors import MalformedNotificationError
from ledger.ipn.json_values import parse_json
from ledger.ipn.storable import is_storable

_UUID = re.compile(r"[0-9a-f]{32}")
_OF_THE_MERCHANT = "metadata"


def parse_answer(text: str, depth_max: int) -> dict[str, Any]:
    """Parse JSON strictly: an object, no key twice, not too deep, fractions kept as their text.

    Errors: MalformedNotificationError.
    """
    try:
        answer = parse_json(text)
    except RecursionError as error:
        raise MalformedNotificationError("answer-too-deep", "kr-answer is too deep") from error
    except ValueError as error:
        raise MalformedNotificationError("answer-not-json", "kr-answer is not JSON") from error
    if not isinstance(answer, dict):
        raise MalformedNotificationError("answer-not-json", "kr-answer is not a JSON object")
    openings = text.count("{") + text.count("[")
    if openings > depth_max and _is_deeper(answer, depth_max):
        raise MalformedNotificationError("answer-too-deep", "kr-answer is too deep")
    return answer


def _is_deeper(node: object, depth_max: int) -> bool:
    level = [node]
    for _ in range(depth_max):
        level = [
            below
            for node in level
            if isinstance(node, dict | list)
            for below in (node.values() if isinstance(node, dict) else node)
        ]
        if not level:
            return False
    return True


def flatten(node: object) -> list[tuple[str, str]]:
    """Return every scalar below a JSON value by its dotted path, without nulls and type names.

    Below `metadata` everything is the merchant's: nulls, empty objects and lists, and what is
    called like a type are kept too. Shape: names in a path that are empty, or hold a dot, a quote
    or what no database stores, are quoted as in JSON, so that no two scalars share a path.
    """
    scalars: list[tuple[str, str]] = []
    _collect(node, "", scalars, is_merchants=False)
    return scalars


def _collect(
    node: object, path: str, scalars: list[tuple[str, str]], *, is_merchants: bool
) -> None:
    if isinstance(node, dict | list):
        prefix = f"{path}." if path else ""
        for name, below in node.items() if isinstance(node, dict) else enumerate(node):
            if (name == "_type" or below is None) and not is_merchants:
                continue
            place = f"{prefix}{_written(name) if isinstance(name, str) else name}"
            if isinstance(below, str):  # most are, and a call for each takes longer than to keep it
                scalars.append((place, below))
            elif is_merchants and (below is None or below in ({}, [])):
                scalars.append((place, orjson.dumps(below).decode()))
            else:
                of_merchant = is_merchants or name == _OF_THE_MERCHANT
                _collect(below, place, scalars, is_merchants=of_merchant)
    elif node is not None:
        scalars.append((path, node if isinstance(node, str) else orjson.dumps(node).decode()))


def _written(name: str) -> str:
    """Return a name as it stands in a path."""
    if name.isidentifier():  # nearly every one is
        return name
    if not is_storable(name):
        return json.dumps(name)
    is_plain = name and "." not in name and '"' not in name
    return name if is_plain else json.dumps(name, ensure_ascii=False)


def transactions_of(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the transactions of an answer, each with its identity and its status.

    Errors: MalformedNotificationError.
    """
    transactions = answer.get("transactions") or []
    if not isinstance(transactions, list) or not all(
        isinstance(each, dict) for each in transactions
    ):
        raise MalformedNotificationError(
            "identity-unreadable", "transactions is no list of objects"
        )
    for each in transactions:
        uuid, status = each.get("uuid"), each.get("detailedStatus")
        if not isinstance(uuid, str) or not _UUID.fullmatch(uuid):
            raise MalformedNotificationError(
                "identity-unreadable", "a transaction without its uuid"
            )
        if not isinstance(status, str) or not status:
            raise MalformedNotificationError("status-unreadable", "detailedStatus is no text")
        if isinstance(each.get("amount"), dict | list):
            raise MalformedNotificationError("amount-unreadable", "amount is no number")
    return transactions
