"""The certificate of an erasure: signed by the key of the log, and silent about the person.

Source: C2SP signed-note. The text begins with a line of its own, and its second line is no number,
so that nobody can take it for a checkpoint.
"""

import base64
import json
from typing import Any

from sqlalchemy import Connection

from ledger.application import Ledger
from ledger.errors import NotFoundError, SettingsError
from ledger.instants import write_public_instant
from ledger.privacy.readers import readers_of
from ledger.privacy.records import Erasure, erasure_phases
from ledger.proof.origins import salted_hash
from ledger.proof.signed_log import ProvenEntry, signed_log
from ledger.proof.signer import LogSigner
from ledger.storage.erased import DONE, INTENT

HEADER = "ipn-ledger/erasure-certificate@v1"
_STAYS = (
    ("facts of the payments, as amounts, states and times", "accounting; GDPR art. 17(3)(b)"),
    ("harmless details, totals and the names of orders", "accounting; GDPR art. 17(3)(b)"),
    ("entries of the signed log, which tell nothing of what was erased", "legal claims; 17(3)(e)"),
    ("sealed bytes, which nothing opens without their secrets", "no personal data any more"),
)
_WHEN = (
    "the master keys that had locked the secrets are destroyed, and copies of the database from"
    " before are gone, with exports that were made"
)


def certificate(ledger: Ledger, signer: LogSigner, erasure_id: str) -> str:
    """Return the certificate of an erasure that is done, as a signed note.

    Errors: NotFoundError while it is not, or no checkpoint covers it.
    """
    with ledger.database.connect() as connection:
        phases = erasure_phases(connection, erasure_id)
        if DONE not in phases:
            raise NotFoundError(f"the erasure {erasure_id} is not done: run it again")
        document = _document(connection, phases[INTENT], phases[DONE], signer.signing_key.name)
    return signer.signing_key.sign(f"{HEADER}\n{_json(document)}\n")


def read_certificate(text: str, signer: LogSigner) -> dict[str, Any]:
    """Read a certificate that a key of this log has signed, under any name of the log.

    Errors: SettingsError.
    """
    header, _, rest = text.partition("\n")
    try:
        document = json.loads(rest.rpartition("\n\n")[0])
        is_signed = signer.key_of(text, str(document["log"])) is not None
        if header == HEADER and isinstance(document, dict) and is_signed:
            return document
    except (ValueError, KeyError, TypeError):
        pass
    raise SettingsError("this is no certificate that the key of this log has signed")


def printable_certificate(note: str) -> str:
    """Return a certificate in words, on paper."""
    document = json.loads(note.partition("\n")[2].rpartition("\n\n")[0])
    readers = [
        f"  {each['name']} ({each['role']}), {each['count']} times, last {each['last_at']}"
        + ("" if each["is_certain"] else "; perhaps: a list or an export")
        for each in document["read_by"]
    ]
    verified = ", ".join(f"{name} {count}" for name, count in document["verified"].items())
    entries = [
        f"  {each['phase']}: entry {each['index']} of the log {document['log']}"
        for each in document["entries"]
    ]
    lines = [
        f"Certificate of the erasure {document['erasure']}",
        f"Reason: {document['reason']}",
        f"Erased: what {document['count']} calls of the payment platform said about a person",
        f"Verified before: {verified}",
        f"Unreadable to the service since {document['unreadable_at']}",
        f"Irrecoverable when {document['irrecoverable']['when']}",
        f"  master keys: {', '.join(document['irrecoverable']['masters']) or 'none'}",
        "Read before by:",
        *(readers or ["  nobody, as the access log says"]),
        "What stays, and why:",
        *(f"  {each['what']} ({each['ground']})" for each in document["stays"]),
        "In the signed log:",
        *entries,
        "The key of the log has signed the certificate itself: `ledger privacy certificate`.",
    ]
    return "\n".join(lines)


def _document(connection: Connection, intent: Erasure, done: Erasure, name: str) -> dict[str, Any]:
    try:
        signed = signed_log(connection)
        entries = {phase.phase: signed.proven(phase.row_id) for phase in (intent, done)}
    except NotFoundError as missing:
        raise NotFoundError(f"no checkpoint covers the erasure {done.id} yet") from missing
    selection, salt = done.selection, done.salt
    return {
        "erasure": done.id,
        "log": name,
        "reason": done.reason,
        "count": len(selection.origin_ids),
        "salt": salt,
        "origins": [salted_hash(salt, [id_]) for id_ in sorted(selection.origin_ids)],
        "streams": sorted(salted_hash(salt, [id_.hex]) for id_ in selection.stream_ids),
        "verified": dict(done.verification),
        "meant_at": write_public_instant(intent.recorded_at),
        "unreadable_at": write_public_instant(done.recorded_at),
        "irrecoverable": {"masters": list(done.masters), "when": _WHEN},
        "read_by": [each.document for each in readers_of(connection, selection.origin_ids)],
        "stays": [{"what": what, "ground": ground} for what, ground in _STAYS],
        "checkpoint": signed.checkpoint.note,
        "entries": [_proof(phase, proven) for phase, proven in entries.items()],
    }


def _proof(phase: str, proven: ProvenEntry) -> dict[str, Any]:
    logged, hashes = proven.logged, [base64.b64encode(each).decode() for each in proven.hashes]
    return {
        "phase": phase,
        "index": logged.index,
        "entry": logged.entry.decode(),
        "hashes": hashes,
    }


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False)
