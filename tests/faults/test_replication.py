"""A primary with a synchronous standby: whichever is lost, nothing acknowledged is."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

from tests.conftest import opened
from tests.faults.cluster import Cluster, a_folder, end, running
from tests.faults.crash_run import verified
from tests.faults.outside import Verdict
from tests.faults.platform import Platform
from tests.faults.service import serving
from tests.projections.helpers import eventually


@contextmanager
def a_pair() -> Iterator[tuple[Cluster, Cluster]]:
    """A primary, and a standby without whose word it acknowledges nothing."""
    with a_folder() as place, running(Cluster(place, "first")) as primary:
        standby = Cluster(place, "second")
        try:
            standby.begin_as_standby_of(primary)
            primary.wait_for("second")
            eventually(lambda: primary.execute(SYNCHRONOUS) == [("sync",)])
            yield primary, standby
        finally:
            end(standby)


SYNCHRONOUS = "SELECT sync_state FROM pg_stat_replication"


def either(*clusters: Cluster) -> str:
    """The URL of whichever of them is the primary."""
    options = {
        "host": ",".join("127.0.0.1" for _ in clusters),
        "port": ",".join(str(cluster.port) for cluster in clusters),
        "target_session_attrs": "read-write",
    }
    return f"postgresql://postgres@/postgres?{urlencode(options, safe=',')}"


def test_a_standby_takes_over_without_a_restart_and_without_a_loss(tmp_path: Path) -> None:
    with a_pair() as (primary, standby), serving(tmp_path, either(primary, standby)) as service:
        workers = service.workers()
        platform = Platform(service.url, seed=7, connections=4)
        platform.start()
        eventually(lambda: platform.acknowledged > 100)

        primary.kill()
        eventually(lambda: platform.failures > 0)
        before = platform.acknowledged
        standby.promote()
        eventually(lambda: platform.acknowledged > before + 100)
        record = platform.finish()

        assert verified(service, record) == Verdict()
        assert service.workers() == workers
        assert service.run("verify").returncode == 0


def test_a_server_that_vanishes_is_noticed_by_the_connection_itself() -> None:
    """Nobody says farewell after a power cut: the kernel must give up by itself, and soon."""
    with (
        a_folder() as place,
        running(Cluster(place, "main")) as cluster,
        opened(cluster.url()) as database,
        database.engine.connect() as connection,
    ):
        driver = connection.connection.driver_connection
        assert driver is not None
        with socket.socket(fileno=os.dup(driver.fileno())) as kernel:
            waited = kernel.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
            idle = kernel.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE)

    assert waited == 10_000
    assert idle == 5
