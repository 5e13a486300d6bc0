"""The JSON of a REST V4 answer: parsed strictly, and flattened into dotted paths."""

import json
import re
from collections.abc import Mapping
from typing import Any, Never

import orjson

from ledger.errors import MalformedNotificationError

_UUID = re.compile(r"[0-9a-f]{32}")
_DIGITS_MAX = 18  # more do not fit into 64 bits


def parse_answer(text: str, depth_max: int) -> dict[str, Any]:
    """Parse JSON strictly: an object, no key twice, not too deep, fractions kept as their text.

    Errors: MalformedNotificationError.
    """
    try:
        answer = json.loads(
            text,
            object_pairs_hook=_object,
            parse_float=str,
            parse_int=lambda digits: int(digits) if len(digits) <= _DIGITS_MAX else digits,
            parse_constant=_no_constant,
        )
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


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise MalformedNotificationError("duplicate-json-key", "a key occurs twice in kr-answer")
    return members


def _no_constant(name: str) -> Never:
    raise ValueError(f"{name} is not JSON")


def flatten(node: object) -> list[tuple[str, str]]:
    """Return every scalar below a JSON value by its dotted path, without nulls and type names.

    Shape: names in a path that are empty, or hold a dot or a quote, are quoted as in JSON, so that
    no two scalars share a path.
    """
    scalars: list[tuple[str, str]] = []
    _collect(node, "", scalars)
    return scalars


def _collect(node: object, path: str, scalars: list[tuple[str, str]]) -> None:
    if isinstance(node, dict | list):
        prefix = f"{path}." if path else ""
        for name, below in node.items() if isinstance(node, dict) else enumerate(node):
            if name == "_type" or below is None:
                continue
            if isinstance(name, str) and (not name or "." in name or '"' in name):
                name = json.dumps(name, ensure_ascii=False)
            if isinstance(below, str):  # most are, and a call for each takes longer than to keep it
                scalars.append((f"{prefix}{name}", below))
            else:
                _collect(below, f"{prefix}{name}", scalars)
    elif node is not None:
        scalars.append((path, node if isinstance(node, str) else orjson.dumps(node).decode()))


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
