"""Tells the operator of a proxy in front that is not believed, behind which all callers are one."""

from collections.abc import Sequence
from ipaddress import ip_address

import structlog
from flask import Flask, Request, request

from ledger.operations.logs import network
from ledger.settings import Network
from web.addresses import read_address
from web.context import context, context_of

LOGGED_MAX = 32
"""Peers that each process names in its log, so that strangers cannot fill it with theirs."""

_FORWARDING = ("X-Forwarded-For", "Forwarded", "X-Real-Ip")

log = structlog.get_logger("web")


def untrusted_proxy(call: Request, trusted: Sequence[Network]) -> str | None:
    """Return the address of a peer that passes a call on for somebody whom we do not get to know.

    It is not trusted, or tells the address in a header that is not read.
    """
    peer = read_address(call.remote_addr or "")
    names = [name for name in _FORWARDING if call.headers.get(name, "").strip()]
    if peer is None or not names:
        return None
    is_believed = names[0] == _FORWARDING[0] and any(peer in network for network in trusted)
    return None if is_believed else str(peer)


def watch_for_proxies(app: Flask) -> None:
    """Count every call through such a proxy, and log each proxy once.

    One with an address of the public network may be a stranger who claims to be a proxy.
    """
    logged: set[str] = set()
    trusted = context_of(app).settings.trusted_proxies

    def note() -> None:
        proxy = untrusted_proxy(request, trusted)
        if proxy is None:
            return
        is_near = not ip_address(proxy).is_global
        context().metrics.not_believed("private" if is_near else "public")
        place = proxy if is_near else network(proxy)
        if place not in logged and (is_near or len(logged) < LOGGED_MAX):
            logged.add(place)
            log.warning("proxy.not_trusted", peer=place, mend="see LEDGER_TRUSTED_PROXIES")

    app.before_request(note)
