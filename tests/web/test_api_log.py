"""The log over HTTP: signed checkpoints, tiles for monitors of any make, a proof of each entry."""

import base64
import hashlib

import pytest

from ledger.proof.note import VerifierKey, parse_checkpoint, parse_tlog_proof
from ledger.proof.signer import LogSigner
from ledger.proof.tree import is_consistent, is_included, leaf_hash
from tests.builders import SHOP_ID, a_form_call, receive
from tests.proof.logged import sign
from tests.web.asking import Asking

LOG = "/api/v1/log"
ENTRIES = 3


@pytest.fixture
def signed(api: Asking, signer: LogSigner) -> Asking:
    for number in range(ENTRIES - 1):
        receive(api.ledger, a_form_call(trans_uuid=f"{number:032x}"))
    sign(api.ledger, signer)
    return api


def test_every_reader_gets_the_signed_checkpoint(signed: Asking, signer: LogSigner) -> None:
    response = signed.call(f"{LOG}/checkpoint", shops=(SHOP_ID,))

    assert response.content_type == "text/plain; charset=utf-8"
    assert signer.verifier.is_signed(response.text)
    assert parse_checkpoint(response.text).size == ENTRIES


def test_before_anything_is_signed_there_is_no_checkpoint(api: Asking) -> None:
    response = api.call(f"{LOG}/checkpoint")

    assert response.status_code == 404
    assert response.get_json()["detail"].startswith("nothing was signed yet")


def test_a_monitor_computes_the_root_from_the_tiles(signed: Asking) -> None:
    root = parse_checkpoint(signed.call(f"{LOG}/checkpoint").text).root

    tile = signed.call(f"{LOG}/tile/0/000.p/{ENTRIES}").data
    bundle = signed.call(f"{LOG}/tile/entries/000.p/{ENTRIES}").data

    entries = []
    while bundle:
        length = int.from_bytes(bundle[:2], "big")
        entries.append(bundle[2 : 2 + length])
        bundle = bundle[2 + length :]
    hashes = [hashlib.sha256(b"\0" + entry).digest() for entry in entries]
    assert tile == b"".join(hashes)
    left = hashlib.sha256(b"\1" + hashes[0] + hashes[1]).digest()
    assert hashlib.sha256(b"\1" + left + hashes[2]).digest() == root


@pytest.mark.parametrize(
    "tile",
    [
        *("0/000", "0/000.p/4", "0/000.p/0", "0/0.p/3", "0/000.p/03", "0/x000/000.p/3"),
        *("0/001.p/1", "1/000.p/1", "9/000.p/1", f"{10**30}/000", "entries/000", "entries/x.p/3"),
        *("0/000.p/3/", "0/%30%30%30.p/", "0/٠٠٠.p/3", "entries/000.p/256"),
    ],
)
def test_what_is_no_tile_of_the_signed_log_is_not_found(signed: Asking, tile: str) -> None:
    assert signed.call(f"{LOG}/tile/{tile}").status_code == 404


def test_what_is_not_signed_yet_is_in_no_tile(signed: Asking) -> None:
    receive(signed.ledger, a_form_call(trans_uuid="f" * 32))

    assert signed.call(f"{LOG}/tile/0/000.p/{ENTRIES + 1}").status_code == 404


@pytest.mark.parametrize("tile", ["0/000.p/3", "entries/000.p/3"])
def test_tiles_are_for_readers_of_all_shops(signed: Asking, tile: str) -> None:
    response = signed.call(f"{LOG}/tile/{tile}", shops=(SHOP_ID,))

    assert response.status_code == 403


def test_growth_is_proven_between_two_sizes(signed: Asking, signer: LogSigner) -> None:
    old = parse_checkpoint(signed.call(f"{LOG}/checkpoint").text)
    for number in range(10, 15):
        receive(signed.ledger, a_form_call(trans_uuid=f"{number:032x}"))
    new = parse_checkpoint(sign(signed.ledger, signer))

    proven = signed.get(f"{LOG}/consistency?from={old.size}")

    hashes = list(map(base64.b64decode, proven["hashes"]))
    assert (proven["from"], proven["to"]) == (ENTRIES, ENTRIES + 5)
    assert is_consistent(old.size, old.root, new.size, new.root, hashes)
    assert not is_consistent(old.size, old.root, new.size, old.root, hashes)
    assert signed.get(f"{LOG}/consistency?from=3&to=3")["hashes"] == []


@pytest.mark.parametrize(
    ("sizes", "status"),
    [("from=4", 404), ("from=3&to=2", 404), ("from=1&to=9", 404), ("from=0", 422), ("from=x", 422)],
)
def test_sizes_that_were_never_signed_are_refused(signed: Asking, sizes: str, status: int) -> None:
    assert signed.call(f"{LOG}/consistency?{sizes}").status_code == status


def test_the_entry_of_a_notification_is_proven(signed: Asking, signer: LogSigner) -> None:
    receipt = receive(signed.ledger, a_form_call(trans_uuid="e" * 32))
    path = f"/api/v1/notifications/{receipt.id}"
    unsigned = signed.call(f"{path}/proof").status_code
    sign(signed.ledger, signer)

    index, hashes, note = parse_tlog_proof(signed.call(f"{path}/proof", shops=(SHOP_ID,)).text)
    entry = signed.call(f"{path}/entry", shops=(SHOP_ID,)).data

    checkpoint = parse_checkpoint(note)
    assert unsigned == 404
    assert VerifierKey.parse(signer.verifier.line).is_signed(note)
    assert is_included(leaf_hash(entry), index, checkpoint.size, hashes, checkpoint.root)
    assert f'"id":"{receipt.id}"'.encode() in entry


def test_a_notification_of_another_shop_has_no_proof_for_this_reader(signed: Asking) -> None:
    receipt = receive(signed.ledger, a_form_call(trans_uuid="0" * 32))

    response = signed.call(f"/api/v1/notifications/{receipt.id}/proof", shops=("87654321",))

    assert response.get_json()["detail"] == "no such delivery"


def test_what_is_in_quarantine_has_no_entry(signed: Asking) -> None:
    refused = receive(signed.ledger, b"junk=1")

    assert signed.call(f"/api/v1/notifications/{refused.id}/entry").status_code == 404


def test_metrics_say_how_far_the_log_is(signed: Asking) -> None:
    def gauges() -> dict[str, float]:
        signed.app.extensions.pop("ipn-ledger-gauges", None)
        lines = signed.client.get("/metrics").text.splitlines()
        pairs = [line.split() for line in lines if not line.startswith("#")]
        return {pair[0]: float(pair[1]) for pair in pairs if len(pair) == 2}

    before = gauges()
    receive(signed.ledger, a_form_call(trans_uuid="f" * 32))

    assert before["ledger_log_size"] == ENTRIES
    assert before["ledger_log_lag_seconds"] == 0
    assert "ledger_checkpoint_age_seconds" in before
    assert gauges()["ledger_log_lag_seconds"] != 0
