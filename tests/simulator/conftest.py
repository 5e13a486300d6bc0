"""A synthetic shop with a key for each format, and a tiny service that remembers its posts."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ledger.ipn.shops_and_keys import FORM_HMAC, REST_PASSWORD, Key, Shop, Shops
from ledger.simulator.signed_calls import SyntheticPlatform, synthetic_platform

SHOP_ID = "12345678"
FORM_SECRET = "SyntheticFormKey01"
REST_SECRET = "testpassword_SyntheticKey0123456789"


@pytest.fixture
def shops() -> Shops:
    keys = (
        Key(SHOP_ID, "TEST", FORM_HMAC, FORM_SECRET),
        Key(SHOP_ID, "TEST", REST_PASSWORD, REST_SECRET),
    )
    return Shops({SHOP_ID: Shop(SHOP_ID, "Boutique", keys)})


@pytest.fixture
def platform(shops: Shops) -> SyntheticPlatform:
    return synthetic_platform(shops, SHOP_ID, "TEST")


@pytest.fixture
def shops_file(tmp_path: Path) -> Path:
    path = tmp_path / "shops.toml"
    path.write_text(
        f'[[shops]]\nid = "87654321"\nname = "Keyless"\n'
        f'[[shops]]\nid = "{SHOP_ID}"\nname = "Boutique"\n'
        f'[[shops.keys]]\nmode = "TEST"\nkind = "{FORM_HMAC}"\nsecret = "{FORM_SECRET}"\n'
        f'[[shops.keys]]\nmode = "TEST"\nkind = "{REST_PASSWORD}"\nsecret = "{REST_SECRET}"\n',
        encoding="utf-8",
    )
    return path


@dataclass
class Service:
    """Answers every POST the same way and remembers the paths, bodies and connections."""

    status: int = 200
    answer: bytes = b"OK recorded 1\n"
    location: str | None = None
    delay_seconds: float = 0
    url: str = ""
    posts: list[tuple[str, bytes]] = field(default_factory=list)
    connections: set[tuple[str, int]] = field(default_factory=set)


@pytest.fixture
def serve() -> Iterator[Callable[[Service], Service]]:
    servers: list[ThreadingHTTPServer] = []

    def start(service: Service) -> Service:
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(service))
        server.daemon_threads = True
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        service.url = f"http://127.0.0.1:{server.server_port}"
        return service

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def _handler(service: Service) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            service.posts.append((self.path, body))
            service.connections.add(self.client_address)
            threading.Event().wait(service.delay_seconds)
            self.send_response(service.status)
            self.send_header("Content-Length", str(len(service.answer)))
            if service.location:
                self.send_header("Location", service.location)
            self.end_headers()
            self.wfile.write(service.answer)

        def log_message(self, *_: object) -> None:
            pass

    return Handler
