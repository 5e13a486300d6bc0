"""The alerts and the dashboard of `deploy/` name what is measured, and are well-formed."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.builders import a_ledger
from tests.conftest import opened
from tests.deploy.prometheus import RULES, names_in, promtool, rules
from tests.web.asking import Asking

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
DASHBOARD = json.loads((DEPLOY / "grafana" / "ledger.json").read_text())


def expressions_of_the_dashboard() -> list[str]:
    return [
        target["expr"].replace("$__rate_interval", "5m")
        for panel in DASHBOARD["panels"]
        for target in panel.get("targets", ())
    ]


@pytest.fixture
def api(sqlite_url: str) -> Iterator[Asking]:
    with opened(sqlite_url) as database:
        yield Asking(a_ledger(database))


def test_every_metric_that_is_shown_or_watched_is_measured(api: Asking) -> None:
    text = api.call("/metrics", None).text
    measured = set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE))
    of_the_rules = [rule["expr"] for rule in rules()]
    named = names_in([*expressions_of_the_dashboard(), *of_the_rules])

    assert len(named) > 20
    assert named - measured == set()


def test_every_expression_of_the_dashboard_is_one(tmp_path: Path) -> None:
    recorded = [
        {"record": f"panel:{number}", "expr": expression}
        for number, expression in enumerate(expressions_of_the_dashboard())
    ]
    path = tmp_path / "dashboard.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": recorded}]}))

    promtool("check", "rules", path)


def test_the_alerts_fire_when_they_should_and_a_quiet_ledger_raises_none() -> None:
    promtool("check", "rules", RULES)
    promtool("test", "rules", RULES.with_name("ledger.tests.yml"))
