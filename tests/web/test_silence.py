"""What an alert on silence, or on the end of a key, is made of."""

import re
from dataclasses import replace
from datetime import UTC, datetime

from ledger import __version__
from ledger.storage.database import Database
from tests.builders import OTHER_SHOP_ID, SHOP_ID, a_form_call, a_ledger, a_shop, receive, shops
from tests.web.asking import Asking

LAST = "ledger_last_notification_timestamp_seconds"
END = datetime(2027, 1, 1, tzinfo=UTC)


def test_silence_can_be_seen_by_shop_and_mode(paid: Asking) -> None:
    receive(paid.ledger, a_form_call("CAPTURED", source="BATCH"))  # a repeat is a sign of life
    newest = paid.get("/api/v1/notifications?limit=1")["items"][0]
    metrics = paid.call("/metrics", None).text

    (arrived_at,) = re.findall(rf'{LAST}{{mode="test",shop_id="{SHOP_ID}"}} (\S+)', metrics)
    assert newest["outcome"] == "repeated"
    assert float(arrived_at) == datetime.fromisoformat(newest["received_at"]).timestamp()
    assert f'shop_id="{OTHER_SHOP_ID}"' not in metrics, "nothing came from it so far"


def test_the_end_of_a_key_can_be_seen(database: Database) -> None:
    shop = a_shop()
    first = shop.keys[0]
    ending = replace(shop, keys=(replace(first, not_after=END), *shop.keys[1:]))
    api = Asking(a_ledger(database, shops(ending)))

    metrics = api.call("/metrics", None).text

    ((labels, ends_at),) = re.findall(r"ledger_key_expires_timestamp_seconds{(.*)} (\S+)", metrics)
    assert f'fingerprint="{first.fingerprint}"' in labels
    assert f'shop_id="{SHOP_ID}"' in labels
    assert float(ends_at) == END.timestamp()
    assert first.secret not in metrics


def test_the_version_can_be_seen(api_on_sqlite: Asking) -> None:
    metrics = api_on_sqlite.call("/metrics", None).text

    assert f'ledger_build_info{{version="{__version__}"}} 1.0' in metrics
