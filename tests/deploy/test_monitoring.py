"""The alerts and the dashboard of `deploy/` name what is measured, and fire by real faults."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import text

from ledger.audit.check_names import STREAMS
from ledger.audit.verifications import note_verification
from tests.builders import NOON, SHOP_ID, a_form_call, a_ledger
from tests.conftest import opened
from tests.projections.test_poison import UNDECODABLE, append
from tests.web.asking import Asking

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
RULES = DEPLOY / "prometheus" / "ledger.rules.yml"
DASHBOARD = json.loads((DEPLOY / "grafana" / "ledger.json").read_text())
METRIC = re.compile(r"\bledger_[a-z_]+")
SAMPLE = re.compile(r"^(ledger_\S+?(?:{.*})?) (\S+)$", re.MULTILINE)
SUFFIXES = ("_bucket", "_count", "_sum")
FORM = "application/x-www-form-urlencoded"
"""How the receiver is called."""


def promtool(*words: str | Path) -> None:
    """Run Prometheus's own checker, and fail with its words."""
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed: apt-get install prometheus")
    command = ["promtool", *map(str, words)]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def expressions_of_the_dashboard() -> list[str]:
    return [
        target["expr"].replace("$__rate_interval", "5m")
        for panel in DASHBOARD["panels"]
        for target in panel.get("targets", ())
    ]


def expressions_of_the_rules() -> list[str]:
    (group,) = yaml.safe_load(RULES.read_text())["groups"]
    return [rule["expr"] for rule in group["rules"]]


@pytest.fixture
def api(sqlite_url: str) -> Iterator[Asking]:
    with opened(sqlite_url) as database:
        yield Asking(a_ledger(database))


def test_every_metric_that_is_shown_or_watched_is_measured(api: Asking) -> None:
    text = api.call("/metrics", None).text
    measured = set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE))
    named = {
        name.removesuffix(next(filter(name.endswith, SUFFIXES), ""))
        for expression in [*expressions_of_the_dashboard(), *expressions_of_the_rules()]
        for name in METRIC.findall(expression)
    }

    assert len(named) > 20
    assert named - measured == set()


def test_every_expression_of_the_dashboard_is_one(tmp_path: Path) -> None:
    rules = [
        {"record": f"panel:{number}", "expr": expression}
        for number, expression in enumerate(expressions_of_the_dashboard())
    ]
    path = tmp_path / "dashboard.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))

    promtool("check", "rules", path)


def test_the_alerts_fire_when_they_should_and_a_quiet_ledger_raises_none() -> None:
    promtool("check", "rules", RULES)
    promtool("test", "rules", RULES.with_name("ledger.tests.yml"))


def metrics_of(api: Asking) -> dict[str, float]:
    """Read what is measured now. Shape: value by series."""
    sizes = Asking(api.ledger, now=api.now)  # another service, which has not kept them yet
    texts = (sizes.call("/metrics", None).text, api.call("/metrics", None).text)
    read, counted = (dict(SAMPLE.findall(text)) for text in texts)
    totals = {series: value for series, value in counted.items() if "_total" in series}
    return {series: float(value) for series, value in (read | totals).items()}


def not_stored(api: Asking) -> None:
    with api.ledger.database.begin() as connection:
        connection.execute(text("ALTER TABLE notifications RENAME TO elsewhere"))
    post(api, a_form_call())
    with api.ledger.database.begin() as connection:
        connection.execute(text("ALTER TABLE elsewhere RENAME TO notifications"))


def wrong_key(api: Asking) -> None:
    signed = a_form_call()
    post(api, signed.replace(b"AUTHORISED", b"CAPTURED"))  # as if signed by another key


def poison_event(api: Asking) -> None:
    append(api.ledger.database, UNDECODABLE)
    api.follow()


def silence(api: Asking) -> None:
    post(api, a_form_call())
    api.now = NOON + timedelta(hours=25)


def cannot_write(api: Asking) -> None:
    with api.ledger.database.begin() as connection:
        connection.execute(text("ALTER TABLE quarantine RENAME TO elsewhere"))


def tampered(api: Asking) -> None:
    note_verification(api.ledger.database, {STREAMS: 2}, api.now)


def post(api: Asking, body: bytes) -> None:
    api.client.post(f"/ipn/{SHOP_ID}/test", data=body, content_type=FORM)


@pytest.mark.parametrize(
    ("fault", "alert"),
    [
        (not_stored, "LedgerCallsNotStored"),
        (wrong_key, "LedgerQuarantineGrows"),
        (poison_event, "LedgerPoisonEvents"),
        (silence, "LedgerShopSilent"),
        (cannot_write, "LedgerNotReady"),
        (tampered, "LedgerVerifyFaults"),
    ],
)
def test_a_real_fault_raises_its_alert(api: Asking, tmp_path: Path, fault: Any, alert: str) -> None:
    usual = metrics_of(api)
    fault(api)
    faulty = metrics_of(api)

    shutil.copy(RULES, tmp_path)
    path = tmp_path / "tests.yml"
    path.write_text(yaml.safe_dump(expecting(alert, series_of(usual, faulty, api.now.timestamp()))))
    promtool("test", "rules", path)


def series_of(
    usual: dict[str, float], faulty: dict[str, float], ended_at: float
) -> Iterable[dict[str, str]]:
    """Yield what Prometheus scraped; its clock begins at zero and ends when the fault is there."""
    for series, value in faulty.items():
        shift = ended_at - 300 if "_timestamp_seconds" in series else 0
        first = usual.get(series, value)
        yield {"series": series, "values": f"{first - shift}x2 {value - shift}x4"}


def expecting(alert: str, series: Iterable[dict[str, str]]) -> dict[str, Any]:
    expression = f'group by (alertname) (ALERTS{{alertname="{alert}",alertstate="firing"}})'
    samples = [{"labels": f'{{alertname="{alert}"}}', "value": 1}]
    question = {"expr": expression, "eval_time": "5m", "exp_samples": samples}
    return {
        "rule_files": [RULES.name],
        "evaluation_interval": "1m",
        "tests": [{"interval": "1m", "input_series": list(series), "promql_expr_test": [question]}],
    }
