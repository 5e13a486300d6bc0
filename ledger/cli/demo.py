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
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from multiprocessing.process import BaseProcess
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from rich.console import Console
from rich.table import Table

from ledger.access.roles import OPERATOR
from ledger.access.users import add_user, change_password, check_password, user_by_name
from ledger.cli.demo_gap import Gap, leave_a_gap
from ledger.errors import LedgerError, SettingsError
from ledger.ipn.modes import MODES
from ledger.ipn.shops_and_keys import FORM_HMAC, FORM_SHA1, REST_BROWSER, REST_PASSWORD, read_shops
from ledger.operations.worker_processes import safe_path
from ledger.simulator.signed_calls import ALTERNATE, SyntheticPlatform, synthetic_platform
from ledger.simulator.stories import STORIES, Story
from ledger.simulator.story_player import AnsweredCall, play
from ledger.storage.database import Database

SHOPS_FILE = Path("var/demo-shops.toml")
SECRET_KEY_FILE = Path("var/demo-secret-key")
PASSWORD_FILE = Path("var/demo-password")
DATABASE_URL = "sqlite:///var/demo.sqlite"
LOOPBACK = "127.0.0.0/8 ::1"
"""Where the demonstration's platform calls from."""
USER = "demo"
READY_SECONDS_MAX = 30

DURATION_DAYS = (1, 60, 366)
"""Stories are grouped by how long they last, so that each ends in the last weeks."""
BEGINNING_DAYS = 28
"""Within so many days the lives of a group begin."""

_SHOPS = {"10000001": ("Demo Boutique", FORM_HMAC), "10000002": ("Demo Librairie", FORM_SHA1)}
_SHOPS_AND_MODES = (("10000001", "TEST"), ("10000002", "TEST"), ("10000001", "PRODUCTION"))

CallsByShopAndMode = dict[tuple[str, str], list[AnsweredCall]]


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables a demonstration runs under; write its shops file when there is none.

    Never the operator's own shops file: what is sent here did not happen. Without a level of the
    operator's own the log is quiet: a line per delivery would bury what is shown.
    """
    _kept(SHOPS_FILE, _shops_toml)
    secret_key = environ.get("LEDGER_SECRET_KEY")
    return {
        "LEDGER_SHOPS_FILE": str(SHOPS_FILE),
        "LEDGER_DATABASE_URL": environ.get("LEDGER_DATABASE_URL") or DATABASE_URL,
        "LEDGER_ALLOWED_SOURCES": environ.get("LEDGER_ALLOWED_SOURCES") or LOOPBACK,
        "LEDGER_LOG_LEVEL": environ.get("LEDGER_LOG_LEVEL") or "warning",
        "LEDGER_SECRET_KEY": secret_key or _kept(SECRET_KEY_FILE, partial(secrets.token_hex, 32)),
    }


def _kept(path: Path, invent: Callable[[], str]) -> str:
    """Return the text of a file that its owner alone can read, the same at the next start."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(0o600, exist_ok=False)
        path.write_text(invent(), encoding="utf-8")
    return path.read_text(encoding="utf-8")


def _shops_toml() -> str:
    """Return two shops with random keys of every kind."""
    lines = ["# Synthetic shops for `ledger serve --demo`. The keys open nothing.\n"]
    for shop_id, (name, form_kind) in _SHOPS.items():
        lines.append(f'\n[[shops]]\nid = "{shop_id}"\nname = "{name}"\n')
        kinds = (form_kind, REST_PASSWORD, REST_BROWSER)
        lines += [_key_toml(mode, kind) for mode in MODES for kind in kinds]
    return "".join(lines)


def _key_toml(mode: str, kind: str) -> str:
    prefix = f"{mode.lower()[:4]}password_" if kind == REST_PASSWORD else ""
    secret = prefix + secrets.token_hex(8 if kind in (FORM_SHA1, FORM_HMAC) else 20)
    return f'\n[[shops.keys]]\nmode = "{mode}"\nkind = "{kind}"\nsecret = "{secret}"\n'


def add_demo_user(database: Database) -> None:
    """Let the demonstration's user sign in, with the same password as at the last start.

    They may do everything, but for the synthetic shops alone: whatever else the database holds is
    not shown to whoever finds the password.
    """
    password = _kept(PASSWORD_FILE, partial(secrets.token_urlsafe, 12))
    now = datetime.now(UTC)
    with database.begin() as connection:
        user = user_by_name(connection, USER)
        if user is None:
            shops = list(_SHOPS)
            add_user(connection, name=USER, password=password, role=OPERATOR, now=now, shops=shops)
        elif set(user.shops or ()) != _SHOPS.keys():
            raise SettingsError(f"there is a user named {USER} who is not the demonstration's")
        elif not check_password(user, password):
            change_password(connection, USER, password, now=now)


def start(address: str, port: int, *, once: bool) -> BaseProcess:
    """Play the stories beside the service, in a process of its own that ends with it."""
    url = f"http://[{address}]:{port}" if ":" in address else f"http://{address}:{port}"
    player = multiprocessing.get_context("spawn").Process(
        target=perform, args=(url, once, os.getpid()), daemon=True
    )
    with safe_path():
        player.start()
    return player


def perform(url: str, once: bool, service: int) -> None:
    """Play every story and show what to look at next; then stop the service if it is for once."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    is_well = False
    try:
        is_well = _is_ready(url) and _play_and_show(url)
    except LedgerError as error:
        print(f"error: {error} ({error.code})", file=sys.stderr)  # noqa: T201  no logs here
    if once:
        os.kill(service, signal.SIGTERM)
    sys.exit(0 if is_well else 1)


def _is_ready(url: str) -> bool:
    until = time.monotonic() + READY_SECONDS_MAX
    while time.monotonic() < until:
        try:
            with urlopen(f"{url}/readyz", timeout=5) as response:  # noqa: S310  our own address
                return bool(json.load(response)["status"] == "ready")
        except (URLError, OSError):
            time.sleep(0.2)
    return False


def _play_and_show(url: str) -> bool:
    console = Console(soft_wrap=True, highlight=False)
    console.print("The lives of synthetic payments are being sent; this takes some seconds.")
    shops = read_shops(SHOPS_FILE, os.environ)
    calls: CallsByShopAndMode = {}
    # The same on the same day: played again then, it repeats; on another day it is new.
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    for number, (shop_id, mode) in enumerate(_SHOPS_AND_MODES):
        seed = today.toordinal() * len(_SHOPS_AND_MODES) + number
        platform = synthetic_platform(shops, shop_id, mode)
        for days, stories in sorted(_by_duration(platform, seed).items()):
            begins_at = today - timedelta(days=BEGINNING_DAYS + days)
            calls.setdefault((shop_id, mode), []).extend(
                play(url, shops, shop_id, mode, stories=stories, seed=seed, begins_at=begins_at)
            )
    shop_and_mode = _SHOPS_AND_MODES[0]
    sent = (answered.signed_call for answered in calls[shop_and_mode])
    gap = leave_a_gap(shops, *shop_and_mode, sent, today)
    console.print(_table(calls))
    _show_next_steps(url, console, calls)
    _show_gap(url, console, gap)
    refusals = list(_refusals(calls))
    for refusal in refusals:
        console.print(refusal, markup=False)
    return not refusals


def _by_duration(platform: SyntheticPlatform, seed: int) -> dict[int, list[Story]]:
    """Group what can be played. Shape: days that none of the group exceeds, its stories."""
    stories_by_days: defaultdict[int, list[Story]] = defaultdict(list)
    for story in STORIES.values():
        if platform.can_play(story, ALTERNATE):
            calls = platform.calls(story, seed, 0)
            duration = calls[-1].sent_at - calls[0].sent_at
            days_max = next(days for days in DURATION_DAYS if duration.days < days)
            stories_by_days[days_max].append(story)
    return stories_by_days


def _table(calls: CallsByShopAndMode) -> Table:
    table = Table("shop", "mode", title="What was sent, and what became of it")
    outcomes = ("recorded", "repeated", "refused")
    for name in ("stories", *outcomes):
        table.add_column(name, justify="right")
    for shop_and_mode, answered_calls in calls.items():
        story_names = {answered.signed_call.story for answered in answered_calls}
        by_outcome = Counter(map(_outcome, answered_calls))
        numbers = (len(story_names), *(by_outcome[outcome] for outcome in outcomes))
        table.add_row(*shop_and_mode, *map(str, numbers))
    return table


def _outcome(answered: AnsweredCall) -> str:
    return answered.answer.line.split()[1] if answered.answer.is_acknowledged else "refused"


def _refusals(calls: CallsByShopAndMode) -> Iterator[str]:
    for (_, mode), answered_calls in calls.items():
        for answered in answered_calls:
            if not answered.answer.is_acknowledged:
                answer = f"{answered.answer.status} {answered.answer.line}"
                yield f"refused: {answered.signed_call.story} ({mode}): {answer}"


def _show_next_steps(url: str, console: Console, calls: CallsByShopAndMode) -> None:
    console.print(
        "\nTheir payments are of the last weeks; the ledger learned of them when they came here."
    )
    console.print("The service runs until Ctrl-C, with:")
    for name in ("LEDGER_DATABASE_URL", "LEDGER_SHOPS_FILE", "LEDGER_ALLOWED_SOURCES"):
        console.print(f"  export {name}={shlex.quote(os.environ[name])}", markup=False)
    if SECRET_KEY_FILE.exists():
        console.print(f"  export LEDGER_SECRET_KEY=$(cat {SECRET_KEY_FILE})", markup=False)
    console.print("\nRun in another terminal, in this folder, with the lines above:")
    for line in ["check", *_example_commands(calls), "notifications list"]:
        console.print(f"  {_command()} {line}", markup=False)
    password = PASSWORD_FILE.read_text(encoding="utf-8")
    console.print("\nOr open this page in a browser, and sign in:", style="bold")
    console.print(f"  {url}/test", markup=False)
    console.print(f"  name {USER}, password {password}", markup=False)


def _show_gap(url: str, console: Console, gap: Gap) -> None:
    """Show the day of which the platform's files list more than was told."""
    shop_id, mode = _SHOPS_AND_MODES[0]
    console.print(f"\nA payment of {gap.day} was never told, and the platform's files list it:")
    console.print(f"  {url}/{mode.lower()}/completeness", markup=False)
    scope = f"--shop {shop_id} --mode {mode.lower()} --from {gap.day} --until {gap.day}"
    console.print(f"  {_command()} reconcile {scope} --resend", markup=False)


def _command() -> str:
    """Return how to call this command from the reader's shell: as it was called now."""
    called = sys.argv[0]
    if Path(called).name != "ledger" or shutil.which("ledger") == called:
        return "ledger"
    return shlex.quote(called)


def _example_commands(calls: CallsByShopAndMode) -> list[str]:
    """Return a command for the transaction, alias and subscription that most calls were about."""
    arguments_by_noun: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for (shop_id, mode), answered_calls in calls.items():
        for call in (answered.signed_call.call for answered in answered_calls):
            uuid = call.payment.uuid if call.payment else None
            names = {"transaction": uuid, "alias": call.alias, "subscription": call.subscription_id}
            for noun, name in names.items():
                if name:
                    arguments = f"{shlex.quote(name)} --shop {shop_id} --mode {mode.lower()}"
                    arguments_by_noun[noun][arguments] += 1
    return [
        f"history {noun} {arguments.most_common(1)[0][0]}"
        for noun, arguments in arguments_by_noun.items()
    ]
