"""A server with the two roles that the shipped script makes, which asks for their passwords."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from tests.cli.running import run, shops_file
from tests.faults.cluster import Cluster, a_folder, end

ROOT = Path(__file__).resolve().parents[2]
OWNER, SERVICE = "ledger_owner", "ledger_service"


@dataclass(frozen=True)
class Roles:
    """A server with both roles, and the files that hold their passwords."""

    cluster: Cluster
    folder: Path

    def url(self, role: str, database: str = "ledger") -> str:
        place = f"127.0.0.1:{self.cluster.port}/{database}"
        return f"postgresql://{role}@{place}?passfile={self.folder}/{role}.pgpass"

    def connect(self, role: str) -> "psycopg.Connection[tuple[object, ...]]":
        return psycopg.connect(self.url(role), autocommit=True)

    def run(self, role: str, *arguments: str, database: str = "ledger") -> tuple[int, str]:
        done = run(self.url(role, database), shops_file(self.folder), *arguments)
        return done.exit_code, done.output


@contextmanager
def two_roles(folder: Path) -> Iterator[Roles]:
    """A server of its own with both roles, and a ledger in it that nothing has happened to yet."""
    with a_folder() as place:
        cluster = Cluster(place, "roles")
        cluster.create()
        entries = cluster.data / "pg_hba.conf"
        by_password = f"host all {OWNER},{SERVICE} 127.0.0.1/32 scram-sha-256\n"
        entries.write_text(by_password + entries.read_text())
        try:
            cluster.start()
            made = Roles(cluster, folder)
            for role in (OWNER, SERVICE):
                path = made.folder / f"{role}.pgpass"
                path.touch(0o600)
                path.write_text(f"*:*:*:{role}:password-of-{role}\n")
            script = (ROOT / "deploy" / "roles.sql").read_text()
            cluster.run_script(
                script,
                LEDGER_OWNER_PASSWORD=f"password-of-{OWNER}",
                LEDGER_SERVICE_PASSWORD=f"password-of-{SERVICE}",
            )
            code, output = made.run(OWNER, "migrate", "--service-role", SERVICE)
            assert (code, output.splitlines()[0]) == (0, "applied 0001")
            yield made
        finally:
            end(cluster)
