"""Compute the read model of totals again, in plain Python."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from tests.projections.brute_force_outcomes import State, outcome

States = dict[str, State]


def grouped(
    states: Iterable[State], key_of: Callable[[State], tuple[str, ...] | None]
) -> Mapping[tuple[str, ...], list[State]]:
    """Group states by a key; those whose key is None belong to no group."""
    state_groups: dict[tuple[str, ...], list[State]] = defaultdict(list)
    for state in states:
        key = key_of(state)
        if key is not None:
            state_groups[key].append(state)
    return state_groups


def _day(transaction: State) -> str:
    return str(transaction["created_at"] or transaction["first_seen_at"])[:10]


def _slot(transaction: State) -> str:
    at = datetime.fromisoformat(transaction["created_at"] or transaction["first_seen_at"])
    return f"{at.replace(minute=at.minute // 15 * 15):%Y-%m-%dT%H:%M}"


def daily_totals(transactions: States) -> list[State]:
    return _summed(
        transactions,
        {
            "day": _day,
            "currency": lambda each: each["currency"] or "",
            "payment_method": lambda each: each["payment_method"] or "",
            "outcome": outcome,
        },
    )


def slot_totals(transactions: States) -> list[State]:
    groups = {"slot": _slot, "currency": lambda each: each["currency"] or "", "outcome": outcome}
    return _summed(transactions, groups)


def _summed(
    transactions: States, words_by_column: Mapping[str, Callable[[State], str]]
) -> list[State]:
    def key_of(transaction: State) -> tuple[str, ...]:
        of_groups = (word_of(transaction) for word_of in words_by_column.values())
        return transaction["shop_id"], transaction["mode"], *of_groups

    return [
        dict(zip(("shop_id", "mode", *words_by_column), key, strict=True))
        | {
            "count": len(members),
            "amount_minor": sum(member["amount_minor"] or 0 for member in members),
        }
        for key, members in grouped(transactions.values(), key_of).items()
    ]


def slot_refusals(transactions: States) -> list[State]:
    def key_of(transaction: State) -> tuple[str, ...] | None:
        if outcome(transaction) != "refused":
            return None
        result = transaction["authorisation_result"] or ""
        return transaction["shop_id"], transaction["mode"], _slot(transaction), result

    return [
        dict(zip(("shop_id", "mode", "slot", "result"), key, strict=True)) | {"count": len(members)}
        for key, members in grouped(transactions.values(), key_of).items()
    ]
