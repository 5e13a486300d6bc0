"""A ledger that does all that a service does, and is scraped as Prometheus scrapes one."""

from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path

from ledger.application import Ledger
from ledger.instants import utc_now
from ledger.projections.engine.leadership import ProjectionRunner
from ledger.proof.checkpoints import sign_checkpoint
from ledger.proof.sequencer import Sequencer
from ledger.proof.signer import LogSigner
from ledger.storage.database import Database
from tests.builders import PLAIN_SETTINGS, SHOP_ID, a_form_call, shops
from tests.deploy.prometheus import is_counter, samples_of
from tests.web.asking import Asking

A_WHILE = timedelta(minutes=20)


class Watched:
    """A service that has received a payment and is well; its clock goes as far as it is told.

    Shape: what is entered into `stack` lasts until the test ends.
    """

    def __init__(
        self, database: Database, signer: LogSigner, folder: Path, stack: ExitStack, at: datetime
    ) -> None:
        self.database, self.folder, self.stack = database, folder, stack
        self._signer = signer
        self.ledger = Ledger(PLAIN_SETTINGS, shops(), database, clock=lambda: self.api.now)
        self.api = Asking(self.ledger, now=at)
        self.followers = ProjectionRunner(self.ledger, pause_seconds=0)
        self.receive_payments(1)
        self.keep_up()

    def wait(self, **how_long: float) -> None:
        self.api.now += timedelta(**how_long)

    def post(self, body: bytes) -> int:
        form = "application/x-www-form-urlencoded"
        return self.api.client.post(
            f"/ipn/{SHOP_ID}/test", data=body, content_type=form
        ).status_code

    def receive_payments(self, *numbers: int) -> None:
        for number in numbers:
            uuid, trans_id = f"{number:032x}", f"{900_000 + number}"
            assert self.post(a_form_call(trans_uuid=uuid, trans_id=trans_id)) == 200

    def keep_up(self) -> None:
        """Follow, sequence and sign, as threads of a service do."""
        self.follow()
        self.sequence()
        self.sign()

    def follow(self) -> None:
        while self.followers.follow_once():
            pass

    def sequence(self) -> None:
        clock = lambda: self.api.now  # noqa: E731  it is shorter than a method
        Sequencer(self.database, self.ledger.sealing, clock=clock).catch_up()

    def sign(self) -> None:
        sign_checkpoint(self.database, self._signer, lambda: self.api.now)

    def scrape(self) -> dict[str, float]:
        """Return what is measured now: gauges as a service reads them that has kept none yet."""
        read = samples_of(Asking(self.ledger, now=self.api.now).call("/metrics", None).text)
        own = samples_of(self.api.call("/metrics", None).text)
        return read | {series: value for series, value in own.items() if is_counter(series)}


def a_while_ago() -> datetime:
    return utc_now() - A_WHILE
