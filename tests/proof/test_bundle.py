"""A bundle holds one copy of what proves a payment, and nothing that would not pass its check."""

import io
import zipfile
from dataclasses import replace

import pytest

from ledger.proof.bundle import Bundle, BundledOrigin, BundleError, bundle_files, zipped
from ledger.proof.entry import ENTRY_BYTES_MAX
from ledger.proof.note import parse_tlog_proof
from tests.proof.bundled import (
    EMAIL,
    KEY,
    OTHER_KEY,
    a_bundle,
    a_decision,
    a_delivery,
    an_act,
    an_event,
    an_id,
    in_a_log,
)


def test_a_bundle_holds_what_the_right_to_personal_data_opens() -> None:
    bundle = a_bundle(a_delivery(1), a_decision(2), an_act(3))

    files = bundle_files(bundle, facts_only=False)

    assert {name for name in files if name.startswith(an_id(1))} == {
        f"{an_id(1)}.{ending}" for ending in ("entry", "proof", "body", "body.salt")
    }
    assert {name for name in files if name.startswith("event-11.")} == {
        f"event-11.{ending}" for ending in ("state", "details", "apart", "apart.salt")
    }
    assert files.keys() > {"README.txt", "check.sh", "checkpoint", "log.vkey", "history.html"}
    assert "left-out" not in files
    assert f"{an_id(2)}.body" not in files


def test_facts_alone_tell_nothing_about_people() -> None:
    files = bundle_files(a_bundle(), facts_only=True)

    assert [name for name, content in files.items() if EMAIL in content] == []
    assert [name for name in files if name.endswith((".body", ".apart", ".salt"))] == []
    assert "event-11.details" in files
    assert files["left-out"].decode().splitlines() == sorted(
        [f"{an_id(number)}.body" for number in range(1, 5)]
        + [f"event-{number}1.apart" for number in range(1, 5)]
    )


def test_the_same_search_finds_people_where_they_are_shown() -> None:
    files = bundle_files(a_bundle(), facts_only=False)

    assert sum(EMAIL in content for content in files.values()) == 8


def test_what_was_erased_is_left_out() -> None:
    delivery = a_delivery(1)
    erased = replace(
        delivery,
        body=None,
        body_salt=None,
        bundled_events=[
            replace(event, apart=None, apart_salt=None) for event in delivery.bundled_events
        ],
    )

    files = bundle_files(a_bundle(erased), facts_only=False)

    assert files["left-out"] == f"{an_id(1)}.body\nevent-11.apart\n".encode()


def test_an_event_of_another_payment_is_left_out() -> None:
    files = bundle_files(a_bundle(replace(a_delivery(1), bundled_events=())), facts_only=False)

    assert files["left-out"] == b"event-11.apart\nevent-11.details\nevent-11.state\n"


def test_a_proof_ends_in_the_very_checkpoint_of_its_bundle() -> None:
    bundle = a_bundle()

    files = bundle_files(bundle, facts_only=True)

    proven = [parse_tlog_proof(files[f"{each.id}.proof"].decode()) for each in bundle.origins]
    assert {note for _, _, note in proven} == {bundle.checkpoint}
    assert files["checkpoint"].decode() == bundle.checkpoint


def test_a_readme_says_in_two_languages_what_is_proven() -> None:
    personal = bundle_files(a_bundle(), facts_only=False)["README.txt"].decode()
    facts = bundle_files(a_bundle(), facts_only=True)["README.txt"].decode()

    for written in (personal, facts):
        assert "transaction-1" in written
        assert "WHAT IS NOT PROVEN" in written
        assert "CE QUI N'EST PAS PROUVÉ" in written
        assert max(map(len, written.splitlines())) <= 100
    assert "ID.body.salt" not in facts
    assert "Personal data are not in this folder" in facts


def test_the_same_bundle_is_the_same_bytes() -> None:
    files = bundle_files(a_bundle(), facts_only=False)

    archive = zipped(files)

    assert archive == zipped(dict(reversed(files.items())))
    with zipfile.ZipFile(io.BytesIO(archive)) as unpacked:
        assert unpacked.testzip() is None
        assert {name: unpacked.read(name) for name in unpacked.namelist()} == files
        assert unpacked.namelist() == sorted(files)
        assert unpacked.getinfo("check.sh").external_attr >> 16 == 0o100755


def test_what_an_entry_names_must_be_in_the_bundle_as_it_names_it() -> None:
    delivery = a_delivery(1)
    (event,) = delivery.bundled_events
    unlike = {
        "event-11.state": [replace(event, state=b"{}")],
        "event-11.details": [replace(event, details=b"{}")],
        "event-11.apart": [replace(event, apart=b"{}")],
        "event-12.state": [an_event(12, 1)],
    }

    for name, bundled_events in unlike.items():
        refuse(a_bundle(replace(delivery, bundled_events=bundled_events)), f"{name} is not what")
    refuse(a_bundle(replace(delivery, body=b"x")), "body is not what")
    refuse(a_bundle(replace(delivery, body_salt=bytes(32))), "body is not what")


def test_a_sealed_part_needs_its_salt() -> None:
    for salt in (None, bytes(31)):
        refuse(a_bundle(replace(a_delivery(1), body_salt=salt)), "needs a salt of 32 bytes")


def test_a_proof_must_lead_to_the_checkpoint() -> None:
    bundle = a_bundle()
    first, second, *more = bundle.origins

    for wrong in (
        replace(first, index=second.index),
        replace(first, index=-1),
        replace(first, hashes=second.hashes),
        replace(first, hashes=[]),
        replace(first, entry=first.entry + b" "),
    ):
        refuse(replace(bundle, origins=[wrong, second, *more]), "does not lead to the checkpoint")


def test_an_entry_must_be_that_of_its_origin() -> None:
    for wrong in (replace(a_delivery(1), id=an_id(2)), BundledOrigin("X1", b'{"kind":"x"}', 0, [])):
        refuse(a_bundle(wrong), "that of another origin")
    refuse(a_bundle(BundledOrigin("X1", b"no entry", 0, [])), "cannot be read")


def test_an_entry_whose_events_stand_apart_cannot_be_bundled() -> None:
    many = [an_event(number, 1) for number in range(ENTRY_BYTES_MAX // 300)]
    delivery = a_delivery(1, bundled_events=many)

    assert b"events_root" in delivery.entry
    refuse(a_bundle(delivery), "more events than fit into it")


def test_a_checkpoint_must_be_that_of_the_log() -> None:
    checkpoint, _ = in_a_log([a_delivery(1)])
    other, _ = in_a_log([a_delivery(1)], signing_key=OTHER_KEY)
    with_two = checkpoint + other.partition("\n\n")[2]

    refuse(a_bundle(a_delivery(1), checkpoint=other), "not signed by the key")
    refuse(a_bundle(a_delivery(1), verifier_line=OTHER_KEY.verifier.line), "not signed by the key")
    refuse(a_bundle(a_delivery(1), checkpoint=with_two), "exactly one signature")
    refuse(a_bundle(a_delivery(1), checkpoint="x"), "cannot be read")
    refuse(a_bundle(a_delivery(1), verifier_line="x"), "cannot be read")
    refuse(a_bundle(a_delivery(1), verifier_line=f"other{KEY.verifier.line}"), "cannot be read")


@pytest.mark.parametrize("name", ["", "..", "a/b", "a b", "-a", ".hidden", "über"])
def test_a_bundle_is_named_as_a_file_is(name: str) -> None:
    refuse(a_bundle(name=name), "no plain file name")
    refuse(a_bundle(pages={f"{name}.html": b""}), "no plain file name")


def test_pages_are_pages() -> None:
    for name in ("event-11.state", "check.sh", "../x.html", "history.htm"):
        refuse(a_bundle(pages={name: b""}), "no plain file name of a page")


def test_nothing_is_bundled_twice_and_not_nothing() -> None:
    bundle = a_bundle()

    refuse(replace(bundle, origins=[*bundle.origins, bundle.origins[0]]), "in the bundle twice")
    refuse(replace(bundle, origins=[]), "no entry")


def test_a_stamp_needs_the_chain_of_its_authority() -> None:
    for authority in (None, b"", b"garbage"):
        refuse(a_bundle(stamp=b"stamp", authority=authority), "certificates of its authority")
    assert "tsa.pem" not in bundle_files(a_bundle(authority=b"unused"), facts_only=True)


def refuse(bundle: Bundle, message: str) -> None:
    """Expect that a bundle cannot be made, whoever it is for."""
    with pytest.raises(BundleError, match=message):
        bundle_files(bundle, facts_only=False)
