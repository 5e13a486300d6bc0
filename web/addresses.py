"""Where a call came from, as far as its proxies can be believed."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address

from flask import Request, request

from ledger.settings import Network
from web.context import context

Address = IPv4Address | IPv6Address


def client_address(call: Request, trusted: Sequence[Network]) -> str:
    """Return the peer, or the first hop from the right that is no trusted proxy; empty for none.

    A server may join, drop or override repeated headers, so a proxy must replace
    `X-Forwarded-For`, or append to it, and pass on no header `X_Forwarded_For`.
    """
    client = read_address(call.remote_addr or "")
    hops = call.headers.get("X-Forwarded-For", "").split(",")
    while client is not None and hops and any(client in network for network in trusted):
        hop = read_address(hops.pop())
        if hop is None:
            break
        client = hop
    return "" if client is None else str(client)


def peer() -> str:
    """Return the address of whoever sent this request."""
    return client_address(request, context().settings.trusted_proxies) or "unknown"


def read_address(written: str) -> Address | None:
    """Read an address as proxies write it: bare, with a port, or in brackets."""
    written = written.strip()
    if written.startswith("["):
        written = written[1:].partition("]")[0]
    elif written.count(":") == 1:
        written = written.partition(":")[0]
    try:
        address = ip_address(written)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
