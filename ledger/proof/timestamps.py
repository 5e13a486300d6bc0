"""Time stamps over checkpoints, by which an outside authority says when a log was already so.

Source: RFC 3161. The authority sees the hash of a checkpoint and nothing else. Its reply is kept as
it came; `openssl ts` reads it as well.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

import requests
from cryptography import x509
from rfc3161_client import (
    HashAlgorithm,
    PKIStatus,
    TimestampRequestBuilder,
    TimeStampResponse,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from ledger.errors import LedgerError

TIMEOUT_SECONDS = 30
REPLY_BYTES_MAX = 100_000
QUERY_TYPE, REPLY_TYPE = "application/timestamp-query", "application/timestamp-reply"

_SHA256 = x509.ObjectIdentifier("2.16.840.1.101.3.4.2.1")
_INTEGER, _SEQUENCE = 0x02, 0x30


class TimestampError(LedgerError, code="timestamp-refused"):
    """A time stamp that was not given, or that proves nothing about a checkpoint."""


class AuthorityUnreachableError(TimestampError, code="timestamp-authority-unreachable"):
    """The authority gave no time stamp that could be looked at; try again, or ask another one."""


class TimestampUnreadableError(TimestampError, code="timestamp-unreadable"):
    """The bytes are no query, no reply or no certificates."""


class TimestampMismatchError(TimestampError, code="timestamp-mismatch"):
    """The reply answers another query, or is about another checkpoint."""


class TimestampUnverifiedError(TimestampError, code="timestamp-unverified"):
    """The authority that was named did not sign this, as far as its certificates tell."""


@dataclass(frozen=True, slots=True)
class Token:
    """What an authority says: that a checkpoint existed at an instant.

    Shape: `der` is the whole reply; `authority` is its own name for itself, empty without one;
    `policy` is the object identifier of the rules that it follows.
    """

    at: datetime
    der: bytes = field(repr=False)
    serial: int
    policy: str
    authority: str


def query(checkpoint: str) -> bytes:
    """Return what to ask an authority about a signed checkpoint, in DER.

    Shape: the SHA-256 of the file, a new nonce, and the wish for certificates.
    """
    builder = TimestampRequestBuilder().data(checkpoint.encode())
    return (
        builder.hash_algorithm(HashAlgorithm.SHA256)
        .nonce(nonce=True)
        .cert_request(cert_request=True)
        .build()
        .as_bytes()
    )


def checked_reply(reply: bytes, checkpoint: str, *, query: bytes | None = None) -> Token:
    """Read a reply, and refuse one that does not answer the query about this checkpoint.

    Shape: this does not tell who signed it; `verify_token` does. Errors: TimestampError.
    """
    response = _granted(reply)
    try:
        info = response.tst_info
        imprint = info.message_imprint
        is_same = imprint.message == hashlib.sha256(checkpoint.encode()).digest()
        if imprint.hash_algorithm != _SHA256 or not is_same:
            raise TimestampMismatchError(
                "the time stamp is about something else: give the very checkpoint file it was"
                " asked for"
            )
        if query is not None and info.nonce != _nonce(query):
            raise TimestampMismatchError(
                "the time stamp answers another query: make a new query and ask again"
            )
        authority = "" if info.name is None else _name(info.name)
        policy = info.policy.dotted_string
        return Token(info.gen_time, reply, info.serial_number, policy, authority)
    except ValueError as error:
        raise TimestampUnreadableError(_UNREADABLE) from error


def verify_token(reply: bytes, checkpoint: str, authority_pem: bytes) -> Token:
    """Read a reply, and refuse one that this authority did not sign at a time it was allowed to.

    Shape: the certificates are a chain in PEM up to one that has signed itself.
    Errors: TimestampError.
    """
    token = checked_reply(reply, checkpoint)
    builder = VerifierBuilder()
    for certificate in _certificates(authority_pem):
        if certificate.issuer == certificate.subject:
            builder = builder.add_root_certificate(certificate)
        else:
            builder = builder.add_intermediate_certificate(certificate)
    try:
        builder.build().verify_message(decode_timestamp_response(reply), checkpoint.encode())
    except (VerificationError, ValueError) as error:
        if any(phrase in str(error) for phrase in _OUT_OF_TIME):
            raise TimestampUnverifiedError(
                f"a certificate of the authority was not valid at {token.at:%Y-%m-%d %H:%M:%S} UTC,"
                " when it gave the time stamp: it is over, or had not begun. Ask another authority"
            ) from error
        raise TimestampUnverifiedError(
            f"the time stamp is not signed by this authority: {error}. Ask the authority for its"
            " chain of certificates, root included"
        ) from error
    return token


def ask(url: str, query: bytes) -> bytes:
    """Send a query to an authority and return its reply, unchecked.

    Errors: AuthorityUnreachableError, which names the host alone.
    """
    host = _host(url)
    headers = {"Content-Type": QUERY_TYPE, "Accept": REPLY_TYPE, "Accept-Encoding": "identity"}
    try:
        with requests.post(
            url,
            data=query,
            headers=headers,
            timeout=TIMEOUT_SECONDS,
            stream=True,
            allow_redirects=False,  # `requests` would go on with GET
        ) as response:
            _refuse_other_than_reply(response, host)
            return _limited(response.iter_content(8_192), host)
    except requests.RequestException as error:
        raise AuthorityUnreachableError(
            f"{host} cannot be reached ({type(error).__name__}): check its address and the network,"
            " or carry the query to it as a file"
        ) from error


_OUT_OF_TIME = ("certificate has expired", "certificate is not yet valid")
"""What OpenSSL says of a chain at the time of the token, which is when it is looked at."""
_UNREADABLE = (
    "this cannot be read as the reply of a time stamp authority (RFC 3161, in strict DER): ask it"
    " again, or another one"
)


def _host(url: str) -> str:
    """Return what may be said of an address, in which there can be a password."""
    try:
        return urlsplit(url).hostname or "the authority"
    except ValueError:
        return "the authority"


def _granted(reply: bytes) -> TimeStampResponse:
    try:
        response = decode_timestamp_response(reply)
        status = PKIStatus(response.status)
    except ValueError as error:
        raise TimestampUnreadableError(_UNREADABLE) from error
    if status is not PKIStatus.GRANTED:
        reasons = "; ".join(response.status_string) or "without a reason"
        raise TimestampError(
            f"the authority gave no time stamp ({status.name.lower()}, {reasons}): ask it again,"
            " or another one"
        )
    return response


def _certificates(authority_pem: bytes) -> list[x509.Certificate]:
    try:
        certificates = x509.load_pem_x509_certificates(authority_pem)
    except ValueError as error:
        raise TimestampUnreadableError(
            "the authority's chain cannot be read: give its certificates in PEM"
        ) from error
    if not any(certificate.issuer == certificate.subject for certificate in certificates):
        raise TimestampUnreadableError(
            "the authority's chain has no root: add the certificate that has signed itself"
        )
    return list(dict.fromkeys(certificates))


def _name(general_name: object) -> str:
    """Return the name of an authority, of whatever kind it is."""
    value = getattr(general_name, "value", general_name)
    return value.rfc4514_string() if isinstance(value, x509.Name) else str(value)


def _refuse_other_than_reply(response: requests.Response, host: str) -> None:
    if response.status_code != requests.codes.ok:
        raise AuthorityUnreachableError(
            f"{host} answered {response.status_code}: check its address, or try again later"
        )
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind != REPLY_TYPE:
        raise AuthorityUnreachableError(
            f"{host} answered with something other than a time stamp: check its address"
        )


def _limited(chunks: Iterator[bytes], host: str) -> bytes:
    reply = bytearray()
    for chunk in chunks:
        reply += chunk
        if len(reply) > REPLY_BYTES_MAX:
            raise AuthorityUnreachableError(
                f"{host} answered with more than {REPLY_BYTES_MAX} bytes: that is no time stamp"
            )
    return bytes(reply)


def _nonce(query: bytes) -> int | None:
    """Return the nonce of a query: its second integer, of which the first is the version."""
    parts = dict(_der_parts(query)).get(_SEQUENCE, b"")
    integers = [content for tag, content in _der_parts(parts) if tag == _INTEGER]
    return int.from_bytes(integers[1], "big", signed=True) if len(integers) > 1 else None


def _der_parts(der: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the parts that follow each other in DER, each with its tag. Errors: ValueError."""
    while der:
        if len(der) < 2 or der[1] > 0x82 or der[1] == 0x80:
            raise ValueError("this is no DER")
        start, length = 2, der[1]
        if length > 0x80:
            start = 2 + length - 0x80
            length = int.from_bytes(der[2:start], "big")
        if len(der) < start + length:
            raise ValueError("this DER is cut off")
        yield der[0], der[start : start + length]
        der = der[start + length :]
