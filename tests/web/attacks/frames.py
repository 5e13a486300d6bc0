"""Requests whose end is unclear, or that are no requests at all, byte by byte."""

SMUGGLED = b"POST /ipn/99999999/test HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\nsmuggled"
_HOST = "Host: x\r\n"


def framed(*headers: str, body: bytes = b"") -> bytes:
    lines = "".join(f"{header}\r\n" for header in headers)
    return f"POST /ipn HTTP/1.1\r\n{_HOST}{lines}\r\n".encode("latin-1") + body


CHUNKED = "Transfer-Encoding: chunked"
END = b"0\r\n\r\n"

FRAMES: dict[str, bytes] = {
    "length-and-chunks": framed("Content-Length: 5", CHUNKED, body=END + SMUGGLED),
    "chunks-and-length": framed(CHUNKED, f"Content-Length: {len(END + SMUGGLED)}", body=END),
    "two-lengths": framed("Content-Length: 0", f"Content-Length: {len(SMUGGLED)}", body=SMUGGLED),
    "length-list": framed("Content-Length: 0, 90", body=SMUGGLED),
    "length-with-plus": framed("Content-Length: +0", body=SMUGGLED),
    "length-negative": framed("Content-Length: -1", body=SMUGGLED),
    "length-hex": framed("Content-Length: 0x5A", body=SMUGGLED),
    "length-huge": framed(f"Content-Length: {'9' * 40}", body=SMUGGLED),
    "length-blank-before-colon": framed("Content-Length : 90", body=SMUGGLED),
    "encoding-unknown": framed("Transfer-Encoding: xchunked", body=END + SMUGGLED),
    "encoding-list": framed("Transfer-Encoding: chunked, identity", body=END + SMUGGLED),
    "encoding-tab": framed("Transfer-Encoding:\tchunked", "Content-Length: 5", body=END + SMUGGLED),
    "encoding-folded": framed("Transfer-Encoding:\r\n chunked", body=END + SMUGGLED),
    "encoding-underscore": framed("Transfer_Encoding: chunked", "Content-Length: 5",
                                  body=END),
    "chunk-size-overflow": framed(CHUNKED, body=b"FFFFFFFFFFFFFFFFF\r\nx\r\n" + END),
    "chunk-size-negative": framed(CHUNKED, body=b"-1\r\nx\r\n" + END),
    "chunk-bare-newline": framed(CHUNKED, body=b"1\nx\n0\n\n" + SMUGGLED),
    "chunk-extension": framed(CHUNKED, body=b"1;" + b"a" * 20_000 + b"\r\nx\r\n" + END),
    "trailers": framed(CHUNKED, body=b"1\r\nx\r\n0\r\nContent-Length: 90\r\n\r\n"),
    "nul-in-header": framed("X: a\0b", "Content-Length: 0"),
    "newline-in-header": framed("X: a\nTransfer-Encoding: chunked", "Content-Length: 0", body=END),
    "many-headers": framed(*(f"X-{n}: a" for n in range(2_000)), "Content-Length: 0"),
    "endless-header": framed("X: " + "a" * 200_000, "Content-Length: 0"),
    "http-0.9": b"POST /ipn\r\n\r\n",
    "http-2-preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "tls-hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 500,
    "absolute-path": b"POST http://192.0.2.1/ipn HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
    "expect": framed("Expect: 100-continue", "Content-Length: 1", body=b"x"),
    "upgrade": framed("Connection: Upgrade", "Upgrade: h2c", "Content-Length: 0"),
}  # fmt: skip
