"""Shops, signed bodies and ledgers for tests: valid by default, one difference per call."""

import atexit
import base64
import json
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import insert

from ledger.application import Ledger
from ledger.ipn.delivery import Delivery
from ledger.ipn.modes import MODES
from ledger.ipn.shops_and_keys import FORM_HMAC, REST_BROWSER, REST_PASSWORD, Key, Shop, Shops
from ledger.ipn.signature import digest, form_text, sign_form_hmac, sign_rest
from ledger.recording.receipt import Receipt
from ledger.sealing import keys
from ledger.sealing.master_keys import read_master_keys
from ledger.settings import Settings
from ledger.storage.database import Database
from ledger.storage.event_store import RecordedEvent
from ledger.storage.tables import wrapped_keys
from ledger.storage.write_set import WriteStrategy

DATA = Path(__file__).parent / "data"


def _master_keys() -> Path:
    """Write one master key that protects nothing, the same in every process of the tests."""
    folder = Path(tempfile.mkdtemp(prefix="ledger-keys-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    file = folder / "master-keys.toml"
    file.touch(mode=0o600)
    key = base64.b64encode(b"protects nothing, known to all  ").decode()
    file.write_text(f'[[masters]]\nid = "synthetic"\nsecret = "{key}"\n')
    return file


MASTER_KEYS = _master_keys()
PLAIN_SETTINGS = Settings(database_url="unused", master_keys_file=MASTER_KEYS)
INDEX_KEY = b"names contents, known to all    "


def share_index_key(database: Database) -> None:
    """Let a ledger of the tests name contents as all others do, so that they can be compared."""
    master, wrapped = read_master_keys(MASTER_KEYS, {}).wrap(keys.INDEX_KEY, INDEX_KEY)
    row = {"name": keys.INDEX_KEY, "master": master, "wrapped": wrapped}
    with database.begin() as connection:
        connection.execute(insert(wrapped_keys), row)


KEYS_ENVIRON = {"LEDGER_MASTER_KEYS_FILE": str(MASTER_KEYS)}
"""What a command needs beside its database to open what a ledger of the tests has sealed."""
SHOP_ID = "12345678"
OTHER_SHOP_ID = "87654321"
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def secret(shop_id: str, mode: str, kind: str) -> str:
    """A synthetic key that nothing else in the tests can contain."""
    return f"Synthetic-{kind}-{mode}-{shop_id}"


def a_shop(
    shop_id: str = SHOP_ID, kinds: Iterable[str] = (FORM_HMAC, REST_PASSWORD, REST_BROWSER)
) -> Shop:
    keys = [
        Key(shop_id, mode, kind, secret(shop_id, mode, kind)) for mode in MODES for kind in kinds
    ]
    return Shop(shop_id, "Boutique", tuple(keys))


def shops(*known_shops: Shop) -> Shops:
    return Shops({shop.id: shop for shop in known_shops or (a_shop(),)})


def a_ledger(
    database: Database,
    keyring: Shops | None = None,
    *,
    strategy: WriteStrategy | None = None,
    since: datetime = NOON,
    tick: timedelta = timedelta(seconds=1),
    **settings: Any,
) -> Ledger:
    """A ledger whose clock ticks once a second from noon, unless told otherwise."""
    ticks = count()
    settings.setdefault("master_keys_file", MASTER_KEYS)
    return Ledger(
        Settings(database_url="unused", **settings),
        keyring or shops(),
        database,
        clock=lambda: since + next(ticks) * tick,
        strategy=strategy,
    )


def opened_events(ledger: Ledger, limit: int = 1_000) -> list[RecordedEvent]:
    """The first events of a ledger, with what is sealed in them."""
    with ledger.database.connect() as connection:
        return ledger.sealing.opened(connection, ledger.events.events_after(0, limit))


def a_form(**changes: str | None) -> dict[str, str]:
    """An accepted form-v2 payment; a change to None takes the field away."""
    return _changed(example("form-v2", "payment-accepted")["fields"], changes)


def an_answer(
    *,
    whole: Mapping[str, Any] | None = None,
    order: Mapping[str, Any] | None = None,
    **changes: Any,
) -> dict[str, Any]:
    """An accepted rest-v4 payment; changes are to the first transaction, `order` to the order
    details, `whole` to the answer itself; a change to None takes the field away."""
    answer = example("rest-v4", "payment-accepted")["answer"]
    answer["transactions"][0] = _changed(answer["transactions"][0], changes)
    answer["orderDetails"] = _changed(answer["orderDetails"], order or {})
    return _changed(answer, whole or {})


def _changed(fields: Mapping[str, Any], replacements: Mapping[str, Any]) -> dict[str, Any]:
    merged = {**fields, **replacements}
    return {
        name: field
        for name, field in merged.items()
        if field is not None or name not in replacements
    }


def example(format_: str, name: str) -> dict[str, Any]:
    return dict(json.loads((DATA / "examples" / format_ / f"{name}.json").read_text()))


def examples() -> list[tuple[str, str]]:
    """Every example. Shape: format, name."""
    return [(path.parent.name, path.stem) for path in sorted((DATA / "examples").glob("*/*.json"))]


def form_body(fields: Mapping[str, str], key: str | None = None) -> bytes:
    """A form, signed with HMAC as the platform does unless a key says otherwise."""
    if key is None:
        key = secret(
            fields.get("vads_site_id", SHOP_ID), fields.get("vads_ctx_mode", "TEST"), FORM_HMAC
        )
    return urlencode(
        [*fields.items(), ("signature", sign_form_hmac(form_text(fields), key))]
    ).encode()


def rest_body(
    answer: Any, source: str | None = "PAY", key: str | None = None, **fields: str
) -> bytes:
    """An answer, or any text in its place, signed with the password of its shop and mode unless
    a key says otherwise."""
    text = answer if isinstance(answer, str) else _json(answer)
    if key is None:
        content = {} if isinstance(answer, str) else answer
        mode = content.get("orderDetails", {}).get("mode", "TEST")
        key = secret(str(content.get("shopId", SHOP_ID)), str(mode), REST_PASSWORD)
    parameters = {
        "kr-hash-key": "password",
        "kr-hash-algorithm": "sha256_hmac",
        "kr-answer": text,
        "kr-answer-type": "V4/Payment",
        "kr-hash": sign_rest(text, key),
        **({"kr-src": source} if source else {}),
        **fields,
    }
    return urlencode(parameters).encode()


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def example_body(format_: str, name: str) -> bytes:
    content = example(format_, name)
    if format_ == "form-v2":
        return form_body(content["fields"])
    return rest_body(content["answer"], content["kr-src"])


_ids = count(1)


def a_delivery(body: bytes, **changes: Any) -> Delivery:
    """A delivery from a named range, with an id of its own, a second after the one before."""
    number = 0 if changes.keys() >= {"id", "received_at"} else next(_ids)
    defaults: dict[str, Any] = {
        "id": f"{number:026d}",
        "received_at": NOON + timedelta(seconds=number),
        "peer": "192.0.2.7",
        "is_from_named_range": True,
    }
    return Delivery(body=body, **(defaults | changes))


def receive(ledger: Ledger, body: bytes, **changes: Any) -> Receipt:
    return ledger.receive(a_delivery(body, **changes))


UUID = "a1" * 16
MORNING = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)


def minutes(number: float) -> datetime:
    """So many minutes after a fixed morning: the platform's time and ours alike."""
    return MORNING + timedelta(minutes=number)


def a_form_call(status: str = "AUTHORISED", source: str = "PAY", **fields: str | None) -> bytes:
    """A form about one transaction; fields are named without `vads_`."""
    changes = {f"vads_{name}": value for name, value in fields.items()}
    base = {
        "vads_trans_uuid": UUID,
        "vads_trans_status": status,
        "vads_url_check_src": source,
        "vads_hash": digest(repr((status, source, sorted(fields.items()), next(_ids))).encode()),
    }
    return form_body(a_form(**(base | changes)))


def a_rest_call(
    status: str = "AUTHORISED", at: datetime | None = None, source: str = "PAY", **changes: Any
) -> bytes:
    """An answer about one transaction, made at this time of the platform."""
    told_at = None if at is None else at.isoformat()
    transaction = {"uuid": UUID, "detailedStatus": status} | changes
    return rest_body(an_answer(whole={"serverDate": told_at}, **transaction), source)
