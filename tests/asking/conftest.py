"""The platform's reading services over https, as the simulator plays them, and a ledger beside."""

import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ledger.application import Ledger
from ledger.asking.asker import Asker
from ledger.ipn.asking_access import AskingAccess
from ledger.ipn.shops_and_keys import FORM_HMAC, REST_PASSWORD, Key, Shop
from ledger.settings import Settings
from ledger.simulator.rest_objects import platform_objects
from ledger.simulator.rest_services import Credentials, RestServices
from ledger.simulator.signed_calls import SignedCall, signed_lives
from ledger.simulator.stories import STORIES
from ledger.storage.database import Database
from tests.builders import MASTER_KEYS, receive, shops
from tests.simulator.conftest import FORM_SECRET, REST_SECRET, SHOP_ID
from tests.simulator.journal_reader import platform_in

PASSWORD = "testpassword_Synthetic"
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


@dataclass
class Clock:
    """A clock that goes as far as it is told."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **of: float) -> None:
        self.now += timedelta(**of)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of this machine with its key, signed by itself, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "synthetic")])
    names = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2060, 1, 1, tzinfo=UTC))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "certificate.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


@pytest.fixture(scope="session")
def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture(scope="session")
def played_calls() -> list[SignedCall]:
    lives = signed_lives(platform_in("TEST"), list(STORIES.values()), seed=7, count=len(STORIES))
    return [signed_call for life in lives for signed_call in life]


@pytest.fixture
def services(played_calls: list[SignedCall], tls: ssl.SSLContext) -> Iterator[RestServices]:
    objects = platform_objects(SHOP_ID, "TEST", played_calls)
    with RestServices({Credentials(SHOP_ID, PASSWORD): objects}, slow_seconds=0.2, tls=tls) as run:
        yield run


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def access(services: RestServices, certificate: Path) -> AskingAccess:
    return AskingAccess(SHOP_ID, "TEST", services.host, PASSWORD, authorities_file=certificate)


@dataclass
class Asking:
    """Everything that asking needs."""

    ledger: Ledger
    services: RestServices
    access: AskingAccess
    clock: Clock
    signed_calls: list[SignedCall] = field(repr=False)

    @property
    def asker(self) -> Asker:
        return Asker(self.ledger, clock=self.clock)

    def receive_all_but(self, is_lost: Callable[[SignedCall], bool]) -> None:
        for call in self.signed_calls:
            if not is_lost(call):
                receive(self.ledger, call.body)


@pytest.fixture
def asking(
    database: Database,
    services: RestServices,
    access: AskingAccess,
    clock: Clock,
    played_calls: list[SignedCall],
) -> Asking:
    settings = Settings(database_url="unused", master_keys_file=MASTER_KEYS)
    keys = [(FORM_HMAC, FORM_SECRET), (REST_PASSWORD, REST_SECRET)]
    shop = Shop(SHOP_ID, "", tuple(Key(SHOP_ID, "TEST", *kind_and_key) for kind_and_key in keys))
    ledger = Ledger(settings, shops(shop), database, clock=clock)
    return Asking(ledger, services, access, clock, played_calls)
