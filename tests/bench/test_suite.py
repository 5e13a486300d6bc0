"""The benchmarks' own parts: what they send can be verified, and what they report is right."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from bench import load, paced
from bench.bodies import write_bodies, write_junk
from bench.figures import Goal, Sheet, ratios, write_json
from bench.ground import bench_shops
from bench.ingest import combined
from bench.servers import shops_file
from ledger.errors import NotificationError
from ledger.ipn.delivery import Delivery, Limits
from ledger.ipn.parse import read
from ledger.ipn.shops_and_keys import read_shops


def deliveries(path: Path) -> list[Delivery]:
    lines = path.read_bytes().splitlines()
    return [Delivery("id", datetime.now(UTC), line) for line in lines]


def test_bodies_are_distinct_and_verified_in_both_formats(tmp_path: Path) -> None:
    size = write_bodies(tmp_path / "first", 300, "first")
    write_bodies(tmp_path / "second", 50, "second")

    written = deliveries(tmp_path / "first")
    notifications = [read(delivery, bench_shops(), Limits())[0] for delivery in written]

    assert len({notification.signed_tag for notification in notifications}) == 300
    assert {notification.format for notification in notifications} == {"form-v2", "rest-v4"}
    assert size == sum(len(delivery.body) for delivery in written) // 300
    of_another_round = {delivery.body for delivery in deliveries(tmp_path / "second")}
    assert not of_another_round & {delivery.body for delivery in written}


def test_junk_is_distinct_and_refused(tmp_path: Path) -> None:
    write_junk(tmp_path / "junk", 20, 500)

    junk = deliveries(tmp_path / "junk")
    assert len({delivery.body for delivery in junk}) == 20
    for delivery in junk:
        with pytest.raises(NotificationError):
            read(delivery, bench_shops(), Limits())


def test_servers_know_the_keys_that_signed(tmp_path: Path) -> None:
    (tmp_path / "shops.toml").write_text(shops_file())

    assert read_shops(tmp_path / "shops.toml", {}) == bench_shops()


@pytest.fixture
def answering() -> Iterator[tuple[str, list[bytes]]]:
    """A server that stores what it is sent, and refuses what says so."""
    bodies: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            bodies.append(body)
            self.send_response(400 if b"refuse" in body else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/ipn", bodies
        server.shutdown()
        thread.join()


def test_a_load_sends_every_body_and_counts_what_is_refused(
    answering: tuple[str, list[bytes]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, received = answering
    (tmp_path / "bodies").write_bytes(b"a=1\na=2\na=refuse\na=4\n")
    monkeypatch.setattr(load.shutil, "which", lambda _: None)

    result = load.drive(url, tmp_path / "bodies", clients=2, seconds=0.3, may_repeat=True)

    assert set(received) == {b"a=1", b"a=2", b"a=refuse", b"a=4"}
    assert result.calls == len(received)
    assert result.errors == received.count(b"a=refuse") > 0
    assert 0 < result.p50_ms <= result.p99_ms


def test_a_load_that_runs_out_of_bodies_is_no_measurement(
    answering: tuple[str, list[bytes]], tmp_path: Path
) -> None:
    (tmp_path / "bodies").write_bytes(b"a=1\n")

    with pytest.raises(ValueError, match="only 1 bodies"):
        load.drive(answering[0], tmp_path / "bodies", clients=1, seconds=1)


def test_calls_at_a_pace_are_sent_once_each(answering: tuple[str, list[bytes]]) -> None:
    url, received = answering
    bodies = [b"a=%d" % number for number in range(20)] + [b"a=refuse"]

    result = paced.send_at_pace(url, bodies, per_second=200)

    assert sorted(received) == sorted(bodies)
    assert (result.calls, result.errors) == (21, 1)


def test_figures_say_whether_they_met_their_goals(tmp_path: Path) -> None:
    sheet = Sheet("receiving", "SQLite", "1 round")
    sheet.add("limit", rate=1000.0)
    sheet.add("good", rate=800.0, ratio=0.8, of="limit", goal=Goal(low=0.7))
    sheet.add("bad", rate=600.0, ratio=0.6, of="limit", goal=Goal(low=0.7))
    sheet.add("slow", ratio=3.0, of="limit", goal=Goal(high=2), errors=2)

    write_json(tmp_path / "figures.json", [sheet])

    document = json.loads((tmp_path / "figures.json").read_text())
    assert [figure["verdict"] for figure in document["sheets"][0]["figures"]] == [
        "",
        "met",
        "missed",
        "missed",
    ]
    assert document["machine"]["cores"] >= 1
    lines = sheet.table().splitlines()
    assert [" ".join(line.split()) for line in lines[2:6]] == [
        "limit 1,000",
        "good 800 0.80 limit >= 0.7 met",
        "bad 600 0.60 limit >= 0.7 missed",
        "slow 3.00 limit <= 2 missed 2",
    ]


def test_ratios_are_taken_round_by_round() -> None:
    assert ratios([1, 30, 8], [2, 40, 10]) == 0.75
    assert combined([1000], [1000]) == [500]
