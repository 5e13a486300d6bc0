"""A time stamp authority for a test: two certificates and `openssl ts -reply`."""

import shutil
import subprocess
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

needs_openssl = pytest.mark.skipif(
    shutil.which("openssl") is None, reason="openssl is missing: apt-get install openssl"
)

_CONFIG = """\
[req]
distinguished_name = name
[name]
[ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
subjectKeyIdentifier = hash
[tsa]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
authorityKeyIdentifier = keyid
[stamping]
serial = serial
signer_cert = tsa.pem
signer_key = tsa.key
signer_digest = sha256
default_policy = 1.3.6.1.4.1.99999.1
digests = {digests}
ess_cert_id_alg = sha256
tsa_name = yes
"""


@dataclass(frozen=True)
class Authority:
    """What a throw-away authority has: a folder with its keys, its certificates and its serial."""

    folder: Path

    @property
    def chain(self) -> bytes:
        """Its own certificate and that of its root, in PEM."""
        return (self.folder / "tsa.pem").read_bytes() + self.root

    @property
    def root(self) -> bytes:
        return (self.folder / "ca.pem").read_bytes()

    def certify(self, begin: datetime, end: datetime) -> None:
        """Give it another certificate for the same key, valid between two instants."""
        old = x509.load_pem_x509_certificate((self.folder / "tsa.pem").read_bytes())
        root_key = load_pem_private_key((self.folder / "ca.key").read_bytes(), None)
        assert isinstance(root_key, EllipticCurvePrivateKey)
        builder = x509.CertificateBuilder(old.issuer, old.subject, old.public_key())
        builder = builder.serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(begin).not_valid_after(end)
        for extension in old.extensions:
            builder = builder.add_extension(extension.value, extension.critical)
        renewed = builder.sign(root_key, SHA256())
        (self.folder / "tsa.pem").write_bytes(renewed.public_bytes(Encoding.PEM))

    def reply(self, query: bytes) -> bytes:
        """Answer a query as the authority of this folder does."""
        (self.folder / "query").write_bytes(query)
        _openssl(
            self.folder, *("ts", "-reply", "-config", "config", "-section", "stamping"),
            *("-queryfile", "query", "-out", "reply"),
        )  # fmt: skip
        return (self.folder / "reply").read_bytes()


def an_authority(folder: Path, *, digests: str = "sha256, sha384") -> Authority:
    """Make an authority. Shape: it refuses a query whose hash is of no digest named here."""
    folder.mkdir()
    (folder / "config").write_text(_CONFIG.format(digests=digests))
    (folder / "serial").write_text("01\n")
    for name in ("ca", "tsa"):
        _openssl(
            folder, *("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-out", f"{name}.key"),
        )  # fmt: skip
    common = ("-config", "config", "-sha256", "-days", "30")
    _openssl(
        folder, *("req", "-x509", "-new", "-key", "ca.key", "-subj", f"/CN=Root {folder.name}"),
        *("-extensions", "ca", "-out", "ca.pem", *common),
    )  # fmt: skip
    _openssl(
        folder, *("req", "-new", "-key", "tsa.key", "-subj", f"/CN=Clock {folder.name}"),
        *("-config", "config", "-out", "tsa.csr"),
    )  # fmt: skip
    _openssl(
        folder, *("x509", "-req", "-in", "tsa.csr", "-CA", "ca.pem", "-CAkey", "ca.key"),
        *("-CAcreateserial", "-extfile", "config", "-extensions", "tsa"),
        *("-sha256", "-days", "30", "-out", "tsa.pem"),
    )  # fmt: skip
    return Authority(folder)


def _openssl(folder: Path, *arguments: str) -> None:
    done = subprocess.run(
        ["openssl", *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
