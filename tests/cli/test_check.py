"""The commands an operator runs before anything else."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ledger.cli import cli
from ledger.cli.check import findings
from tests.builders import KEYS_ENVIRON

NOW = datetime(2026, 7, 1, tzinfo=UTC)
SECRET = "s3cr3t-of-a-synthetic-shop"


def key(mode: str = "TEST", kind: str = "form-hmac-sha256", more: str = "") -> str:
    return f'[[shops.keys]]\nmode = "{mode}"\nkind = "{kind}"\nsecret = "{SECRET}"\n{more}\n'


def environment(folder: Path, *keys: str) -> dict[str, str]:
    shops = folder / "shops.toml"
    shops.write_text('[[shops]]\nid = "12345678"\nname = "Boutique"\n' + "".join(keys))
    shops.chmod(0o600)
    url = f"sqlite:///{folder}/ledger.sqlite"
    return KEYS_ENVIRON | {"LEDGER_SHOPS_FILE": str(shops), "LEDGER_DATABASE_URL": url}


def run(environ: dict[str, str], *arguments: str) -> Result:
    cleared = dict.fromkeys(name for name in os.environ if name.startswith("LEDGER_"))
    return CliRunner().invoke(cli, arguments, env={**cleared, **environ})


def states(environ: dict[str, str], subject: str) -> list[str]:
    return [
        f"{finding.state}: {finding.message}"
        for finding in findings(environ, now=NOW)
        if finding.subject == subject
    ]


def test_a_service_that_can_run_passes(tmp_path: Path) -> None:
    password = key("PRODUCTION", "rest-password").replace(SECRET, f"prodpassword_{SECRET}")
    environ = environment(tmp_path, key(), password)

    assert run(environ, "migrate").output.startswith("applied ")
    result = run(environ, "check")

    assert result.exit_code == 0
    lines = result.output.splitlines()
    assert [line for line in lines if not line.startswith("ok ")] == [
        "warning pages       LEDGER_SECRET_KEY is not set: pages answer 503, all else works",
        "warning coverage    12345678 no notification yet",
    ]
    assert SECRET not in result.output


@pytest.mark.parametrize("kind", ["form-hmac-sha256", "form-sha1"])
def test_forms_of_real_money_need_a_range(tmp_path: Path, kind: str) -> None:
    environ = environment(tmp_path, key("PRODUCTION", kind))

    (fault,) = states(environ, "sources")
    (remark,) = states(environ | {"LEDGER_ALLOWED_SOURCES": "any"}, "sources")

    assert fault.startswith("fault: LEDGER_ALLOWED_SOURCES is not set")
    assert "LEDGER_ALLOWED_SOURCES=194.50.38.0/24" in fault
    assert "`any`" in fault
    assert run(environ, "check").exit_code == 2
    assert remark.startswith("warning: any address may send forms of 12345678 in PRODUCTION")
    assert not states(environ | {"LEDGER_ALLOWED_SOURCES": "194.50.38.0/24"}, "sources")


@pytest.mark.parametrize(("mode", "kind"), [("TEST", "form-sha1"), ("PRODUCTION", "rest-password")])
def test_other_keys_need_no_range(tmp_path: Path, mode: str, kind: str) -> None:
    assert not states(environment(tmp_path, key(mode, kind)), "sources")


@pytest.mark.parametrize(
    ("secret_key", "state"),
    [
        ("", "warning: LEDGER_SECRET_KEY is not set: pages answer 503, all else works"),
        (
            "x" * 31,
            "warning: LEDGER_SECRET_KEY has less than 32 characters: "
            "pages answer 503, all else works",
        ),
        ("x" * 32, "ok: sessions are signed"),
    ],
)
def test_pages_need_a_key_that_nobody_guesses(tmp_path: Path, secret_key: str, state: str) -> None:
    environ = environment(tmp_path, key()) | {"LEDGER_SECRET_KEY": secret_key}

    assert states(environ, "pages") == [state]


def test_the_ways_to_sign_in_are_told_without_secrets(tmp_path: Path) -> None:
    environ = environment(tmp_path, key()) | {
        "LEDGER_SECRET_KEY": "x" * 32,
        "LEDGER_PUBLIC_URL": "https://ledger.example.com",
        "LEDGER_OIDC_ISSUER": "https://login.example.com",
        "LEDGER_OIDC_CLIENT_ID": "ledger",
        "LEDGER_OIDC_CLIENT_SECRET": SECRET,
        "LEDGER_OIDC_ROLES": "treasury=operator",
        "LEDGER_SECOND_FACTOR_ROLES": "operator",
    }

    assert states(environ, "sign-in") == [
        "ok: identity provider: https://login.example.com; passwords: on; "
        "second factor required of: operator"
    ]
    assert SECRET not in run(environ, "check").output


def test_migrating_twice_applies_nothing(tmp_path: Path) -> None:
    environ = environment(tmp_path, key())
    run(environ, "migrate")

    result = run(environ, "migrate")

    assert (result.exit_code, result.stdout) == (0, "")


def test_a_check_changes_nothing(tmp_path: Path) -> None:
    environ = environment(tmp_path, key())

    result = run(environ, "check")

    assert result.exit_code == 0
    assert "does not exist yet" in result.output
    assert not (tmp_path / "ledger.sqlite").exists()


def test_the_check_can_be_read_by_a_machine(tmp_path: Path) -> None:
    result = run(environment(tmp_path, key()), "check", "--json")

    document = json.loads(result.stdout)
    assert document["ok"] is True
    assert {check["subject"] for check in document["checks"]} >= {"settings", "shops file", "key"}
    assert SECRET not in result.output


def test_a_missing_shops_file_is_a_fault(tmp_path: Path) -> None:
    result = run({"LEDGER_DATABASE_URL": f"sqlite:///{tmp_path}/x.sqlite"}, "check")

    assert result.exit_code == 2
    assert "fault   shops file" in result.output


def test_a_wrong_setting_is_the_only_fault_told(tmp_path: Path) -> None:
    environ = environment(tmp_path, key()) | {"LEDGER_LOG_FORMAT": "xml"}

    result = run(environ, "check")

    assert result.exit_code == 2
    assert len(result.output.splitlines()) == 1


def test_old_tables_are_a_fault(tmp_path: Path) -> None:
    environ = environment(tmp_path, key())
    (tmp_path / "ledger.sqlite").touch()

    result = run(environ, "check")

    assert result.exit_code == 2
    assert "run `ledger migrate`" in result.output


def test_a_database_that_does_not_answer_is_a_fault_without_its_password(tmp_path: Path) -> None:
    url = "postgresql://ledger:pa55word@127.0.0.1:1/ledger"
    environ = environment(tmp_path, key()) | {"LEDGER_DATABASE_URL": url}

    result = run(environ, "check")

    assert result.exit_code == 2
    assert "does not answer" in result.output
    assert "pa55word" not in result.output


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("not_after = 2026-01-01T00:00:00Z", "warning: .* expired"),
        ("not_before = 2027-01-01T00:00:00Z", "warning: .* not valid yet"),
        (
            "not_before = 2026-02-01T00:00:00Z\nnot_after = 2026-01-01T00:00:00Z",
            "fault: .* window is empty",
        ),
        ("not_before = 2026-01-01T00:00:00Z", "ok: .* valid from 2026-01-01T00:00Z"),
    ],
)
def test_the_window_of_a_key_is_reported(tmp_path: Path, more: str, message: str) -> None:
    (line,) = states(environment(tmp_path, key(more=more)), "key")

    state, end = message.split(".*")
    assert line.startswith(state)
    assert line.endswith(end)


def test_a_mode_whose_keys_have_all_ended_is_a_fault_with_what_to_do(tmp_path: Path) -> None:
    ended, over = "not_after = 2026-01-01T00:00:00Z", "not_after = 2026-02-01T00:00:00Z"
    keys = [key(more=ended), key(kind="rest-password", more=over), key(kind="rest-hmac")]
    renewed = [key("PRODUCTION", "rest-password", more) for more in (ended, "")]
    environ = environment(tmp_path, *keys, *renewed)

    (fault,) = states(environ, "ended keys")

    assert fault.startswith("fault: 12345678 TEST has no valid key left since 2026-02-01T00:00Z")
    assert "`ledger notifications readmit --reason no-key`" in fault
    assert run(environ, "check").exit_code == 2


def test_a_key_without_a_window_is_always_valid(tmp_path: Path) -> None:
    (line,) = states(environment(tmp_path, key()), "key")

    assert line.startswith("ok: 12345678 TEST form-hmac-sha256 ")
    assert line.endswith(" always valid")


@pytest.mark.parametrize(
    ("more", "end"),
    [
        ("", "then let it end by `not_after`"),
        ("not_after = 2026-08-01T00:00:00Z", "it ends 2026-08-01"),
        ("not_after = 2026-06-01T00:00:00Z", None),
    ],
)
def test_a_key_of_sha_1_is_warned_of_until_it_ends(
    tmp_path: Path, more: str, end: str | None
) -> None:
    environ = environment(tmp_path, key(), key("PRODUCTION", "form-sha1", more))

    lines = states(environ, "weak key")

    if end is None:
        assert lines == []
    else:
        (line,) = lines
        assert line.startswith("warning: 12345678 PRODUCTION form-sha1 ")
        assert "chosen-prefix collisions" in line
        assert line.endswith(end)


def test_a_database_that_others_can_read_is_told(tmp_path: Path) -> None:
    environ = environment(tmp_path, key())
    run(environ, "migrate")
    path = tmp_path / "ledger.sqlite"
    assert not any("chmod" in line for line in states(environ, "database"))

    path.chmod(0o640)
    (line,) = [line for line in states(environ, "database") if "chmod" in line]

    assert line.startswith(
        f"warning: others on this machine can read or change it: chmod 600 {path}"
    )


def test_keys_that_are_valid_together_are_told(tmp_path: Path) -> None:
    first = key(more="not_after = 2026-08-01T00:00:00Z")
    second = key(more="not_before = 2026-06-01T00:00:00Z").replace(SECRET, "another")

    lines = states(environment(tmp_path, first, second, key("PRODUCTION")), "key")

    assert [line for line in lines if "valid together" in line] == [lines[-1]]


def test_a_shop_that_can_verify_nothing_is_told(tmp_path: Path) -> None:
    (line,) = states(environment(tmp_path, key(kind="rest-hmac")), "shop")

    assert line.startswith("warning: 12345678")


def test_a_refusal_is_one_line_without_a_traceback() -> None:
    result = run({"LEDGER_DATABASE_URL": "oracle://x"}, "migrate")

    assert result.exit_code == 2
    assert result.stderr.startswith("error: LEDGER_DATABASE_URL must begin")
    assert result.stderr.endswith("(bad-settings)\n")
    assert result.stderr.count("\n") == 1


def test_every_command_explains_itself() -> None:
    listed = run({}, "--help")

    assert listed.exit_code == 0
    for name in ("serve", "migrate", "check"):
        assert name in listed.output
        assert run({}, name, "--help").exit_code == 0


def test_an_unknown_command_is_refused() -> None:
    assert run({}, "destroy").exit_code == 2


def test_the_version_is_told() -> None:
    assert run({}, "--version").output.startswith("ledger, version ")
