"""Calls are lost by their seed and by their rule, and by nothing else."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ledger.cli import cli
from ledger.errors import SettingsError
from ledger.simulator.signed_calls import SignedCall
from ledger.simulator.stories import STORIES
from ledger.simulator.undelivered_calls import LOST, RULE_OFF, Losses, calls_with_losses
from tests.simulator.conftest import FORM_SECRET, REST_SECRET, SHOP_ID, Service
from tests.simulator.journal_reader import platform_in

Serve = Callable[[Service], Service]


def played(losses: Losses, laps: int = 1) -> list[tuple[SignedCall, bool]]:
    count = laps * len(STORIES)
    return list(calls_with_losses(platform_in("TEST"), list(STORIES.values()), losses, count=count))


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_about_the_named_share_is_lost(share: float) -> None:
    calls = played(Losses(seed=5, lost_share=share), laps=12)

    lost = sum(is_lost for _, is_lost in calls)
    assert abs(lost / len(calls) - share) < 0.03


def test_the_same_seed_loses_the_same_and_another_seed_others() -> None:
    first, second, other = (played(Losses(seed, lost_share=0.2)) for seed in (5, 5, 6))

    assert first == second
    assert [is_lost for _, is_lost in first] != [is_lost for _, is_lost in other]


def test_a_higher_share_loses_more_of_the_same_lives() -> None:
    fewer, more = (played(Losses(seed=5, lost_share=share)) for share in (0.1, 0.4))

    assert [signed_call for signed_call, _ in fewer] == [signed_call for signed_call, _ in more]
    assert all(is_lost for (_, was_lost), (_, is_lost) in zip(fewer, more, strict=True) if was_lost)


@pytest.mark.parametrize(
    ("rule", "sources"),
    [
        ("back-office", {"MERCH_BO", "RETRY"}),
        ("end-of-payment", {"PAY", "DCF", "PAYMENT_ORDER", "RETRY", "BO"}),
        ("recurring", {"REC", "RETRY"}),
        ("batch", {"BATCH"}),
        ("batch-authorisation", {"BATCH_AUTO"}),
    ],
)
def test_a_rule_that_is_off_keeps_back_its_calls_and_their_retries(
    rule: str, sources: set[str]
) -> None:
    calls = played(Losses(rules_off=frozenset({rule})))

    kept_back = [signed_call.call for signed_call, is_lost in calls if is_lost]
    sent = [signed_call.call for signed_call, is_lost in calls if not is_lost]
    assert {call.source for call in kept_back} == sources
    assert {call.source for call in sent} & sources <= {"RETRY"}
    assert {call.origin for call in sent if call.source == "RETRY"}.isdisjoint(sources)


def test_rules_that_are_off_add_up() -> None:
    off = frozenset({"batch", "recurring"})

    kept_back = {
        signed_call.call.source for signed_call, is_lost in played(Losses(rules_off=off)) if is_lost
    }

    assert kept_back == {"BATCH", "REC", "RETRY"}


def test_the_reason_is_named_and_a_rule_comes_before_chance() -> None:
    (signed_call, _), *_ = played(Losses())

    assert Losses().obstacle(signed_call.call) is None
    assert Losses(lost_share=1.0).obstacle(signed_call.call) == LOST
    both = Losses(lost_share=1.0, rules_off=frozenset({"end-of-payment"}))
    assert both.obstacle(signed_call.call) == RULE_OFF


def test_an_unknown_rule_is_refused() -> None:
    with pytest.raises(SettingsError, match="no rule named cancellation"):
        Losses(rules_off=frozenset({"cancellation"}))


@pytest.fixture
def run(shops_file: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    shops_file.write_text(
        shops_file.read_text() + f'[[shops.keys]]\nmode = "PRODUCTION"\nkind = "form-hmac-sha256"\n'
        f'secret = "{FORM_SECRET}Production"\n'
        f'[[shops.keys]]\nmode = "PRODUCTION"\nkind = "rest-password"\n'
        f'secret = "{REST_SECRET}Production"\n'
    )
    monkeypatch.setenv("LEDGER_SHOPS_FILE", str(shops_file))
    shops_file.chmod(0o600)
    return lambda *arguments: CliRunner().invoke(cli, ["simulate", *arguments])


def truth(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "truth.json").read_text(encoding="utf-8")))


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_the_command_keeps_calls_back_says_so_and_ends_in_0(
    run: Callable[..., Result], serve: Serve, tmp_path: Path
) -> None:
    service = serve(Service())

    result = run(
        *("--url", service.url, "--seed", "5", "--lose", "0.3", "--rule-off", "back-office"),
        *("--rule-off", "recurring", "--journals", str(tmp_path / "files")),
    )

    assert result.exit_code == 0
    lines = [line.split("\t") for line in result.stdout.splitlines()]
    answers = Counter(line[5] for line in lines)
    assert set(answers) == {"OK recorded 1", LOST, RULE_OFF}
    assert {line[2] for line in lines if line[5] == RULE_OFF} == {"MERCH_BO", "REC", "RETRY"}
    assert {line[4] for line in lines if line[5] in (LOST, RULE_OFF)} == {"---"}
    assert len(service.posts) == answers["OK recorded 1"]
    assert f"{answers[LOST]} {LOST}, {answers[RULE_OFF]} {RULE_OFF}" in result.stderr
    delivered = [each["is_delivered"] for each in truth(tmp_path / "files")["transactions"]]
    assert len(set(delivered)) == 2


def test_two_runs_write_identical_files_also_over_several_connections(
    run: Callable[..., Result], serve: Serve, tmp_path: Path
) -> None:
    service = serve(Service())
    options = ("--url", service.url, "--seed", "7", "--count", "60", "--mode", "production")

    for name, connections in (("first", "1"), ("second", "1"), ("third", "4")):
        folder = str(tmp_path / name)
        result = run(*options, "--connections", connections, "--lose", "0.2", "--journals", folder)
        assert result.exit_code == 0, result.output

    first = contents(tmp_path / "first")
    assert contents(tmp_path / "second") == first
    assert contents(tmp_path / "third") == first
    codes = {name.split("_")[1 if name.startswith(SHOP_ID) else 0] for name in first}
    assert codes == {"JT", "JO", "JRB", "JRI", "JAM", "customised/JT", "truth.json"}


def test_journals_go_with_one_story_and_one_format(
    run: Callable[..., Result], serve: Serve, tmp_path: Path
) -> None:
    service = serve(Service())

    result = run(
        *("--url", service.url, "--story", "refunded-in-part", "--format", "rest", "--json"),
        *("--journals", str(tmp_path)),
    )

    assert result.exit_code == 0
    transactions = truth(tmp_path)["transactions"]
    assert [each["direction"] for each in transactions] == ["DEBIT", "CREDIT"]
    assert json.loads(result.stdout)["summary"]["not_sent"] == 0
    assert "in TEST the platform makes no JAM and no JRI" in result.stderr


def test_what_is_expected_of_a_life_leaves_out_what_was_lost(
    run: Callable[..., Result], serve: Serve
) -> None:
    service = serve(Service())

    result = run(
        *("--url", service.url, "--story", "refunded-in-part", "--rule-off", "back-office"),
        "--json",
    )

    (life,) = json.loads(result.stdout)["lives"]
    assert [message["answer"] for message in life["messages"]] == ["OK recorded 1", RULE_OFF]
    assert [each["facts"]["operation_type"] for each in life["expected"]] == ["DEBIT"]


def test_a_refused_call_still_ends_in_1_and_counts_as_not_delivered(
    run: Callable[..., Result], serve: Serve, tmp_path: Path
) -> None:
    service = serve(Service(status=503, answer=b"KO"))

    result = run("--url", service.url, "--count", "1", "--journals", str(tmp_path))

    assert result.exit_code == 1, result.output
    assert [each["is_delivered"] for each in truth(tmp_path)["transactions"]] == [False]


@pytest.mark.parametrize(
    "losing",
    [("--lose", "0.1"), ("--rule-off", "batch"), ("--journals", "files")],
    ids=["lose", "rule-off", "journals"],
)
def test_a_bad_day_has_losses_of_its_own(
    run: Callable[..., Result], losing: tuple[str, str]
) -> None:
    result = run("--chaos", *losing)

    assert result.exit_code == 2
    assert "do not go with --chaos" in result.stderr


def test_a_folder_that_cannot_be_made_is_said_before_anything_is_sent(
    run: Callable[..., Result], serve: Serve, tmp_path: Path
) -> None:
    service = serve(Service())
    (tmp_path / "taken").write_text("x")

    result = run("--url", service.url, "--journals", str(tmp_path / "taken" / "files"))

    assert result.exit_code == 2
    assert service.posts == []
