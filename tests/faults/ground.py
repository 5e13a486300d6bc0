"""What faults are put to: a ledger behind its web application, and a sender that comes back."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import count
from time import monotonic, sleep

import pytest
from flask.testing import FlaskClient

from ledger.application import Ledger
from ledger.errors import NotFoundError
from ledger.ipn.delivery import FORM_CONTENT_TYPE, Delivery
from ledger.ipn.shops_and_keys import Shops
from ledger.ipn.signature import digest
from ledger.projections.engine import leadership
from ledger.projections.engine.leadership import ProjectionRunner, prepare_views
from ledger.queries.filter_declarations import NotificationFilter
from ledger.queries.notifications import list_notifications
from ledger.simulator.signed_calls import MIXED, REST
from ledger.simulator.stories import STORIES
from ledger.storage.database import Database
from ledger.storage.outcomes import Outcome
from ledger.storage.plain_writer import PlainWriter
from tests.builders import PLAIN_SETTINGS, a_delivery, shops
from tests.faults.injecting import FAULTS, KILLED, Clock, Step
from tests.faults.outside import Answered, assert_whole
from tests.projections.helpers import TOLD_BY, eventually, positions, rebuilt
from web import create_app

LEASE_SECONDS = 0.2
PAUSE_SECONDS = 0.05
POLL_SECONDS = 0.02
SENDINGS_MAX = 5
SECONDS_MAX = 30
FORGED = b"vads_site_id=12345678&vads_ctx_mode=TEST&vads_hash=none&signature=none"


class Ground:
    """A ledger, and what was answered to those who told it something.

    Shape: `is_plain` makes it append step by step also where there is a shorter way.
    """

    def __init__(self, url: str, *, clock: Clock | None = None, is_plain: bool = True) -> None:
        self.clock = clock or Clock()
        self.database = Database(url, pool_size=5)
        self.settings = replace(PLAIN_SETTINGS, log_level="error")
        self._strategy = PlainWriter(self.database) if is_plain else None
        self._peers = count(1)
        self.ledger = self._with(shops())
        self._client = self._client_of(self.ledger)
        self._client_without_keys = self._client_of(self._with(Shops()))
        self.answered: list[Answered] = []
        self.refusals = 0
        self.bodies: dict[bytes, None] = {}
        prepare_views(self.database)

    def close(self) -> None:
        self.database.dispose()

    def bodies_of(self, story: str, number: int) -> list[bytes]:
        wanted = REST if STORIES[story].form_only is None else MIXED
        return [telling.body for telling in TOLD_BY.signed_calls(STORIES[story], 3, number, wanted)]

    def send(self, body: bytes, *, has_keys: bool = True) -> Answered:
        """Send until it is answered for good, as the platform would."""
        client = self._client if has_keys else self._client_without_keys
        for _ in range(SENDINGS_MAX):
            # a peer of its own has no room yet: the quarantine has to be measured
            peer = {"REMOTE_ADDR": f"2001:db8::{next(self._peers):x}"}
            call = {"content_type": FORM_CONTENT_TYPE, "environ_base": peer}
            response = client.post("/ipn", data=body, **call)
            answered = Answered(digest(body), response.status_code, response.text)
            if response.status_code == 503:
                assert response.headers["Retry-After"] == "60"
                self.refusals += 1
                continue
            break
        self.answered.append(answered)
        if answered.status == 200:
            self.bodies[body] = None
        if answered.line.startswith("OK undecided"):
            self.until_done(lambda: self._decide(str(answered.id)))  # as an operator would
        return answered

    def _decide(self, id_: str) -> None:
        assert self.ledger.readmit(id_).outcome != Outcome.UNDECIDED

    def until_done(self, work: Callable[[], object]) -> None:
        """As an operator would: again, while it is refused."""
        deadline = monotonic() + SECONDS_MAX
        while True:
            try:
                work()
                return
            except Exception:
                if monotonic() > deadline:
                    raise
                sleep(0.02)

    def assert_whole(self) -> None:
        """Verify everything from outside, once every view has come to the end."""
        follow(self)
        assert_whole(self.ledger, self.answered, self._deliveries())

    def _deliveries(self) -> list[Delivery]:
        return [a_delivery(body, is_from_named_range=False) for body in self.bodies]

    def _with(self, keyring: Shops) -> Ledger:
        return Ledger(
            self.settings, keyring, self.database, clock=self.clock, strategy=self._strategy
        )

    def _client_of(self, ledger: Ledger) -> FlaskClient:
        return create_app(self.settings, ledger, clock=self.clock).test_client()


# -- what can be interrupted --------------------------------------------------------------------


def nothing(ground: Ground, number: int) -> None:
    pass


def quarantine(ground: Ground, number: int) -> None:
    assert ground.send(b"%s&number=%d" % (FORGED, number)).status == 400


def tell(story: str) -> "Work":
    def tell_it(ground: Ground, number: int) -> None:
        for body in ground.bodies_of(story, number):
            assert ground.send(body).status == 200

    return tell_it


told_something = tell("payment-accepted")


def tell_without_key(ground: Ground, number: int) -> None:
    for body in ground.bodies_of("payment-accepted", number):
        assert ground.send(body, has_keys=False).status == 400
        ground.answered.pop()  # it will leave the quarantine


def readmit(ground: Ground, number: int) -> None:
    waiting = list_notifications(ground.ledger, NotificationFilter.of({"reason": ["unknown-shop"]}))
    for row in waiting:
        ground.until_done(lambda id_=row.id: _readmit(ground, id_))
    for body in ground.bodies_of("payment-accepted", number):
        rows = list_notifications(
            ground.ledger, NotificationFilter.of({"outcome": ["recorded"]}), limit=1000
        )
        (id_,) = [row.id for row in rows if row.digest == digest(body)]
        ground.answered.append(Answered(digest(body), 200, f"OK recorded {id_}"))
        ground.bodies[body] = None


def _readmit(ground: Ground, id_: str) -> None:
    try:
        assert ground.ledger.readmit(id_).outcome == "recorded"
    except NotFoundError:
        return  # it was, though nobody heard of it


def follow(ground: Ground, number: int = 0) -> None:
    followers = ProjectionRunner(
        ground.ledger, lease_seconds=LEASE_SECONDS, pause_seconds=PAUSE_SECONDS
    )
    end = ground.ledger.events.newest_position() or 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(leadership, "POLL_SECONDS", POLL_SECONDS)
        patch.setattr(leadership, "REST", 0)
        followers.start()
        try:
            eventually(lambda: set(positions(ground.ledger).values()) == {end}, seconds=SECONDS_MAX)
        finally:
            followers.stop()


def rebuild(ground: Ground, number: int) -> None:
    def work() -> None:
        done = rebuilt(ground.ledger, "orders", lease_seconds=LEASE_SECONDS)
        assert done.is_identical
        assert done.is_live

    ground.until_done(work)


Work = Callable[[Ground, int], None]


@dataclass(frozen=True)
class Passage:
    """A step on its way: what has to be there before, and what passes by it."""

    step: Step
    work: Work
    before: Work = nothing
    is_plain: bool = True

    def faults_on(self, kind: str) -> Sequence[str]:
        is_one_of_kind = self.work is rebuild and kind == "postgresql"
        return ONE_OF_EACH_KIND if is_one_of_kind else tuple(FAULTS)


ONE_OF_EACH_KIND = (
    "connection lost",
    "serialisation failure",
    "disk full",
    "out of memory in a worker",
    KILLED,
)
COMMIT = True
FOLLOWER = "followers"  # the thread's name
VIEW_ROWS = r'INSERT INTO "?\w+_g\d+'

PASSAGES: dict[str, Passage] = {
    "receive: keep in quarantine": Passage(Step("INSERT INTO quarantine"), quarantine),
    "receive: commit the quarantine": Passage(Step("INSERT INTO quarantine", COMMIT), quarantine),
    "append: look for the same call": Passage(
        Step("SELECT notifications"), tell("payment-accepted")
    ),
    "append: read the streams": Passage(Step("SELECT events"), tell("payment-accepted")),
    "append: names of a subscription": Passage(
        Step("INSERT INTO subscription_references"), tell("subscription-with-payment")
    ),
    "append: events": Passage(Step("INSERT INTO events"), tell("payment-accepted")),
    "append: what is repeated": Passage(Step("INSERT INTO repeats"), tell("refund-retried")),
    "append: the delivery": Passage(Step("INSERT INTO notifications"), tell("payment-accepted")),
    "append: commit": Passage(Step("INSERT INTO notifications", COMMIT), tell("payment-accepted")),
    "append: commit a repeat": Passage(Step("INSERT INTO repeats", COMMIT), tell("refund-retried")),
    "readmit: leave the quarantine": Passage(
        Step("DELETE FROM quarantine"), readmit, before=tell_without_key
    ),
    "readmit: commit": Passage(
        Step("DELETE FROM quarantine", COMMIT), readmit, before=tell_without_key
    ),
    "follow: take the lease": Passage(
        Step("INSERT INTO leases", thread=FOLLOWER), follow, before=told_something
    ),
    "follow: read the position": Passage(
        Step("SELECT generation_positions", thread=FOLLOWER),
        follow,
        before=told_something,
    ),
    "follow: move the position": Passage(
        Step("UPDATE generation_positions", thread=FOLLOWER),
        follow,
        before=told_something,
    ),
    "follow: write rows": Passage(Step(VIEW_ROWS, thread=FOLLOWER), follow, before=told_something),
    "follow: commit": Passage(
        Step("UPDATE generation_positions", COMMIT, FOLLOWER),
        follow,
        before=told_something,
    ),
    "rebuild: begin": Passage(Step("INSERT INTO generations"), rebuild, before=told_something),
    "rebuild: commit the beginning": Passage(
        Step("INSERT INTO generations", COMMIT), rebuild, before=told_something
    ),
    "rebuild: fill": Passage(Step(VIEW_ROWS), rebuild, before=told_something),
    "rebuild: commit a batch": Passage(
        Step("UPDATE generation_positions", COMMIT), rebuild, before=told_something
    ),
    "rebuild: index": Passage(Step("CREATE INDEX"), rebuild, before=told_something),
    "rebuild: compare": Passage(
        Step(r'(?s)SELECT .*FROM "?orders_g\d+'), rebuild, before=told_something
    ),
    "switch: change the state": Passage(
        Step("UPDATE generations SET state"), rebuild, before=told_something
    ),
    "switch: commit": Passage(
        Step("UPDATE generations SET state", COMMIT), rebuild, before=told_something
    ),
}
"""Every step of receive, append, readmit, follow, rebuild and switch."""

PASSAGES_AT_ONCE: dict[str, Passage] = {
    "append at once: read": Passage(
        Step(r"\s*SELECT originator_id"), tell("payment-accepted"), is_plain=False
    ),
    "append at once: write": Passage(Step("WITH "), tell("payment-accepted"), is_plain=False),
    "append at once: write a repeat": Passage(
        Step("WITH (?s:.)*repeats"), tell("refund-retried"), is_plain=False
    ),
    "append at once: write names": Passage(
        Step("WITH (?s:.)*subscription_references"),
        tell("subscription-with-payment"),
        is_plain=False,
    ),
}
"""Every step of the short way of PostgreSQL, each a transaction of its own."""
