"""Rows of the inbox and of the quarantine, made from deliveries, and deliveries from them."""

from datetime import datetime
from typing import Any

from ledger import __version__
from ledger.aggregates.occasion import Occasion
from ledger.ipn.delivery import Delivery, Limits, Notification
from ledger.ipn.parse import Claim
from ledger.ipn.refusal_reasons import CARD_DATA_REMOVED, ERASED, TOO_LARGE
from ledger.ipn.snapshots import NotificationContent
from ledger.settings import Settings
from ledger.storage.decisions import LaterDecision
from ledger.storage.inbox import InboxRecord
from ledger.storage.outcomes import Outcome


def verified_row(
    notification: Notification,
    content: NotificationContent,
    recorded_at: datetime,
    outcome: Outcome,
    positions: tuple[int, ...],
    reason: str | None,
) -> InboxRecord:
    """Make the row of a verified notification; the reason is why it was in quarantine, if so."""
    return _row_of(
        notification.delivery,
        outcome=outcome,
        recorded_at=recorded_at,
        format=notification.format,
        shop_id=notification.shop_id,
        mode=notification.mode,
        source=notification.source,
        reason=reason,
        signed_tag=notification.signed_tag,
        signed_text_tag=notification.signed_text_tag,
        key_fingerprint=notification.key_fingerprint,
        told_at=content.told_at,
        positions=positions,
    )


def later_decision(
    origin_id: str,
    record: InboxRecord,
    decided_at: datetime,
    outcome: Outcome,
    positions: tuple[int, ...] = (),
    reason: str | None = None,
    error_class: str | None = None,
) -> LaterDecision:
    """Make the row of what became of an undecided notification, decided or not, by this code."""
    assert record.signed_tag is not None, "an undecided notification was verified"
    return LaterDecision(
        id=origin_id,
        notification_id=record.id,
        signed_tag=record.signed_tag,
        decided_at=decided_at,
        outcome=outcome,
        code_version=__version__,
        reason=reason,
        error_class=error_class,
        positions=positions,
    )


def quarantined_row(delivery: Delivery, reason: str, claim: Claim) -> InboxRecord:
    """Make the row of a refused delivery; what it claims goes before where it was sent to."""
    return _row_of(
        delivery,
        outcome=Outcome.QUARANTINED,
        reason=reason,
        format=claim.format,
        shop_id=claim.shop_id or delivery.shop_id,
        mode=claim.mode or delivery.mode,
        source=claim.source,
    )


def missing_body(record: InboxRecord) -> str | None:
    """Return the reason why an opened delivery has no body; None when it has one."""
    if record.reason == TOO_LARGE:
        return TOO_LARGE
    if record.body is not None:
        return None
    return CARD_DATA_REMOVED if record.outcome == Outcome.QUARANTINED else ERASED


def occasion_of(
    delivery: Delivery,
    content: NotificationContent,
    recorded_at: datetime,
    *,
    is_readmitted: bool = False,
) -> Occasion:
    """Describe on which occasion the content of a call, or of an answer, is applied."""
    return Occasion(
        notification_id=delivery.id,
        shop_id=content.shop_id,
        mode=content.mode,
        received_at=delivery.received_at,
        recorded_at=recorded_at,
        told_at=content.told_at,
        source=content.source,
        rule=content.rule,
        rule_certainty=content.rule_certainty,
        is_readmitted=is_readmitted or delivery.is_imported,
        doubts=content.doubts,
        is_asked=content.is_asked,
    )


def limits_of(settings: Settings) -> Limits:
    """Return the most that a body may hold."""
    return Limits(settings.fields_max, settings.json_depth_max)


def delivery_of(record: InboxRecord) -> Delivery:
    """Restore a delivery as it arrived from its record."""
    return Delivery(
        id=record.id,
        received_at=record.received_at,
        body=record.body or b"",
        content_type=record.content_type,
        peer=record.peer,
        shop_id=record.endpoint_shop_id,
        mode=record.endpoint_mode,
        is_from_named_range=record.is_from_named_range,
        is_imported=record.is_imported,
    )


def _row_of(delivery: Delivery, **other_fields: Any) -> InboxRecord:
    return InboxRecord(
        id=delivery.id,
        received_at=delivery.received_at,
        digest=delivery.digest,
        content_type=delivery.content_type,
        peer=delivery.peer,
        endpoint_shop_id=delivery.shop_id,
        endpoint_mode=delivery.mode,
        is_from_named_range=delivery.is_from_named_range,
        is_imported=delivery.is_imported,
        body=delivery.body,
        **other_fields,
    )
