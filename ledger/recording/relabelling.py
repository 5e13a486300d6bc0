"""Recognise one signed text under other names: a form's signature covers values alone."""

from collections.abc import Callable, Mapping

from ledger.errors import MalformedNotificationError, SignatureError
from ledger.ipn.content_tags import content_tag
from ledger.ipn.delivery import Delivery, Limits, Notification, read_fields
from ledger.ipn.form_v2_origin import doubts_of
from ledger.recording.inbox_rows import delivery_of
from ledger.storage.inbox import InboxRecord


def text_tags(notification: Notification) -> tuple[str, ...]:
    """Return the tags under which a signed text may be recorded; none where names are signed.

    Shape: that of the text, and that of its true names where false ones were recorded first. Both
    are unique in the inbox, so that of two writers at one moment one looks again.
    """
    tag = notification.signed_text_tag
    return () if tag is None else (tag, content_tag(f"true names of {tag}".encode()))


def free_text_tag(
    notification: Notification,
    id_by_tag: Mapping[str, str],
    recorded: Callable[[str], InboxRecord],
) -> str | None:
    """Return the tag under which a notification is to be recorded.

    Shape: `id_by_tag` are the recorded notifications with its tags, `recorded` reads one of them.
    Errors: SignatureError when its text is known under the names of a call;
    MalformedNotificationError when nobody can tell which names are the platform's.
    """
    tags = text_tags(notification)
    taken = [tag for tag in tags if tag in id_by_tag]
    if not taken:
        return tags[0] if tags else None
    if not _has_names_of_a_call(notification.delivery):
        raise SignatureError("relabelled-form", "the same values were signed under other names")
    first = recorded(id_by_tag[taken[-1]])
    is_doubtful = not first.is_from_named_range and not _has_names_of_a_call(delivery_of(first))
    if len(taken) == len(tags) or not is_doubtful:
        reason = f"notification {first.id} has the same values under other names"
        raise MalformedNotificationError("names-contradict", reason)
    return tags[1]


def _has_names_of_a_call(delivery: Delivery) -> bool:
    return not doubts_of(read_fields(delivery, Limits()))
