"""Where a call came from, as far as its proxies can be believed."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from flask import Request, request

from ledger.settings import Network
from web.context import context

Address = IPv4Address | IPv6Address

NETWORK_BITS, SITE_BITS = 64, 48
"""Of an IPv6 address: what every line has, and what a provider may give to one customer."""


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


def peer_network() -> str:
    """Return what whoever sent this request has for certain, to count by."""
    return network_of(peer())


def peer_site() -> str:
    """Return what whoever sent this request may have, to count by at ten times the rate."""
    return site_of(peer())


def network_of(address: str) -> str:
    """Return the network of one caller: an IPv4 address alone, or the /64 of an IPv6 address."""
    return _prefix(address, NETWORK_BITS)


def site_of(address: str) -> str:
    """Return the largest network that one caller gets for the asking: the /48 of IPv6."""
    return _prefix(address, SITE_BITS)


def _prefix(address: str, bits: int) -> str:
    client = read_address(address)
    if not isinstance(client, IPv6Address):
        return address if client is None else str(client)
    return str(IPv6Network((int(client), bits), strict=False))


def is_within(address: str, networks: Sequence[Network]) -> bool:
    """Return True if an address belongs to one of these networks."""
    client = read_address(address)
    return client is not None and any(client in network for network in networks)


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
