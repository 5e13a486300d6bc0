"""How asking stands: what came of the questions of the last day, and which shops are stopped."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from ledger.asking.exchanges import newest_exchanges
from ledger.asking.schedule import DAY, permission
from ledger.ipn.shops_and_keys import Shops

UNANSWERED = "none"


@dataclass(frozen=True, slots=True)
class AskingStanding:
    """How asking about one shop and mode stands.

    Shape: `by_outcome` are the questions of the last day by service and outcome; `stopped_by` is
    the platform's code after which it is not asked again.
    """

    shop_id: str
    mode: str
    is_in_service: bool
    by_outcome: Counter[tuple[str, str]]
    stopped_by: str | None


def asking_standings(
    connection: Connection, shops: Shops, now: datetime
) -> Iterator[AskingStanding]:
    """Yield how asking stands about each shop and mode for which it was chosen."""
    accesses = (access for shop in shops.shop_by_id.values() for access in shop.asking)
    for access in accesses:
        exchanges = newest_exchanges(connection, access, now)
        of_day = [each for each in exchanges if each.question.asked_at > now - DAY]
        yield AskingStanding(
            access.shop_id,
            access.mode,
            access.is_in_service,
            Counter(
                (
                    each.question.question.service.value,
                    UNANSWERED if each.answer is None else each.answer.outcome,
                )
                for each in of_day
            ),
            permission(access, exchanges, now).stopped_by,
        )
