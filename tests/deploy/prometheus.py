"""What Prometheus makes of scrapes: promtool is given them as series, with our rules."""

import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

RULES = Path(__file__).resolve().parents[2] / "deploy" / "prometheus" / "ledger.rules.yml"
CALM_MINUTES = 2
"""How long all is as usual before a fault comes."""
_SAMPLE = re.compile(r"^(ledger_\S+?(?:{.*})?) (\S+)$", re.MULTILINE)
_COUNTER = re.compile(r"_(?:total|bucket|count|sum)(?:{|$)")
_MINUTES = {"m": 1, "h": 60}

Samples = Mapping[str, float]
"""Value by series."""


def promtool(*words: str | Path) -> None:
    """Run Prometheus's own checker, and fail with its words."""
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed: apt-get install prometheus")
    command = ["promtool", *map(str, words)]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load(RULES.read_text())["groups"]
    return list(group["rules"])


def samples_of(text: str) -> dict[str, float]:
    """Read what `/metrics` says."""
    return {series: float(value) for series, value in _SAMPLE.findall(text)}


def is_counter(series: str) -> bool:
    return _COUNTER.search(series) is not None


def minutes_until(alert: str) -> int:
    """Return when an alert fires whose fault comes after the calm, and stays."""
    wait = next(rule.get("for", "0m") for rule in rules() if rule["alert"] == alert)
    return CALM_MINUTES + 1 + int(wait[:-1]) * _MINUTES[wait[-1]] + 1


def assert_fires(
    folder: Path, usual: Samples, faulty: Samples, ended_at: float, minutes: int, *alerts: str
) -> None:
    """Fail unless these alerts fire in the end, and no other, when a fault stays as it was scraped.

    Units: `ended_at` in seconds since 1970, which is when `minutes` have passed.
    """
    series = list(_series(usual, faulty, ended_at - 60 * minutes, minutes))
    question = {
        "expr": 'count by (alertname) (ALERTS{alertstate="firing"}) * 0 + 1',
        "eval_time": f"{minutes}m",
        "exp_samples": [{"labels": f'{{alertname="{each}"}}', "value": 1} for each in alerts],
    }
    case = {"interval": "1m", "input_series": series, "promql_expr_test": [question]}
    file = {"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": [case]}
    path = folder / "tests.yml"
    path.write_text(yaml.safe_dump(file))
    promtool("test", "rules", path)


def _series(
    usual: Samples, faulty: Samples, began_at: float, minutes: int
) -> Iterator[dict[str, str]]:
    """Yield what Prometheus would have scraped; its clock begins at zero.

    Shape: a counter goes on as it did between the two scrapes, since the fault goes on.
    """
    for series, value in faulty.items():
        if is_counter(series):
            first = usual.get(series, 0.0)
            yield {"series": series, "values": f"{first:f}+{value - first:f}x{minutes}"}
            continue
        shift = began_at if "_timestamp_seconds" in series else 0.0
        first, last = usual.get(series, value) - shift, value - shift
        rest = minutes - CALM_MINUTES - 1
        yield {"series": series, "values": f"{first:f}x{CALM_MINUTES} {last:f}x{rest}"}


def names_in(expressions: Iterable[str]) -> set[str]:
    """Return the metrics that expressions name, without what a histogram adds."""
    named = {name for each in expressions for name in re.findall(r"\bledger_[a-z_]+", each)}
    return {re.sub(r"_(bucket|count|sum)$", "", name) for name in named}
