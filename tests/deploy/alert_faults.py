"""Real faults, each of which raises one alert of `deploy/`."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from time import sleep

from sqlalchemy import text

from ledger.audit.check_names import STREAMS
from ledger.instants import utc_now
from ledger.storage.database import Database
from tests.audit.tampering import damage
from tests.builders import a_form, a_form_call, a_shop, form_body, shops
from tests.cli.running import run, shops_file
from tests.deploy.watched import Watched, a_while_ago
from tests.faults.test_standby import ANOTHER_STREAM
from tests.projections.helpers import live, make_other_code
from tests.projections.test_poison import UNDECODABLE, append
from tests.projections.test_standing_still import break_orders, let_time_pass
from tests.publishing.receiving import receiving
from tests.publishing.sending import Sender
from tests.reconciliation.comparing import DAY, NOW, ROWS, a_journal, import_journal, report_of_day

SLOW_SECONDS = 2.7
HABIT = 3
"""So many files in a row make the next one expected."""


def calls_not_stored(watched: Watched) -> None:
    rename(watched.database, "notifications", "elsewhere")
    assert watched.post(a_form_call()) == 503
    rename(watched.database, "elsewhere", "notifications")


def not_ready(watched: Watched) -> None:
    rename(watched.database, "quarantine", "elsewhere")


def rename(database: Database, table: str, name: str) -> None:
    with database.begin() as connection:
        connection.execute(text(f"ALTER TABLE {table} RENAME TO {name}"))


def held_mark(watched: Watched) -> None:
    """A writer has a position and does not commit."""
    writer = watched.stack.enter_context(watched.database.begin())
    assert writer.execute(ANOTHER_STREAM).scalar_one() > 1
    watched.receive_payments(2)
    watched.keep_up()


def not_built(watched: Watched) -> None:
    """What is there was built by a version whose read model was another."""
    make_other_code(watched.ledger, live(watched.ledger, "orders"))


def standing(watched: Watched) -> None:
    break_orders(watched.ledger)
    watched.receive_payments(2)
    watched.followers.follow_once()
    let_time_pass(watched.ledger)
    watched.sequence()


def behind(watched: Watched) -> None:
    watched.receive_payments(2)
    watched.sequence()


def poison_event(watched: Watched) -> None:
    append(watched.database, UNDECODABLE)
    watched.keep_up()


def wrong_key(watched: Watched) -> None:
    signed = a_form_call()
    assert watched.post(signed.replace(b"AUTHORISED", b"CAPTURED")) == 400


def undecided(watched: Watched) -> None:
    assert watched.post(form_body(a_form(vads_effective_amount="12,50"))) == 200
    watched.keep_up()


def log_behind(watched: Watched) -> None:
    watched.receive_payments(2)
    watched.follow()
    watched.wait(minutes=2)


def nothing_signed(watched: Watched) -> None:
    watched.wait(hours=2)
    watched.receive_payments(2)
    watched.follow()
    watched.sequence()


def verify(watched: Watched, *words: str) -> int:
    url = watched.database.engine.url.render_as_string(hide_password=False)
    return run(url, shops_file(watched.folder), "verify", *words).exit_code


def tampered(watched: Watched) -> None:
    damage(watched.database, "UPDATE events SET originator_version = 2 WHERE position = 1")
    assert verify(watched, "--only", STREAMS) == 1


def not_verified(watched: Watched) -> None:
    assert verify(watched, "--only", STREAMS) == 0
    watched.api.now = utc_now() + timedelta(days=9)
    watched.receive_payments(2)
    watched.keep_up()


def silence(watched: Watched) -> None:
    watched.wait(hours=25)


def key_ends(watched: Watched) -> None:
    """As a service that was told by SIGHUP to read its keys again."""
    shop = a_shop()
    ends_at = watched.api.now + timedelta(days=13)
    keys = (replace(shop.keys[0], not_after=ends_at), *shop.keys[1:])
    watched.ledger.shops = shops(replace(shop, keys=keys))


def gaps(watched: Watched) -> None:
    import_journal(watched.ledger, a_journal())
    report_of_day(watched.ledger)
    watched.keep_up()


def files_missing(watched: Watched) -> None:
    for ago in reversed(range(HABIT)):
        day = DAY - timedelta(days=ago)
        import_journal(watched.ledger, a_journal(ROWS[ago]), days=(day, day))
    watched.wait(days=1)
    watched.receive_payments(2)
    watched.keep_up()


def publishing_behind(watched: Watched) -> None:
    sender = Sender(watched.ledger, watched.stack.enter_context(receiving()))
    sender.publish()
    watched.receive_payments(2)
    watched.keep_up()


def publishing_disabled(watched: Watched) -> None:
    hooks = watched.stack.enter_context(receiving())
    hooks.status = 410
    Sender(watched.ledger, hooks).fails()


def commits_slow(watched: Watched) -> None:
    while_locked(watched, lambda: watched.receive_payments(2))
    watched.keep_up()


def answers_slow(watched: Watched) -> None:
    watched.api.token("auditor")
    while_locked(watched, lambda: watched.api.get("/api/v1/notifications"))


def while_locked(watched: Watched, ask: Callable[[], object]) -> None:
    """Ask while a statement of somebody else holds the table."""
    with ThreadPoolExecutor(1) as pool:
        with watched.database.begin() as connection:
            connection.execute(text("LOCK TABLE notifications IN ACCESS EXCLUSIVE MODE"))
            answer = pool.submit(ask)
            sleep(SLOW_SECONDS)
        answer.result()


@dataclass(frozen=True)
class Fault:
    """What raises an alert. Shape: `clock` says when the ledger receives its first payment."""

    alert: str
    bring: Callable[[Watched], None]
    database: str = "sqlite"
    clock: Callable[[], datetime] = a_while_ago


FAULTS = (
    Fault("LedgerCallsNotStored", calls_not_stored),
    Fault("LedgerNotReady", not_ready),
    Fault("LedgerHighWaterMarkHeld", held_mark, "postgresql"),
    Fault("LedgerReadModelNotBuilt", not_built),
    Fault("LedgerReadModelStands", standing),
    Fault("LedgerReadModelBehind", behind),
    Fault("LedgerPoisonEvents", poison_event),
    Fault("LedgerQuarantineGrows", wrong_key),
    Fault("LedgerUndecidedNotifications", undecided),
    Fault("LedgerLogBehind", log_behind),
    Fault("LedgerNothingSigned", nothing_signed),
    Fault("LedgerVerifyFaults", tampered),
    Fault("LedgerNotVerified", not_verified),
    Fault("LedgerShopSilent", silence),
    Fault("LedgerKeyEnds", key_ends),
    Fault("LedgerGaps", gaps, clock=lambda: NOW),
    Fault("LedgerFilesMissing", files_missing, clock=lambda: NOW),
    Fault("LedgerPublishingBehind", publishing_behind),
    Fault("LedgerPublishingDisabled", publishing_disabled),
    Fault("LedgerCommitsSlow", commits_slow, "postgresql"),
    Fault("LedgerAnswersSlow", answers_slow, "postgresql"),
)
