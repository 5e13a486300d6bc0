"""What was put elsewhere, over HTTP: answered byte for byte, or refused in words."""

from pathlib import Path

from tests.sealing.archiving import archive_all, file_of
from tests.web.asking import AT, Asking

EVIDENCE = f"{AT}/events/1/evidence"


def test_evidence_of_an_archived_call_is_what_it_was(paid: Asking, tmp_path: Path) -> None:
    before = paid.get(EVIDENCE, "operator")
    raw = before["notification"]["links"]["raw"]
    body = paid.call(raw, "operator").data

    assert archive_all(paid.ledger.database, tmp_path)

    assert paid.get(EVIDENCE, "operator") == before
    assert paid.call(raw, "operator").data == body


def test_an_archive_out_of_reach_is_told_and_all_else_is_answered(
    paid: Asking, tmp_path: Path
) -> None:
    before = paid.get(EVIDENCE, "operator")["notification"]
    id_ = before["id"]
    (archive,) = archive_all(paid.ledger.database, tmp_path)
    file_of(archive).unlink()

    for path in (EVIDENCE, f"/api/v1/notifications/{id_}/raw", "/api/v1/events?details=true"):
        answer = paid.call(path, "operator")
        assert (answer.status_code, answer.json["code"]) == (503, "archive-unreadable")
        assert archive.address in answer.json["detail"]
    for path in ("/api/v1/events?details=true", "/api/v1/notifications", "/api/v1/transactions"):
        assert paid.call(path, "auditor").status_code == 200
    assert paid.get(f"/api/v1/notifications/{id_}", "operator") == before
