"""Run a demonstration: synthetic shops, and every story sent to them through real HTTP."""

import json
import multiprocessing
import os
import secrets
import shlex
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from rich.console import Console
from rich.table import Table

from ledger.access.readers import OPERATOR
from ledger.access.users import add_user, change_password, check_password, user_by_name
from ledger.errors import LedgerError, SettingsError
from ledger.ipn.modes import MODES
from ledger.ipn.shops_and_keys import FORM_HMAC, FORM_SHA1, REST_BROWSER, REST_PASSWORD, read_shops
from ledger.simulator.payment_lives import Call
from ledger.simulator.signed_calls import ALTERNATE, SyntheticPlatform, synthetic_platform
from ledger.simulator.stories import STORIES, Story
from ledger.simulator.story_player import AnsweredCall, play
from ledger.storage.database import Database

SHOPS_FILE = Path("var/demo-shops.toml")
SECRET_KEY_FILE = Path("var/demo-secret-key")
PASSWORD_FILE = Path("var/demo-password")
DATABASE_URL = "sqlite:///var/demo.sqlite"
USER = "demo"
READY_SECONDS_MAX = 30

PASSWORD_BYTES = 12
DURATION_DAYS = (1, 60, 366)
"""Stories are grouped by how long they last, so that each ends in the last weeks."""
BEGINNING_DAYS = 28
"""Within so many days the lives of a group begin."""

_OUTCOMES = ("recorded", "repeated", "refused")

_SHOPS = (("10000001", "Demo Boutique", FORM_HMAC), ("10000002", "Demo Librairie", FORM_SHA1))
_SHOPS_AND_MODES = (("10000001", "TEST"), ("10000002", "TEST"), ("10000001", "PRODUCTION"))


@dataclass(frozen=True, slots=True)
class DemoCall:
    """One call of the demonstration, and what the service answered."""

    shop_id: str
    mode: str
    answered: AnsweredCall

    @property
    def call(self) -> Call:
        return self.answered.signed_call.call

    @property
    def outcome(self) -> str:
        answer = self.answered.answer
        return answer.line.split()[1] if answer.is_acknowledged else "refused"


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables a demonstration runs under; write its shops file when there is none.

    Never the operator's own shops file: what is sent here did not happen. Without a level of the
    operator's own the log is quiet: a line per delivery would bury what is shown.
    """
    if not SHOPS_FILE.exists():
        write_shops(SHOPS_FILE)
    url = environ.get("LEDGER_DATABASE_URL") or DATABASE_URL
    level = environ.get("LEDGER_LOG_LEVEL") or "warning"
    return {
        "LEDGER_SHOPS_FILE": str(SHOPS_FILE),
        "LEDGER_DATABASE_URL": url,
        "LEDGER_LOG_LEVEL": level,
        "LEDGER_SECRET_KEY": environ.get("LEDGER_SECRET_KEY") or _secret_key(),
    }


def _secret_key() -> str:
    """Return the key of the demonstration's own sessions, the same at the next start."""
    if not SECRET_KEY_FILE.exists():
        _write_secret(SECRET_KEY_FILE, secrets.token_hex(32))
    return SECRET_KEY_FILE.read_text(encoding="utf-8")


def _write_secret(path: Path, text: str) -> None:
    """Write a file that its owner alone can read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(file, "w", encoding="utf-8") as writer:
        writer.write(text)


def add_demo_user(database: Database) -> None:
    """Let the demonstration's user sign in, with the same password as at the last start.

    They may do everything, but for the synthetic shops alone: whatever else the database holds is
    not shown to whoever finds the password.
    """
    if not PASSWORD_FILE.exists():
        _write_secret(PASSWORD_FILE, secrets.token_urlsafe(PASSWORD_BYTES))
    password = PASSWORD_FILE.read_text(encoding="utf-8")
    now = datetime.now(UTC)
    with database.begin() as connection:
        user = user_by_name(connection, USER)
        if user is None:
            shops = [shop_id for shop_id, _, _ in _SHOPS]
            add_user(connection, name=USER, password=password, role=OPERATOR, now=now, shops=shops)
        elif set(user.shops or ()) != {shop_id for shop_id, _, _ in _SHOPS}:
            raise SettingsError(f"there is a user named {USER} who is not the demonstration's")
        elif not check_password(user, password):
            change_password(connection, USER, password, now=now)


def write_shops(path: Path) -> None:
    """Write two shops with random keys of every kind, readable for its owner alone."""
    lines = ["# Synthetic shops for `ledger serve --demo`. The keys open nothing.\n"]
    for shop_id, name, form_kind in _SHOPS:
        lines.append(f'\n[[shops]]\nid = "{shop_id}"\nname = "{name}"\n')
        kinds = (form_kind, REST_PASSWORD, REST_BROWSER)
        lines += [_key(mode, kind) for mode in MODES for kind in kinds]
    _write_secret(path, "".join(lines))


def start(url: str, *, once: bool) -> BaseProcess:
    """Play the stories beside the service, in a process of its own that ends with it."""
    spawn = multiprocessing.get_context("spawn")
    player = spawn.Process(target=perform, args=(url, once, os.getpid()), daemon=True)
    player.start()
    return player


def perform(url: str, once: bool, service: int) -> None:
    """Play every story and show what to look at next; then stop the service if it is for once."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    console = Console(soft_wrap=True, highlight=False)
    is_well = False
    try:
        is_well = _is_ready(url) and _play_and_show(url, console)
    except LedgerError as error:
        print(f"error: {error} ({error.code})", file=sys.stderr)  # noqa: T201  no logs here
    if once:
        os.kill(service, signal.SIGTERM)
    sys.exit(0 if is_well else 1)


def _key(mode: str, kind: str) -> str:
    prefix = {REST_PASSWORD: f"{mode.lower()[:4]}password_", FORM_SHA1: ""}.get(kind, "")
    secret = prefix + secrets.token_hex(8 if kind in (FORM_SHA1, FORM_HMAC) else 20)
    return f'\n[[shops.keys]]\nmode = "{mode}"\nkind = "{kind}"\nsecret = "{secret}"\n'


def _is_ready(url: str) -> bool:
    until = time.monotonic() + READY_SECONDS_MAX
    while time.monotonic() < until:
        try:
            with urlopen(f"{url}/readyz", timeout=5) as response:  # noqa: S310  our own address
                return bool(json.load(response)["status"] == "ready")
        except (URLError, OSError):
            time.sleep(0.2)
    return False


def _play_and_show(url: str, console: Console) -> bool:
    calls = list(_play(url))
    console.print(_table(calls))
    _show_next_steps(url, console, calls)
    refused = [call for call in calls if call.outcome == "refused"]
    for call in refused:
        signed_call, answer = call.answered.signed_call, call.answered.answer
        line = f"refused: {signed_call.story} ({call.mode}): {answer.status} {answer.line}"
        console.print(line, markup=False)
    return not refused


def _play(url: str) -> Iterator[DemoCall]:
    shops = read_shops(SHOPS_FILE, os.environ)
    # The same on the same day: played again then, it repeats; on another day it is new.
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    for number, (shop_id, mode) in enumerate(_SHOPS_AND_MODES):
        seed = today.toordinal() * len(_SHOPS_AND_MODES) + number
        platform = synthetic_platform(shops, shop_id, mode)
        for days, stories in _by_duration(platform, seed).items():
            begins_at = today - timedelta(days=BEGINNING_DAYS + days)
            answered_calls = play(
                url, shops, shop_id, mode, stories=stories, seed=seed, begins_at=begins_at
            )
            for answered in answered_calls:
                yield DemoCall(shop_id, mode, answered)


def _by_duration(platform: SyntheticPlatform, seed: int) -> dict[int, list[Story]]:
    """Group what can be played. Shape: days that none of the group exceeds, its stories."""
    stories_by_days: dict[int, list[Story]] = {days: [] for days in DURATION_DAYS}
    for story in STORIES.values():
        if platform.can_play(story, ALTERNATE):
            calls = platform.calls(story, seed, 0)
            duration = calls[-1].sent_at - calls[0].sent_at
            days_max = next(days for days in DURATION_DAYS if duration.days < days)
            stories_by_days[days_max].append(story)
    return {days: stories for days, stories in stories_by_days.items() if stories}


def _table(demo_calls: Sequence[DemoCall]) -> Table:
    played_stories: dict[tuple[str, str], set[str]] = {}
    counts: dict[tuple[str, str], Counter[str]] = {}
    for call in demo_calls:
        shop_and_mode = (call.shop_id, call.mode)
        played_stories.setdefault(shop_and_mode, set()).add(call.answered.signed_call.story)
        counts.setdefault(shop_and_mode, Counter())[call.outcome] += 1
    table = Table("shop", "mode", title="What was sent, and what became of it")
    for name in ("stories", *_OUTCOMES):
        table.add_column(name, justify="right")
    for shop_and_mode, story_names in played_stories.items():
        by_outcome = (counts[shop_and_mode][outcome] for outcome in _OUTCOMES)
        table.add_row(*shop_and_mode, *map(str, (len(story_names), *by_outcome)))
    return table


def _show_next_steps(url: str, console: Console, demo_calls: Sequence[DemoCall]) -> None:
    console.print("\nThe service runs with:")
    variables = ("LEDGER_DATABASE_URL", "LEDGER_SHOPS_FILE")
    for name in variables:
        console.print(f"  export {name}={shlex.quote(os.environ[name])}", markup=False)
    console.print("\nRun in another terminal, in this folder, with the two lines above:")
    for line in ["check", *_example_commands(demo_calls), "notifications list"]:
        console.print(f"  {_command()} {line}", markup=False)
    password = PASSWORD_FILE.read_text(encoding="utf-8")
    console.print("\nOr open this page in a browser, and sign in:", style="bold")
    console.print(f"  {url}/test", markup=False)
    console.print(f"  name {USER}, password {password}", markup=False)


def _command() -> str:
    """Return how to call this command from the reader's shell: as it was called now."""
    called = sys.argv[0]
    if Path(called).name != "ledger" or shutil.which("ledger") == called:
        return "ledger"
    return shlex.quote(called)


def _example_commands(demo_calls: Sequence[DemoCall]) -> list[str]:
    """Return a command for the transaction, alias and subscription that most calls were about."""
    arguments_by_noun: dict[str, Counter[str]] = {}
    for demo_call in demo_calls:
        call = demo_call.call
        uuid = call.payment.uuid if call.payment else None
        names = {"transaction": uuid, "alias": call.alias, "subscription": call.subscription_id}
        for noun, name in names.items():
            if name:
                shop_and_mode = f"--shop {demo_call.shop_id} --mode {demo_call.mode.lower()}"
                arguments = f"{shlex.quote(name)} {shop_and_mode}"
                arguments_by_noun.setdefault(noun, Counter())[arguments] += 1
    return [
        f"history {noun} {arguments.most_common(1)[0][0]}"
        for noun, arguments in arguments_by_noun.items()
    ]
