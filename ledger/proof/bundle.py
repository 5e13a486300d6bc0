"""The evidence bundle: everything that somebody else needs to check what the log says of a payment.

There is one copy of each thing, and `check.sh` compares every one of them: what nothing compares
could be changed unseen. What an entry names and the bundle does not hold stands in `left-out`, and
`checksums` finds damage to what the log proves nothing of.
"""

import hashlib
import io
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from ledger.errors import LedgerError
from ledger.proof.bundle_readme import readme
from ledger.proof.entry import read_entry
from ledger.proof.note import (
    Checkpoint,
    NoteError,
    VerifierKey,
    parse_checkpoint,
    tlog_proof,
)
from ledger.proof.tree import is_included, leaf_hash
from ledger.sealing.origin_secret import BODY, SECRET_BYTES, opened_commitment

README, SCRIPT, CHECKPOINT, VERIFIER = "README.txt", "check.sh", "checkpoint", "log.vkey"
STAMP, AUTHORITY, LEFT_OUT, CHECKSUMS = "timestamp.tsr", "tsa.pem", "left-out", "checksums"
APART = "apart"

_ID = re.compile(r"[0-9A-Z]{1,64}")
_PAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}\.html")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
_SAME_TIME = (1980, 1, 1, 0, 0, 0)
"""The first instant that a zip file knows, so that one bundle is the same bytes at any time."""


class BundleError(LedgerError, code="not-bundled"):
    """What was given cannot be bundled, or would not pass its own check."""


@dataclass(frozen=True, slots=True)
class BundledEvent:
    """An event as it is stored. Shape: what is personal comes with the salt that opens it."""

    position: int
    state: bytes
    details: bytes | None = None
    apart: bytes | None = field(default=None, repr=False)
    apart_salt: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class BundledOrigin:
    """An entry of the log with its proof, and what it names as far as it can be shown."""

    id: str
    entry: bytes
    index: int
    hashes: Sequence[bytes]
    body: bytes | None = field(default=None, repr=False)
    body_salt: bytes | None = field(default=None, repr=False)
    bundled_events: Sequence[BundledEvent] = ()


@dataclass(frozen=True, slots=True)
class Bundle:
    """Everything that goes into a bundle.

    Shape: `name` is a plain file name, as `transaction-1234`; `checkpoint` is the signed note to
    which all proofs lead; `stamp` is an RFC 3161 reply over that note, `authority` the chain of
    who gave it, in PEM; `pages` are HTML for reading, and nothing checks them.
    """

    name: str
    checkpoint: str
    verifier_line: str
    origins: Sequence[BundledOrigin]
    stamp: bytes | None = None
    authority: bytes | None = None
    pages: Mapping[str, bytes] | None = None


def bundle_files(bundle: Bundle, *, facts_only: bool) -> dict[str, bytes]:
    """Return the files of a bundle by name; with facts only, none tells anything about people.

    Errors: BundleError.
    """
    checkpoint = _signed_checkpoint(bundle)
    unproven = {
        README: readme(bundle.name, facts_only=facts_only).encode(),
        SCRIPT: Path(__file__).with_name(SCRIPT).read_bytes(),
        **_stamp_files(bundle),
        **_pages(bundle),
    }
    files = {
        CHECKPOINT: bundle.checkpoint.encode(),
        VERIFIER: f"{bundle.verifier_line.strip()}\n".encode(),
        CHECKSUMS: _checksums(unproven),
    }
    left_out: set[str] = set()
    for origin in bundle.origins:
        _refuse_unproven(origin, checkpoint)
        shown = dict(_shown_files(origin, facts_only=facts_only))
        named = _named_hashes(origin)
        _refuse_unlike(origin, shown, named)
        left_out |= named.keys() - shown.keys()
        proof = tlog_proof(origin.index, origin.hashes, bundle.checkpoint)
        shown |= {f"{origin.id}.entry": origin.entry, f"{origin.id}.proof": proof.encode()}
        if twice := files.keys() & shown.keys():
            raise BundleError(f"{min(twice)} would be in the bundle twice")
        files |= shown
    if left_out:
        files[LEFT_OUT] = "".join(f"{name}\n" for name in sorted(left_out)).encode()
    return files | unproven


def zipped(files: Mapping[str, bytes]) -> bytes:
    """Return files as a zip file. Shape: the same files are always the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name in sorted(files):
            info = zipfile.ZipInfo(name, _SAME_TIME)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = 3  # Unix, on whatever system it is made, for the modes
            info.external_attr = (0o100755 if name == SCRIPT else 0o100644) << 16
            archive.writestr(info, files[name])
    return buffer.getvalue()


def _signed_checkpoint(bundle: Bundle) -> Checkpoint:
    """Read the checkpoint of a bundle as strictly as `check.sh` does. Errors: BundleError."""
    if not _NAME.fullmatch(bundle.name):
        raise BundleError(f"{bundle.name!r} is no plain file name, which a bundle needs")
    if not bundle.origins:
        raise BundleError("there is no entry that a bundle could prove")
    try:
        verifier = VerifierKey.parse(bundle.verifier_line)
        checkpoint = parse_checkpoint(bundle.checkpoint)
    except NoteError as error:
        raise BundleError(f"the checkpoint or its key cannot be read: {error}") from error
    text, _, below = bundle.checkpoint.partition("\n\n")
    is_plain = f"{text}\n" == checkpoint.text and below.count("\n") == 1 and below.endswith("\n")
    if not is_plain or checkpoint.origin != verifier.name:
        raise BundleError("the checkpoint is not of this log, with exactly one signature")
    if not verifier.is_signed(bundle.checkpoint):
        raise BundleError("the checkpoint is not signed by the key that goes into the bundle")
    return checkpoint


def _stamp_files(bundle: Bundle) -> dict[str, bytes]:
    """Return a time stamp and the chain that it is checked with, written as openssl writes it."""
    if bundle.stamp is None:
        return {}
    try:
        chain = x509.load_pem_x509_certificates(bundle.authority or b"")
    except ValueError as error:
        raise BundleError("a time stamp needs the certificates of its authority in PEM") from error
    return {
        STAMP: bundle.stamp,
        AUTHORITY: b"".join(certificate.public_bytes(Encoding.PEM) for certificate in chain),
    }


def _refuse_unproven(bundled: BundledOrigin, checkpoint: Checkpoint) -> None:
    if not _ID.fullmatch(bundled.id):
        raise BundleError(f"{bundled.id!r} is no id of an origin")
    place = (bundled.index, checkpoint.size, bundled.hashes, checkpoint.root)
    if not is_included(leaf_hash(bundled.entry), *place):
        raise BundleError(f"the proof of {bundled.id} does not lead to the checkpoint")


def _named_hashes(bundled: BundledOrigin) -> dict[str, str]:
    """Return what an entry names: files with their hashes or commitments. Errors: BundleError."""
    try:
        fields = read_entry(bundled.entry)
    except ValueError as error:
        raise BundleError(f"the entry of {bundled.id} cannot be read") from error
    if fields.get("id") != bundled.id:
        raise BundleError(f"the entry of {bundled.id} is that of another origin")
    if "events_root" in fields:
        raise BundleError(
            f"the entry of {bundled.id} names more events than fit into it: check it with"
            " `ledger verify`, a bundle cannot prove it"
        )
    hashes: dict[str, str] = {}
    if "body" in fields:
        hashes[f"{bundled.id}.body"] = fields["body"]
    for claim in fields.get("events", []):
        event_file = f"event-{claim['position']}"
        parts = ("state", "details", APART)
        hashes |= {f"{event_file}.{part}": claim[part] for part in parts if part in claim}
    return hashes


def _shown_files(bundled: BundledOrigin, *, facts_only: bool) -> Iterator[tuple[str, bytes]]:
    """Yield what is shown of an origin: contents, and the salts of those that are sealed."""
    if not facts_only:
        yield from _opened_files(f"{bundled.id}.{BODY}", bundled.body, bundled.body_salt)
    for event in bundled.bundled_events:
        yield f"event-{event.position}.state", event.state
        if event.details is not None:
            yield f"event-{event.position}.details", event.details
        if not facts_only:
            name = f"event-{event.position}.{APART}"
            yield from _opened_files(name, event.apart, event.apart_salt)


def _opened_files(
    name: str, content: bytes | None, salt: bytes | None
) -> Iterator[tuple[str, bytes]]:
    if content is None:
        return  # a salt alone would open nothing that is here
    if salt is None or len(salt) != SECRET_BYTES:
        raise BundleError(f"{name} needs a salt of {SECRET_BYTES} bytes, or nobody can check it")
    yield name, content
    yield f"{name}.salt", salt


def _refuse_unlike(
    bundled: BundledOrigin, shown: Mapping[str, bytes], hashes: Mapping[str, str]
) -> None:
    for name, content in shown.items():
        if name.endswith(".salt"):
            continue
        salt = shown.get(f"{name}.salt")
        if salt is None:
            computed = hashlib.sha256(content).hexdigest()
        else:
            computed = opened_commitment(salt, name.rpartition(".")[2], content)
        if hashes.get(name) != computed:
            raise BundleError(f"{name} is not what the entry of {bundled.id} names")


def _checksums(files: Mapping[str, bytes]) -> bytes:
    """Return the SHA-256 of files, as `openssl dgst -r` writes it and `sha256sum -c` reads it."""
    lines = [f"{hashlib.sha256(files[name]).hexdigest()} *{name}\n" for name in sorted(files)]
    return "".join(lines).encode()


def _pages(bundle: Bundle) -> dict[str, bytes]:
    pages = dict(bundle.pages or {})
    for name in pages:
        if not _PAGE.fullmatch(name):
            raise BundleError(f"{name!r} is no plain file name of a page, as `history.html`")
    return pages
