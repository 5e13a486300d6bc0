"""What is only ever appended is frozen by the first vacuum that the server does by itself."""

import pytest

from ledger.simulator.bulk import fill
from ledger.storage.migrations import migrate
from tests.builders import SHOP_ID, a_ledger
from tests.conftest import opened
from tests.faults.cluster import Cluster, a_folder, running
from tests.projections.helpers import eventually

EVENTS = 3_000
"""More than the server lets pass without a vacuum."""
TABLES = ("events", "notifications")
OFTEN = ("autovacuum = on", "autovacuum_naptime = '1s'")
VACUUMED = (
    "SELECT count(*) FROM pg_stat_user_tables"
    " WHERE relname IN ('events', 'notifications') AND autovacuum_count > 0"
)
SHARE = "SELECT relallfrozen::float / relpages FROM pg_class WHERE oid = '{}'::regclass"
FIRST_VERSION = 180_000
"""That counts frozen pages without an extension."""


def test_pages_are_frozen_by_the_first_vacuum() -> None:
    with a_folder() as place, running(Cluster(place, "freezing")) as cluster:
        ((version,),) = cluster.execute("SHOW server_version_num")
        if int(str(version)) < FIRST_VERSION:
            pytest.skip("it takes PostgreSQL 18 to count frozen pages")
        cluster.execute("ALTER SYSTEM SET autovacuum = off")
        cluster.execute("SELECT pg_reload_conf()")
        with opened(cluster.url()) as database:
            migrate(database)
            fill(a_ledger(database), SHOP_ID, "TEST", events=EVENTS, seed=7)

        for setting in OFTEN:
            cluster.execute(f"ALTER SYSTEM SET {setting}")
        cluster.execute("SELECT pg_reload_conf()")
        eventually(lambda: cluster.execute(VACUUMED) == [(len(TABLES),)])

        shares = {table: cluster.execute(SHARE.format(table))[0][0] for table in TABLES}
        assert min(shares.values()) >= 0.95, shares  # type: ignore[type-var]  # numbers
