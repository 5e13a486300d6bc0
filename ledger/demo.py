"""A demonstration: synthetic shops, and every story told to them through real HTTP."""

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
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import URLError
from urllib.request import urlopen

from rich.console import Console
from rich.table import Table

from ledger.access.readers import OPERATOR
from ledger.access.users import add_user, change_password, check_password, user_by_name
from ledger.errors import LedgerError, SettingsError
from ledger.modes import MODES
from ledger.shops import FORM_HMAC, FORM_SHA1, REST_BROWSER, REST_PASSWORD, read_shops
from ledger.storage.database import Database

if TYPE_CHECKING:
    from ledger.simulator.playing import Played
    from ledger.simulator.stories import Story
    from ledger.simulator.telling import Teller

SHOPS_FILE = Path("var/demo-shops.toml")
SECRET_KEY_FILE = Path("var/demo-secret-key")
PASSWORD_FILE = Path("var/demo-password")
DATABASE_URL = "sqlite:///var/demo.sqlite"
USER = "demo"
READY_SECONDS_MAX = 30

PASSWORD_BYTES = 12
LASTING_DAYS = (1, 60, 366)
"""Stories are told in groups by how long they last, so that each ends in the last weeks."""
BEGINNING_DAYS = 28
"""Within so many days the lives of a group begin."""

_OUTCOMES = ("recorded", "repeated", "refused")

_SHOPS = (("10000001", "Demo Boutique", FORM_HMAC), ("10000002", "Demo Librairie", FORM_SHA1))
_TOLD_TO = (("10000001", "TEST"), ("10000002", "TEST"), ("10000001", "PRODUCTION"))


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables a demonstration runs under; writes its shops file when there is none.

    Never the operator's own shops file: what is told here did not happen. Without a level of the
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
    """The key of the demonstration's own sessions, the same at the next start."""
    if not SECRET_KEY_FILE.exists():
        _write_secret(SECRET_KEY_FILE, secrets.token_hex(32))
    return SECRET_KEY_FILE.read_text(encoding="utf-8")


def _write_secret(path: Path, text: str) -> None:
    """Write a file that its owner alone can read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(file, "w", encoding="utf-8") as writer:
        writer.write(text)


def let_in(database: Database) -> None:
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
    parts = ["# Synthetic shops for `ledger serve --demo`. The keys open nothing.\n"]
    for shop_id, name, form_kind in _SHOPS:
        parts.append(f'\n[[shops]]\nid = "{shop_id}"\nname = "{name}"\n')
        kinds = (form_kind, REST_PASSWORD, REST_BROWSER)
        parts += [_key(mode, kind) for mode in MODES for kind in kinds]
    _write_secret(path, "".join(parts))


def start(url: str, *, once: bool) -> BaseProcess:
    """Play beside the service, in a process of its own that ends with it."""
    spawn = multiprocessing.get_context("spawn")
    player = spawn.Process(target=perform, args=(url, once, os.getpid()), daemon=True)
    player.start()
    return player


def perform(url: str, once: bool, service: int) -> None:
    """Tell every story and what to look at next; then stop the service if it is for once."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    console = Console(soft_wrap=True, highlight=False)
    is_well = False
    try:
        is_well = _is_ready(url) and _tell(url, console)
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


def _tell(url: str, console: Console) -> bool:
    shown = list(_play(url))
    console.print(_table(shown))
    _tell_next(url, console, shown)
    refused = [(mode, played) for _, mode, played in shown if not played.answer.is_acknowledged]
    for mode, played in refused:
        told = f"{played.telling.story} ({mode}): {played.answer.status} {played.answer.line}"
        console.print(f"refused: {told}", markup=False)
    return not refused


def _play(url: str) -> "Iterator[tuple[str, str, Played]]":
    from ledger.simulator.playing import play
    from ledger.simulator.telling import teller

    shops = read_shops(SHOPS_FILE, os.environ)
    # The same on the same day: told again then, it repeats; on another day it is news.
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    for number, (shop_id, mode) in enumerate(_TOLD_TO):
        seed = today.toordinal() * len(_TOLD_TO) + number
        for days, stories in _by_duration(teller(shops, shop_id, mode), seed).items():
            begins_at = today - timedelta(days=BEGINNING_DAYS + days)
            for played in play(
                url, shops, shop_id, mode, stories=stories, seed=seed, begins_at=begins_at
            ):
                yield shop_id, mode, played


def _by_duration(told_by: "Teller", seed: int) -> "dict[int, list[Story]]":
    """What can be told, in groups. Shape: days that none of the group exceeds, its stories."""
    from ledger.simulator.stories import STORIES
    from ledger.simulator.telling import ALTERNATE

    groups: dict[int, list[Story]] = {days: [] for days in LASTING_DAYS}
    for story in STORIES.values():
        if told_by.can_tell(story, ALTERNATE):
            calls = told_by.life(story, seed, 0)
            lasts = calls[-1].sent_at - calls[0].sent_at
            groups[next(one for one in LASTING_DAYS if lasts.days < one)].append(story)
    return {days: stories for days, stories in groups.items() if stories}


def _outcome(played: "Played") -> str:
    if not played.answer.is_acknowledged:
        return "refused"
    return played.answer.line.split()[1]


def _table(shown: "list[tuple[str, str, Played]]") -> Table:
    stories: dict[tuple[str, str], set[str]] = {}
    counts: dict[tuple[str, str], Counter[str]] = {}
    for shop_id, mode, played in shown:
        stories.setdefault((shop_id, mode), set()).add(played.telling.story)
        counts.setdefault((shop_id, mode), Counter())[_outcome(played)] += 1
    table = Table("shop", "mode", title="What was told, and what became of it")
    for name in ("stories", *_OUTCOMES):
        table.add_column(name, justify="right")
    for told, names in stories.items():
        numbers = (len(names), *(counts[told][outcome] for outcome in _OUTCOMES))
        table.add_row(*told, *map(str, numbers))
    return table


def _tell_next(url: str, console: Console, shown: "list[tuple[str, str, Played]]") -> None:
    console.print("\nThe service runs with:")
    variables = ("LEDGER_DATABASE_URL", "LEDGER_SHOPS_FILE")
    for name in variables:
        console.print(f"  export {name}={shlex.quote(os.environ[name])}", markup=False)
    console.print("\nRun in another terminal, in this folder, with the two lines above:")
    for line in ["check", *_examples(shown), "notifications list"]:
        console.print(f"  {_command()} {line}", markup=False)
    password = PASSWORD_FILE.read_text(encoding="utf-8")
    console.print("\nOr open this page in a browser, and sign in:", style="bold")
    console.print(f"  {url}/test", markup=False)
    console.print(f"  name {USER}, password {password}", markup=False)


def _command() -> str:
    """How to call this command from the reader's shell: as it was called now."""
    called = sys.argv[0]
    if Path(called).name != "ledger" or shutil.which("ledger") == called:
        return "ledger"
    return shlex.quote(called)


def _examples(shown: "list[tuple[str, str, Played]]") -> list[str]:
    """A command for the transaction, the alias and the subscription that most calls were about."""
    seen: dict[str, Counter[str]] = {}
    for shop_id, mode, played in shown:
        call = played.telling.call
        uuid = call.payment.uuid if call.payment else None
        named = {"transaction": uuid, "alias": call.alias, "subscription": call.subscription_id}
        for noun, name in named.items():
            if name:
                told = f"{shlex.quote(name)} --shop {shop_id} --mode {mode.lower()}"
                seen.setdefault(noun, Counter())[told] += 1
    return [f"history {noun} {told.most_common(1)[0][0]}" for noun, told in seen.items()]
