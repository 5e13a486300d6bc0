"""What reports say is missing is asked about when it is due, and not for ever."""

import ssl
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest

from ledger.application import Ledger
from ledger.asking.asker import Asker
from ledger.asking.candidates import DAYS, RECENT, due_of, recent_candidates
from ledger.asking.exchanges import listed_exchanges
from ledger.asking.runner import AskingRunner
from ledger.asking.schedule import ASKED_AFTER, due_at
from ledger.ipn.asking_access import AskingAccess
from ledger.ipn.platform_answers import Service
from ledger.reconciliation.report import make_report
from ledger.reconciliation.report_store import Scope
from ledger.settings import Settings
from ledger.simulator.journal_layout import JournalShop
from ledger.simulator.journals import Journals, journals
from ledger.simulator.rest_answers import Fault
from ledger.simulator.rest_objects import platform_objects
from ledger.simulator.rest_services import Credentials, RestServices
from ledger.simulator.signed_calls import synthetic_platform
from ledger.simulator.stories import STORIES
from ledger.simulator.undelivered_calls import Losses, calls_with_losses
from ledger.storage.database import Database
from tests.asking.conftest import PASSWORD, Clock
from tests.builders import MASTER_KEYS, SHOP_ID, a_delivery, shops
from tests.projections.helpers import follow
from tests.reconciliation.comparing import import_journal

MODE = "PRODUCTION"


class Lossy:
    """A ledger that lost calls, the platform's services and files, and a clock."""

    def __init__(self, database: Database, tls: ssl.SSLContext, certificate: Path) -> None:
        platform = synthetic_platform(shops(), SHOP_ID, MODE)
        stories = list(STORIES.values())
        losses = Losses(seed=5, lost_share=0.3)
        played = list(calls_with_losses(platform, stories, losses, count=len(stories)))
        self.files: Journals = journals(JournalShop(SHOP_ID, "Boutique", MODE), played)
        days = [date.fromisoformat(each["day"]) for each in self.files.truth["transactions"]]
        self.last_day = min(days) + timedelta(days=28)
        self.clock = Clock(datetime.combine(self.last_day + timedelta(days=2), time(12), UTC))
        settings = Settings(database_url="unused", master_keys_file=MASTER_KEYS)
        self.ledger = Ledger(settings, shops(), database, clock=self.clock)
        self.ledger.receive_many(
            [
                a_delivery(signed.body, received_at=signed.call.sent_at)
                for signed, is_lost in played
                if not is_lost
            ]
        )
        objects = platform_objects(SHOP_ID, MODE, [signed for signed, _ in played])
        self.services = RestServices({Credentials(SHOP_ID, PASSWORD): objects}, tls=tls)
        self.access = AskingAccess(
            SHOP_ID, MODE, self.services.host, PASSWORD, authorities_file=certificate
        )

    @property
    def asker(self) -> Asker:
        return Asker(self.ledger, clock=self.clock)

    def import_files(self) -> None:
        for name, content in self.files.files.items():
            if "/" not in name and "JAM_" in name:
                import_journal(self.ledger, content, name, now=self.clock.now)

    def never_told(self) -> set[str]:
        """Report on the days that are looked at, and return what was never told in them."""
        scope = Scope.ending(SHOP_ID, MODE, self.last_day, DAYS - 2)
        report = make_report(self.ledger, scope, self.clock.now)
        findings = report.content()["findings"]
        return {each["uuid"] for each in findings if each["result"] == "never-told"}

    def ask_everything(self, *, questions_max: int = 300) -> None:
        for _ in range(questions_max):
            if self.asker.ask_due(self.access) is None:
                return
            self.clock.forward(seconds=61)


@pytest.fixture
def lossy(database: Database, tls: ssl.SSLContext, certificate: Path) -> Iterator[Lossy]:
    lossy = Lossy(database, tls, certificate)
    with lossy.services:
        yield lossy


def test_what_was_never_told_is_asked_for_and_then_known(lossy: Lossy) -> None:
    lossy.import_files()
    never_told = lossy.never_told()
    assert len(never_told) > 2

    lossy.ask_everything()

    questions = {request.body for request in lossy.services.requests}
    assert all(any(uuid.encode() in body for body in questions) for uuid in never_told)
    assert lossy.never_told() == set()
    assert lossy.services.changing_requests == []


def test_what_is_settled_is_not_asked_again(lossy: Lossy) -> None:
    lossy.import_files()
    lossy.never_told()
    lossy.ask_everything()
    count = len(lossy.services.requests)

    lossy.clock.forward(days=1)
    lossy.ask_everything()

    assert len(lossy.services.requests) == count


def test_what_the_platform_does_not_know_is_asked_five_times(lossy: Lossy) -> None:
    lossy.import_files()
    never_told = lossy.never_told()
    lossy.services.fail_next(*[Fault.NOT_FOUND] * 1000)

    for _ in range(30):
        lossy.ask_everything()
        lossy.clock.forward(hours=12)

    requests = [request.body.decode() for request in lossy.services.requests]
    counts = {uuid: sum(uuid in body for body in requests) for uuid in never_told}
    assert max(counts.values()) == len(ASKED_AFTER)  # some days are too long ago before that
    assert min(counts.values()) > 1


def test_nothing_is_due_before_the_platform_has_tried_for_the_last_time() -> None:
    since = datetime(2026, 3, 10, tzinfo=UTC)

    assert due_at(since, []) == since + timedelta(minutes=75)
    assert due_at(since, [since + timedelta(hours=2)]) == since + timedelta(hours=6, minutes=45)
    assert due_at(since, [since] * len(ASKED_AFTER)) is None


def test_an_order_that_is_too_large_is_asked_one_by_one(lossy: Lossy) -> None:
    follow(lossy.ledger)
    recent = list(recent_candidates(lossy.ledger, SHOP_ID, MODE, 1, lossy.clock.now))
    order = recent[0]
    lossy.services.fail_next(Fault.TOO_MANY)

    exchange = lossy.asker.ask(lossy.access, order.question, cause=order.cause)
    due = list(due_of(lossy.ledger, [order]))

    assert exchange.answer is not None
    assert (exchange.answer.reason, order.cause) == ("PSP_015", RECENT)
    services = {each.candidate.question.service for each in due}
    assert (len(due) > 0, services) == (True, {Service.TRANSACTION})


def test_the_service_asks_about_the_shops_that_have_chosen_it(lossy: Lossy) -> None:
    lossy.import_files()
    lossy.never_told()
    shop = lossy.ledger.shops.shop_by_id[SHOP_ID]
    lossy.services.requests.clear()

    AskingRunner(lossy.ledger, asker=lossy.asker).run_once()
    assert lossy.services.requests == []

    by_itself = AskingAccess(
        SHOP_ID,
        MODE,
        lossy.services.host,
        PASSWORD,
        is_in_service=True,
        authorities_file=lossy.access.authorities_file,
    )
    object.__setattr__(shop, "asking", (by_itself,))
    AskingRunner(lossy.ledger, asker=lossy.asker).run_once()

    with lossy.ledger.database.connect() as connection:
        (exchange,) = listed_exchanges(connection, limit=10, shops=None)
    assert exchange.answer is not None
    assert exchange.answer.outcome == "recorded"


def test_what_is_suspected_is_asked_about_until_it_is_settled(lossy: Lossy) -> None:
    follow(lossy.ledger)
    due = [each for each in lossy.asker.due(lossy.access) if each.at is not None]
    assert due

    lossy.ask_everything(questions_max=40)

    subjects = {each.candidate.question.subject for each in due[:5]}
    bodies = " ".join(request.body.decode() for request in lossy.services.requests)
    assert all(subject in bodies for subject in subjects)
    follow(lossy.ledger)
    left = {each.candidate.question.subject for each in lossy.asker.due(lossy.access)}
    assert len(left) < len({each.candidate.question.subject for each in due})
