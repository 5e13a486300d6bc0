"""A time stamp counts when an authority gave it for this checkpoint, and for nothing else."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from ledger.proof.timestamps import (
    REPLY_BYTES_MAX,
    REPLY_TYPE,
    AuthorityUnreachableError,
    TimestampError,
    TimestampMismatchError,
    TimestampUnreadableError,
    TimestampUnverifiedError,
    ask,
    checked_reply,
    query,
    verify_token,
)
from tests.proof.bundled import KEY
from tests.proof.stamping import Authority, an_authority, needs_openssl

CHECKPOINT = KEY.sign(f"{KEY.name}\n7\n{'A' * 43}=\n")
OTHER_CHECKPOINT = KEY.sign(f"{KEY.name}\n8\n{'A' * 43}=\n")
GARBAGE = (b"", b"garbage", b"\x30\x80", bytes(100), b"\x30\x05\x30\x03\x02\x01\x00")


@needs_openssl
def test_an_authority_says_when_a_checkpoint_existed(authority: Authority) -> None:
    question = query(CHECKPOINT)

    reply = authority.reply(question)
    token = checked_reply(reply, CHECKPOINT, query=question)

    assert abs(token.at - datetime.now(UTC)) < timedelta(minutes=10)
    assert token.at.utcoffset() == timedelta(0)
    assert (token.der, token.policy) == (reply, "1.3.6.1.4.1.99999.1")
    assert "Clock one" in token.authority
    assert verify_token(reply, CHECKPOINT, authority.chain) == token
    assert verify_token(reply, CHECKPOINT, authority.root) == token


@needs_openssl
def test_every_query_is_another(authority: Authority) -> None:
    first, second = query(CHECKPOINT), query(CHECKPOINT)

    reply = authority.reply(first)

    assert first != second
    assert checked_reply(reply, CHECKPOINT).der == reply
    with pytest.raises(TimestampMismatchError, match="answers another query"):
        checked_reply(reply, CHECKPOINT, query=second)


@needs_openssl
def test_a_stamp_of_another_checkpoint_is_refused(authority: Authority) -> None:
    reply = authority.reply(query(CHECKPOINT))

    for refusing in (checked_reply, lambda *given: verify_token(*given, authority.chain)):
        with pytest.raises(TimestampMismatchError, match="about something else"):
            refusing(reply, OTHER_CHECKPOINT)


@needs_openssl
def test_a_stamp_of_another_authority_is_refused(authority: Authority, tmp_path: Path) -> None:
    other = an_authority(tmp_path / "other")

    reply = other.reply(query(CHECKPOINT))

    assert verify_token(reply, CHECKPOINT, other.chain).der == reply
    with pytest.raises(TimestampUnverifiedError, match="not signed by this authority"):
        verify_token(reply, CHECKPOINT, authority.chain)


@needs_openssl
def test_a_changed_time_is_refused(authority: Authority) -> None:
    reply = authority.reply(query(CHECKPOINT))

    year = f"{datetime.now(UTC):%Y}".encode()
    changed = reply.replace(b"\x18\x0f" + year, b"\x18\x0f2001", 1)

    assert changed != reply
    with pytest.raises(TimestampUnverifiedError):
        verify_token(changed, CHECKPOINT, authority.chain)


@needs_openssl
def test_a_refusal_is_told_with_its_reason(tmp_path: Path) -> None:
    strict = an_authority(tmp_path / "strict", digests="sha512")

    reply = strict.reply(query(CHECKPOINT))

    with pytest.raises(TimestampError, match=r"gave no time stamp \(rejection, .+\)") as refused:
        checked_reply(reply, CHECKPOINT)
    assert refused.value.code == "timestamp-refused"


@pytest.mark.parametrize("reply", GARBAGE)
def test_garbage_is_no_reply(reply: bytes) -> None:
    with pytest.raises(TimestampError):
        checked_reply(reply, CHECKPOINT)


@needs_openssl
@pytest.mark.parametrize("question", [*GARBAGE, b"\x30\x82", b"\x30\x83\x01\x00\x00"])
def test_a_reply_to_garbage_is_no_reply(authority: Authority, question: bytes) -> None:
    reply = authority.reply(query(CHECKPOINT))

    with pytest.raises(TimestampError):
        checked_reply(reply, CHECKPOINT, query=question)


@needs_openssl
@pytest.mark.parametrize("chain", [b"", b"garbage", None])
def test_a_chain_without_a_root_verifies_nothing(authority: Authority, chain: bytes | None) -> None:
    reply = authority.reply(query(CHECKPOINT))
    without_root = authority.chain.removesuffix(authority.root)

    with pytest.raises(TimestampUnreadableError):
        verify_token(reply, CHECKPOINT, without_root if chain is None else chain)


@needs_openssl
def test_a_damaged_reply_is_refused(authority: Authority) -> None:
    reply = authority.reply(query(CHECKPOINT))

    for end in range(0, len(reply), 97):
        with pytest.raises(TimestampError):
            verify_token(reply[:end], CHECKPOINT, authority.chain)


def test_an_authority_is_asked_with_a_query() -> None:
    question = query(CHECKPOINT)

    with answering(lambda got, kind: (200, REPLY_TYPE, kind.encode() + b" " + got)) as url:
        reply = ask(url, question)

    assert reply == b"application/timestamp-query " + question


@pytest.mark.parametrize(
    ("status", "kind", "content", "message"),
    [
        (500, REPLY_TYPE, b"", "127.0.0.1 answered 500"),
        (302, REPLY_TYPE, b"", "127.0.0.1 answered 302"),
        (200, "text/html", b"<p>", "something other than a time stamp"),
        (200, REPLY_TYPE, bytes(REPLY_BYTES_MAX + 1), "more than 100000 bytes"),
    ],
)
def test_an_answer_that_is_no_reply_is_refused(
    status: int, kind: str, content: bytes, message: str
) -> None:
    with (
        answering(lambda *_: (status, kind, content)) as url,
        pytest.raises(AuthorityUnreachableError, match=message),
    ):
        ask(f"{url}?password=secret", b"query")


def test_who_does_not_answer_is_named_without_secrets() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]

    with pytest.raises(AuthorityUnreachableError, match=r"127\.0\.0\.1 cannot be") as refused:
        ask(f"http://user:secret@127.0.0.1:{port}/?password=secret", b"query")

    assert "secret" not in str(refused.value)
    for url in ("not an address", "http://[", "http://.", "ftp://127.0.0.1"):
        with pytest.raises(AuthorityUnreachableError):
            ask(url, b"query")


@contextmanager
def answering(respond: Callable[[bytes, str], tuple[int, str, bytes]]) -> Iterator[str]:
    """Serve an authority that answers what it is told to; yield its address."""

    class Answering(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, kind, content = respond(body, self.headers["Content-Type"])
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Location", "/elsewhere")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Answering) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/stamp"
        finally:
            server.shutdown()
            thread.join()
