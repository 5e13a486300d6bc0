"""Finds a person, shows what an erasure would destroy, and erases it; nothing of it by address.

What is said of a person comes in forms, which no log holds; each look leaves a line in the access
log that names the kinds of identifiers alone.
"""

from typing import Any

from flask.typing import ResponseReturnValue

from ledger.errors import ConflictError, HeldError, NotSignedError, SettingsError
from ledger.ipn.modes import Mode
from ledger.privacy.erasure import Eraser
from ledger.privacy.find import Found, find
from ledger.privacy.holds import holds_at
from ledger.privacy.preview import preview
from ledger.privacy.records import erasures_by_id
from ledger.privacy.selection import Selection, select_by_names
from ledger.proof.log_key import open_signer
from ledger.proof.signer import LogSigner
from web.authentication import (
    caller,
    log_act,
    log_personal_read,
    only_for_all_shops,
    only_for_operators,
)
from web.context import context, ledger
from web.pages.blueprint import bp
from web.pages.languages import N_, translated
from web.pages.person_form import (
    CHOICE,
    PERSON,
    REASON,
    SHOWN_MAX,
    PersonForm,
    chosen_names,
    fingerprint,
    identifiers_of,
)
from web.pages.rendering import render
from web.pages.request_parameters import Question, read_form

WAIT_SECONDS = 20.0
"""So long a page waits for whoever signs the log, where its key is not here."""


class RefusedFormError(Exception):
    """What a form says cannot be done; the message is for whoever filled it in."""

    def __init__(self, message: str = "", question: Question | None = None, status: int = 422):
        super().__init__(message)
        self.question = question
        self.status = status


@bp.get("/<mode:mode>/privacy")
@only_for_operators
@only_for_all_shops
def privacy(mode: str) -> ResponseReturnValue:
    """Show the form that finds a person, all erasures, and what is held."""
    return privacy_page()


@bp.post("/<mode:mode>/privacy/find")
@only_for_operators
@only_for_all_shops
def find_person(mode: str) -> ResponseReturnValue:
    """List the deliveries that hold any of the identifiers; leave a line in the access log."""
    question = _read()
    findings = _find(question, mode)
    return render(
        "privacy_found.html",
        question=question,
        findings=findings,
        several=sum(match.has_several_persons for match in findings.matches),
        shown_max=SHOWN_MAX,
        repeated=PERSON,
        reason=REASON,
    )


@bp.post("/<mode:mode>/privacy/preview")
@only_for_operators
@only_for_all_shops
def preview_erasure(mode: str) -> ResponseReturnValue:
    """Show what an erasure of the chosen deliveries would destroy; change nothing."""
    question = _read()
    return _preview(question, _selection(question, mode))


@bp.post("/<mode:mode>/privacy/erase")
@only_for_operators
@only_for_all_shops
def erase_person(mode: str) -> ResponseReturnValue:
    """Erase for ever what was shown before; what has changed since is shown again."""
    question = _read()
    selection = _selection(question, mode)
    if question.value("seen") != fingerprint(selection):
        return _preview(question, selection, has_changed=True), 409
    reason = question.parameters.get("reason", REASON)
    eraser = Eraser(ledger(), signer(), now=context().clock, wait_seconds=WAIT_SECONDS)
    try:
        erasure = eraser.erase(selection, reason=reason, by_whom=caller().name)
    except HeldError:  # each hold is shown
        return _preview(question, selection), 409
    except NotSignedError as error:
        raise RefusedFormError(_NOT_SIGNED, question, 503) from error
    except ConflictError as error:
        raise RefusedFormError(_ANOTHER, question, 503) from error
    log_act("erasure", reference=erasure.id)
    return render("privacy_erased.html", erasure=erasure, has_key=signer() is not None)


@bp.errorhandler(RefusedFormError)
def _refuse_form(refused_form: RefusedFormError) -> ResponseReturnValue:
    wrong = translated(str(refused_form)) if str(refused_form) else ""
    return privacy_page(wrong=wrong, question=refused_form.question), refused_form.status


def privacy_page(*, wrong: str = "", question: Question | None = None) -> str:
    """Render the page that all begins with."""
    now = context().clock()
    with ledger().database.connect() as connection:
        erasures = [phases[-1] for phases in erasures_by_id(connection).values()]
        holds = holds_at(connection, now)
    known = ledger().shops.shop_by_id
    return render(
        "privacy.html",
        question=question or Question({}, {"currency": ["EUR"]}),
        wrong=wrong,
        erasures=erasures[::-1],
        holds=holds[::-1],
        shops=[
            (id_, f"{shop.name} {id_}" if shop.name != id_ else id_) for id_, shop in known.items()
        ],
        has_key=signer() is not None,
    )


def signer() -> LogSigner | None:
    """Return what signs the log on this machine; None without its key. Errors: SettingsError."""
    return open_signer(ledger().settings, ledger().database)


def _read() -> Question:
    """Read what a form says of a person. Errors: RefusedFormError."""
    question = read_form(PersonForm())
    if question.wrong:
        raise RefusedFormError(question=question)
    return question


def _find(question: Question, mode: str) -> Found:
    """Find a person, and note that somebody looked. Errors: RefusedFormError without the keys."""
    identifiers, shop_id = identifiers_of(question.parameters), question.parameters["shop_id"]
    kinds = dict.fromkeys(each.kind for each in identifiers.written())  # and no value
    log_personal_read("person", shop_id=shop_id, mode=mode, reference=", ".join(kinds))
    try:
        return find(ledger(), identifiers, shop_id, Mode(mode))
    except SettingsError as error:
        raise RefusedFormError(_WITHOUT_KEYS, question, 503) from error


def _selection(question: Question, mode: str) -> Selection:
    """Return what is to be erased. Errors: RefusedFormError when nothing is chosen."""
    findings = _find(question, mode)
    names = chosen_names(findings, question.parameters)
    if not names.delivery_ids:
        raise RefusedFormError(N_("Choose at least one delivery."), question)
    return select_by_names(ledger(), findings.shop_id, mode, names)


def _preview(question: Question, selection: Selection, **more: Any) -> str:
    return render(
        "privacy_preview.html",
        question=question,
        preview=preview(ledger(), selection, context().clock()),
        shown_max=SHOWN_MAX,
        repeated=(*PERSON, *CHOICE),
        shop_id=question.parameters["shop_id"],
        seen=fingerprint(selection),
        has_key=signer() is not None,
        **more,
    )


_NOT_SIGNED = N_(
    "Nobody has signed the log in time. What was begun is in the list of erasures: erase the same "
    "again to go on with it, while a service runs that has the log key."
)
_ANOTHER = N_("Another erasure is going on: try again when it is done.")
_WITHOUT_KEYS = N_("The master keys are not here, and without them nobody can be found.")
