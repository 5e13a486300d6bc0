"""A typed client is generated from the document of a running service, and used against it."""

import html
import importlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from ledger.aggregates.event_catalogue import EVENT_CLASSES
from tests.builders import SHOP_ID
from tests.cli.running import shops_file
from tests.conftest import opened
from tests.serving import Service, serving
from tests.web.documented_examples import PAYMENT, PLAN, a_service
from web.api.event_schemas import event_schema_name

PACKAGE = "ledger_client"
TOOLS = Path(sys.executable).parent
UUID = PAYMENT["vads_trans_uuid"]


@pytest.fixture(scope="module")
def service(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with every event, in its own process."""
    folder = tmp_path_factory.mktemp("served")
    url = f"sqlite:///{folder}/ledger.sqlite"
    shutil.copyfile(sqlite_template, folder / "ledger.sqlite")
    with opened(url) as database:
        a_service(database)
    with serving(folder, url, shops_file(folder)) as service:
        yield service


@pytest.fixture(scope="module")
def generated(
    service: Service, tmp_path_factory: pytest.TempPathFactory
) -> Iterator["subprocess.CompletedProcess[str]"]:
    """The generator's run; its package can be imported then."""
    folder = tmp_path_factory.mktemp("generated")
    document = f"{service.url}/api/v1/openapi.json"
    command = [TOOLS / "openapi-python-client", "generate", "--url", document, "--meta", "none"]
    run = subprocess.run(
        [*command, "--output-path", folder / PACKAGE],
        env=os.environ | {"PATH": f"{TOOLS}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    sys.path.insert(0, str(folder))
    yield run
    sys.path.remove(str(folder))
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        del sys.modules[name]


@pytest.fixture(scope="module")
def models(generated: "subprocess.CompletedProcess[str]") -> Any:
    return importlib.import_module(f"{PACKAGE}.models")


@pytest.fixture(scope="module")
def client(service: Service, models: Any) -> Iterator[Any]:
    with a_client(service, service.token("operator")) as client:
        yield client


def a_client(service: Service, token: str) -> Any:
    return importlib.import_module(PACKAGE).AuthenticatedClient(base_url=service.url, token=token)


def operation(path: str) -> Any:
    """Return an operation of the client. Shape: `lists.list_transactions`."""
    return importlib.import_module(f"{PACKAGE}.api.{path}").sync


def test_the_generator_has_nothing_to_remark(
    generated: "subprocess.CompletedProcess[str]", models: Any
) -> None:
    assert (generated.returncode, generated.stderr) == (0, "")
    assert generated.stdout.splitlines() == [generated.stdout.strip()], "only what it generates"
    assert issubclass(models.Mode, str)


def test_a_list_is_typed(client: Any, models: Any) -> None:
    page = operation("lists.list_transactions")(client=client, mode=models.Mode.TEST, limit=500)

    assert isinstance(page, models.TransactionPage)
    (payment,) = (item for item in page.items if item.uuid == UUID)
    assert isinstance(payment, models.Transaction)
    assert isinstance(payment.first_seen_at, datetime)
    assert isinstance(payment.created_at, datetime)
    assert (payment.amount_minor, payment.currency) == (2990, "EUR")
    assert payment.mode is models.Mode.TEST
    assert payment.links.history.endswith(f"/transactions/{UUID}/history")


def test_a_list_is_read_to_its_end(client: Any) -> None:
    list_transactions, references, cursor = operation("lists.list_transactions"), [], None

    while True:
        more = {} if cursor is None else {"cursor": cursor}
        page = list_transactions(client=client, limit=60, **more)
        references += [item.reference for item in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break

    assert len(references) > 60


def test_every_list_is_read(client: Any, models: Any) -> None:
    pages = {
        "lists.list_aliases": models.AliasPage,
        "lists.list_subscriptions": models.SubscriptionPage,
        "lists.list_orders": models.OrderPage,
        "lists.list_totals": models.TotalPage,
        "lists.list_audit_trail": models.AuditTrailPage,
        "notifications.list_notifications": models.NotificationPage,
        "administration.list_projections": models.ProjectionsAnswer,
        "administration.list_accesses": models.AccessLogPage,
    }

    for path, page_class in pages.items():
        page = operation(path)(client=client)
        assert isinstance(page, page_class), path
        assert page.items or path == "administration.list_accesses"
    total = operation("lists.list_totals")(client=client, day_from=date(2026, 1, 1)).items[0]
    assert isinstance(total.day, date)


def test_an_object_is_typed_and_is_what_its_list_has(client: Any, models: Any) -> None:
    of_shop = {"shop_id": SHOP_ID, "mode": models.Mode.TEST, "client": client}

    payment = operation("items.get_transaction")(name=UUID, **of_shop)
    plan = operation("items.get_subscription")(name=PLAN["vads_subscription"], **of_shop)
    order = operation("orders.get_order")(name=PAYMENT["vads_order_id"], **of_shop)

    assert isinstance(payment, models.Transaction)
    assert payment.details.additional_properties
    assert isinstance(plan.effect_on, date)
    assert isinstance(plan.instalments[0].created_at, datetime)
    assert isinstance(order.balances[0].captured_minor, int)
    assert {type(transaction) for transaction in order.transactions} == {models.Transaction}


def test_an_event_has_the_class_of_its_type(client: Any, models: Any) -> None:
    events, after = [], 0
    while page := operation("events.list_events")(client=client, after=after, limit=500):
        if not page.items:
            break
        events += page.items
        after = page.next_after

    assert {event.type_ for event in events} == set(EVENT_CLASSES)
    for event in events:
        assert type(event).__name__ == event_schema_name(event.type_)
    captured = next(event for event in events if isinstance(event, models.TransactionCapturedEvent))
    assert isinstance(captured.recorded_at, datetime)
    assert isinstance(captured.data.facts, models.TransactionFacts)
    assert isinstance(captured.data.facts.amount_minor, int)
    assert isinstance(captured.data.facts.created_at, datetime)


def test_a_history_is_made_of_the_same_events(client: Any, models: Any) -> None:
    history = operation("items.get_transaction_history")(
        shop_id=SHOP_ID, mode=models.Mode.TEST, name=UUID, client=client
    )

    first = history.events[0]
    assert isinstance(first, models.TransactionPaymentAcceptedEvent)
    assert {change.name for change in first.changes} >= {"uuid", "status", "amount_minor"}


def test_a_refusal_is_a_problem_with_a_code(service: Service, client: Any, models: Any) -> None:
    list_transactions = operation("lists.list_transactions")
    of_shop = {"shop_id": SHOP_ID, "mode": models.Mode.TEST, "client": client}

    with a_client(service, "ipnl_unknown") as stranger:
        refusals = [list_transactions(client=stranger)]
    refusals.append(operation("items.get_transaction")(name="unknown", **of_shop))
    refusals.append(list_transactions(client=client, limit=0))

    assert {type(refusal) for refusal in refusals} == {models.ProblemAnswer}
    assert [(refusal.status, refusal.code) for refusal in refusals] == [
        (401, "unauthorized"),
        (404, "not-found"),
        (422, "not-processable"),
    ]


def test_words_that_the_document_does_not_know_break_nothing(client: Any, models: Any) -> None:
    page = operation("lists.list_transactions")(client=client, limit=1)
    feed = operation("events.list_events")(client=client, limit=1)

    item = page.items[0].to_dict() | {"status": "NEVER_SEEN", "operation_type": "BARTER"}
    event = feed.items[0].to_dict() | {"type": "transaction.never-seen", "rule": "never-seen"}

    assert models.Transaction.from_dict(item).status == "NEVER_SEEN"
    (unknown,) = models.EventPage.from_dict(feed.to_dict() | {"items": [event]}).items
    assert isinstance(unknown, models.UnknownEvent)


# -- what the readable page tells newcomers to run ------------------------------------------------


def programs(service: Service) -> list[str]:
    page = service.call("GET", "/docs")[1]
    return [
        html.unescape(text)
        for text in re.findall(r'<code class="python">(.*?)</code>', page, re.DOTALL)
    ]


def test_the_paging_loop_of_the_page_reads_the_whole_list(service: Service, tmp_path: Path) -> None:
    paging, _ = programs(service)

    run = a_program(paging.replace("500", "20"), service, tmp_path)
    printed, complaint = run.communicate(timeout=60)

    assert (run.returncode, complaint) == (0, "")
    assert len(printed.splitlines()) > 60
    assert any(line.split() == [UUID, "CAPTURED"] for line in printed.splitlines())


def test_the_feed_loop_of_the_page_goes_on_where_it_stopped(
    service: Service, tmp_path: Path
) -> None:
    _, feed = programs(service)
    position = tmp_path / "position.txt"

    first = until_it_waits(a_program(feed, service, tmp_path), position)
    reached = int(position.read_text())
    position.write_text(str(reached // 2))
    again = until_it_waits(a_program(feed, service, tmp_path), position, reached)

    assert len(first) > len(again) > 0
    assert first[-len(again) :] == again


def a_program(text: str, service: Service, folder: Path) -> "subprocess.Popen[str]":
    environ = {"API_URL": service.url, "API_TOKEN": service.token()}
    return subprocess.Popen(
        [sys.executable, "-c", text],
        cwd=folder,
        env=os.environ | environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def until_it_waits(program: "subprocess.Popen[str]", position: Path, reached: int = 1) -> list[str]:
    """End a program that follows the events once it has kept a position; return its lines."""
    until = time.monotonic() + 60
    while time.monotonic() < until and program.poll() is None:
        if position.exists() and int(position.read_text() or 0) >= reached:
            break
        time.sleep(0.05)
    program.terminate()
    return program.communicate(timeout=10)[0].splitlines()
