"""The summary of a payment or an order in one sentence that can be copied, in any language."""

from collections.abc import Iterator
from datetime import datetime
from functools import reduce

from markupsafe import Markup

from ledger.queries.state import State
from ledger.queries.summaries import DOUBTFUL, Capture, Proof
from web.pages.answer_words import ANSWERS
from web.pages.formatting import amount, day, moment, plain
from web.pages.languages import N_, ngettext, speaking, translated
from web.pages.translations import OPERATIONS, STATUSES

_HEADS = {
    "accepted": N_("not paid yet"),
    "pending": N_("not paid yet"),
    "refused": N_("not paid"),
    "abandoned": N_("not paid"),
    "cancelled": N_("not paid"),
    "expired": N_("not paid"),
    "failed": N_("not paid"),
    "refund-pending": N_("not refunded yet"),
    "refund-refused": N_("not refunded"),
    "refund-cancelled": N_("not refunded"),
    DOUBTFUL: N_("doubtful, counts nowhere"),
}
"""What an answer begins with when no money counts, by outcome; a verification by its name."""
_PROOFS = {
    Proof.SIGNATURE: N_("verified by signature"),
    Proof.QUERIED: N_("in part only queried: an answer to our own question, without signature"),
    Proof.DOUBTFUL: N_("signed, but perhaps no call of the platform"),
}


def _(text: str, /, **words: str) -> str:
    """Translate a text of ours, and fill it."""
    return translated(text) % words if words else translated(text)


def english(summary: State, then: datetime | None = None) -> str:
    """Return the sentence in English, with days and times in UTC."""
    with speaking("en"):
        return sentence(summary, then)


def sentence(summary: State, then: datetime | None = None) -> str:
    """Return a summary as a sentence in the reader's language, with days on the reader's clock.

    Shape: `then` is the instant as of which it was known; None is now.
    """
    clauses = [*_parts(summary), *_knowledge(summary)]
    text = reduce(_joined, clauses)
    if then is not None:
        return _("As known on %(moment)s: %(text)s.", moment=_text(moment(then)), text=text)
    return f"{text[:1].upper()}{text[1:]}."


def _joined(clause: str, rest: str) -> str:
    return _("%(first)s; %(rest)s", first=clause, rest=rest)


def _parts(summary: State) -> Iterator[str]:
    for figures in summary["parts"]:
        currency = figures["currency"]
        if figures["paid_minor"]:
            yield f"{_paid(figures)} ({_state(figures)})"
        elif not figures["refunded_minor"]:
            yield _not_paid(figures)
        if figures["refunded_minor"]:
            refunded = _("refunded %(amount)s", amount=amount(figures["refunded_minor"], currency))
            yield _dated(refunded, figures["refunds"], figures["refunded_at"])
        if figures["paid_minor"]:
            if figures["refunded_minor"]:
                yield _("net %(amount)s", amount=amount(figures["net_minor"], currency))
            elif figures["refunded_minor"] is None:
                yield _("refunds not known here")
            else:
                yield _("no refund notified")
        if figures["doubtful"] and figures["outcome"] != DOUBTFUL:
            doubtful = ngettext(
                "%(num)s doubtful transaction not counted",
                "%(num)s doubtful transactions not counted",
                figures["doubtful"],
            )
            yield doubtful % {"num": figures["doubtful"]}


def _knowledge(summary: State) -> Iterator[str]:
    since, last = (_text(moment(summary[name])) for name in ("first_seen_at", "last_changed_at"))
    yield _("known to us since %(moment)s", moment=since)
    if last != since:
        yield _("last changed on %(moment)s", moment=last)
    yield translated(_PROOFS[Proof(summary["proof"])])
    if summary["is_erased"]:
        yield _("what was reported besides was erased")


def _paid(figures: State) -> str:
    money = amount(figures["paid_minor"], figures["currency"])
    if figures["capture"] == Capture.NOTIFIED:
        paid = _("paid %(amount)s", amount=money)
    else:
        paid = _("paid (authorised) %(amount)s", amount=money)
    return _dated(paid, figures["payments"], figures["paid_at"])


def _dated(text: str, count: int, last_at: str | None) -> str:
    """Return what was done with its day, or how often with the last of the days."""
    last_day = _text(day(last_at))
    if count > 1:
        number = {"text": text, "count": str(count), "day": last_day}
        return _("%(text)s in %(count)s transactions, the last on %(day)s", **number)
    return _("%(text)s on %(day)s", text=text, day=last_day) if last_at else text


def _state(figures: State) -> str:
    """Return where the money stands; a payment may be suspended, or authorised in part."""
    is_plain = figures["payments"] > 1 or figures["status"] in ("AUTHORISED", "CAPTURED")
    return (
        _capture(figures)
        if is_plain
        else f"{_word(STATUSES, figures['status'])}, {_capture(figures)}"
    )


def _capture(figures: State) -> str:
    """Return what was notified of a capture; nobody tells that of an ordinary card."""
    capture, due_at = figures["capture"], figures["capture_at"]
    if capture == Capture.IN_PART:
        captured = amount(figures["captured_minor"], figures["currency"])
        return _("%(amount)s of it captured", amount=captured)
    if capture == Capture.NOTIFIED and figures["captured_at"]:
        return _("captured on %(day)s", day=_text(day(figures["captured_at"])))
    if capture == Capture.NOTIFIED:
        return _("captured")
    if due_at:
        return _("capture planned for %(day)s, not notified for cards", day=_text(day(due_at)))
    return _("capture not notified for cards")


def _not_paid(figures: State) -> str:
    operation, status = figures["operation_type"], figures["status"]
    head = _HEADS.get(figures["outcome"])
    if head is None or (operation == "VERIFICATION" and figures["outcome"] != DOUBTFUL):
        head = OPERATIONS.get(operation, "")
    state = _word(STATUSES, status)
    if figures["reason"]:
        reason = f"{_word(ANSWERS, figures['reason'])}, {plain(figures['reason'], 12)}"
        state = _("%(status)s (%(reason)s)", status=state, reason=reason)
    text = _("%(head)s: %(status)s", head=translated(head), status=state) if head else state
    if figures["amount_minor"] is not None:
        money = amount(figures["amount_minor"], figures["currency"])
        text = _("%(text)s, %(amount)s", text=text, amount=money)
    if figures["created_at"]:
        created_on = _text(day(figures["created_at"]))
        text = _("%(text)s, created on %(day)s", text=text, day=created_on)
    return text


def _word(word_by_code: dict[str, str], code: str | None) -> str:
    return translated(word_by_code[code]) if code in word_by_code else plain(code, 40)


def _text(formatted: Markup | str) -> str:
    """Return what a formatter shows, without its element."""
    return formatted.striptags() if isinstance(formatted, Markup) else formatted
