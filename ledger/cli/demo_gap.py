"""Leaves a gap in a demonstration: a payment that is never told, and the files that list it."""

import os
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial

from ledger.application import bootstrap
from ledger.instants import utc_now
from ledger.ipn.shops_and_keys import Shops
from ledger.reconciliation.files import import_file
from ledger.reconciliation.report import make_report
from ledger.reconciliation.report_store import Scope
from ledger.settings import read_settings
from ledger.simulator.journal_layout import JournalShop
from ledger.simulator.journals import journals
from ledger.simulator.signed_calls import SignedCall, signed_lives, synthetic_platform
from ledger.simulator.stories import STORIES

DAYS = 28
"""So many days before today the platform's files are of."""

STORY = "payment-accepted"
BY_WHOM = "demo"
_SEED = 404


@dataclass(frozen=True, slots=True)
class Gap:
    """What is missing. Shape: `day` is a UTC day; `count` payments of it were never told."""

    day: date
    count: int
    order_id: str


def leave_a_gap(
    shops: Shops, shop_id: str, mode: str, sent: Iterable[SignedCall], today: datetime
) -> Gap:
    """Import the journals of the last days, with a payment that was never sent, and compare.

    Errors: LedgerError.
    """
    begins_at = today - timedelta(days=DAYS + 1)  # a life begins within the days after it
    platform = synthetic_platform(shops, shop_id, mode, begins_at=begins_at)
    seed = today.toordinal() * 1000 + _SEED
    lost, *_ = signed_lives(platform, [STORIES[STORY]], seed=seed, count=1)
    shop = JournalShop(shop_id, shops.shop_by_id[shop_id].name, mode)
    played = [*((each, False) for each in sent), *((each, True) for each in lost)]
    files = journals(shop, played).files
    scope = Scope.ending(shop_id, mode, today.date() - timedelta(days=1), DAYS)
    wanted = {f"{day:%y%m%d}" for day in scope.days()}
    with closing(bootstrap(read_settings(os.environ), os.environ, needs_shops=True)) as ledger:
        for name, content in files.items():
            if "JT_" in name and "/" not in name and any(day in name for day in wanted):
                chunks = partial(iter, [content])
                import_file(ledger, chunks, name, by_whom=BY_WHOM, now=utc_now())
        report = make_report(ledger, scope, utc_now()).content()
    day = lost[0].call.sent_at.date()
    return Gap(day, report["days"][day.isoformat()]["gaps"], str(lost[0].call.request.order_id))
