"""Says where the origins of each kind are stored, and what of them stands in their entries."""

from collections.abc import Mapping

from sqlalchemy import Table

from ledger.proof.entry import (
    ACT,
    ANSWER,
    DECISION,
    DELIVERY,
    ERASURE,
    EXPIRY,
    FILE,
    NOTE,
    REPORT,
)
from ledger.storage.asking_tables import answers
from ledger.storage.erasure_tables import erasures, expiries
from ledger.storage.note_tables import notes
from ledger.storage.reconciliation_tables import journal_files, reports
from ledger.storage.tables import acts, decisions, notifications

SOURCES: Mapping[str, Table] = {
    DELIVERY: notifications,
    DECISION: decisions,
    ACT: acts,
    ERASURE: erasures,
    EXPIRY: expiries,
    FILE: journal_files,
    REPORT: reports,
    ANSWER: answers,
    NOTE: notes,
}
"""Kind of entry -> the table of its origins, in the order in which they are taken: what is about
another origin comes behind it."""

FIELDS: Mapping[str, Mapping[str, str]] = {
    DELIVERY: {
        "id": "id",
        "format": "format",
        "shop_id": "shop_id",
        "mode": "mode",
        "source": "source",
        "outcome": "outcome",
        "reason": "reason",
        "key": "key_fingerprint",
        "received_at": "received_at",
        "recorded_at": "recorded_at",
        "told_at": "told_at",
    },
    DECISION: {
        "id": "id",
        "notification": "notification_id",
        "outcome": "outcome",
        "reason": "reason",
        "recorded_at": "decided_at",
        "code_version": "code_version",
    },
    ACT: {
        "id": "id",
        "act": "kind",
        "shop_id": "shop_id",
        "mode": "mode",
        "recorded_at": "done_at",
    },
    ERASURE: {
        "id": "id",
        "erasure": "erasure_id",
        "phase": "phase",
        "reason": "reason",
        "verified": "verified",
        "recorded_at": "recorded_at",
    },
    EXPIRY: {
        "id": "id",
        "body_until": "body_until",
        "personal_until": "personal_until",
        "counts": "counts",
        "recorded_at": "recorded_at",
    },
    FILE: {
        "id": "id",
        "journal": "kind",
        "shop_id": "shop_id",
        "mode": "mode",
        "first_day": "first_day",
        "last_day": "last_day",
        "rows": "row_count",
        "recorded_at": "recorded_at",
    },
    REPORT: {
        "id": "id",
        "shop_id": "shop_id",
        "mode": "mode",
        "first_day": "first_day",
        "last_day": "last_day",
        "position": "position",
        "files": "files",
        "rules": "rules",
        "replaces": "replaces",
        "digest": "digest",
        "recorded_at": "recorded_at",
    },
    ANSWER: {
        "id": "id",
        "question": "question_id",
        "shop_id": "shop_id",
        "mode": "mode",
        "outcome": "outcome",
        "reason": "reason",
        "key": "key_fingerprint",
        "server": "server",
        "certificate": "certificate",
        "http_status": "http_status",
        "told_at": "told_at",
        "recorded_at": "recorded_at",
    },
    NOTE: {
        "id": "id",
        "note": "kind",
        "note_id": "note_id",
        "about": "about",
        "stream": "stream_id",
        "version": "version",
        "shop_id": "shop_id",
        "mode": "mode",
        "recorded_at": "recorded_at",
    },
}
"""Kind of entry -> its fields, each with the column that it is read from."""

RECORDED_AT: Mapping[str, str] = {kind: named["recorded_at"] for kind, named in FIELDS.items()}
"""Kind of entry -> the column that says when its origins were recorded."""
