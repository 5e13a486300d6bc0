"""What can happen: every event class, the rules that tell it, and the sentence a person reads."""

from collections.abc import Mapping

from ledger.aggregates.alias import Alias
from ledger.aggregates.observed import Observed
from ledger.aggregates.subscription import Subscription
from ledger.aggregates.transaction import Transaction
from ledger.rules import (
    ACQUIRER_STATUS,
    ALIAS,
    BACK_OFFICE,
    CANCELLATION,
    DEFERRED_AUTHORISATION,
    END_OF_PAYMENT,
    INSTALMENT,
    SUBSCRIPTION,
)

_T, _A, _S = Transaction, Alias, Subscription

_INSTALMENTS: tuple[type[Observed.Event], ...] = (
    _S.InstalmentAccepted,
    _S.InstalmentRefused,
    _S.InstalmentProgressed,
)

EVENTS_BY_RULE: Mapping[str, tuple[type[Observed.Event], ...]] = {
    END_OF_PAYMENT: (_T.PaymentAccepted, _T.PaymentRefused, _T.Cancelled),  # parts of a split
    CANCELLATION: (_T.PaymentAbandoned, _T.PaymentRefused),
    ALIAS: (
        _T.VerificationAccepted,
        _T.VerificationRefused,
        _A.Registered,
        _A.Renewed,
        _A.Recognised,
        _A.Noticed,
        _A.RegistrationRefused,
        _A.RenewalRefused,
    ),
    SUBSCRIPTION: (_T.VerificationAccepted, _T.VerificationRefused, _S.Opened, _S.Refused),
    INSTALMENT: (_T.PaymentAccepted, _T.PaymentRefused, *_INSTALMENTS),
    DEFERRED_AUTHORISATION: (_T.AuthorisationGranted, _T.AuthorisationRefused),
    ACQUIRER_STATUS: (
        _T.Captured,
        _T.CaptureFailed,
        _T.CaptureSuspended,
        _T.Expired,
        _T.AcceptedByAcquirer,
        _T.RefusedByAcquirer,
    ),
    BACK_OFFICE: (
        _T.Cancelled,
        _T.Validated,
        _T.AmountChanged,
        _T.CaptureRescheduled,
        _T.RefundIssued,
        _T.RefundRefused,
        _T.PaymentDuplicated,
        _T.ManualPaymentAccepted,
        _T.ManualPaymentRefused,
        _T.VerificationAccepted,
        _T.VerificationRefused,
        _A.Registered,
        _A.Renewed,
    ),
}
"""Rule -> what its notifications usually tell. Whatever the rule, verified news is never refused:
a change that its rule does not announce is recorded too, if need be as one of GENERAL."""

GENERAL: tuple[type[Observed.Event], ...] = (_T.DetailsReported, _T.StatusReported)
"""What any rule may tell: details without a change of status, and a status that fits no class."""

SENTENCES: Mapping[type[Observed.Event], str] = {
    _T.PaymentAccepted: "Payment accepted",
    _T.PaymentRefused: "Payment refused",
    _T.PaymentAbandoned: "Abandoned by the buyer",
    _T.VerificationAccepted: "Means of payment verified",
    _T.VerificationRefused: "Means of payment refused at verification",
    _T.AuthorisationGranted: "Authorisation granted",
    _T.AuthorisationRefused: "Authorisation refused",
    _T.AcceptedByAcquirer: "Accepted by the acquirer",
    _T.RefusedByAcquirer: "Refused by the acquirer",
    _T.Captured: "Captured",
    _T.CaptureFailed: "Capture failed",
    _T.CaptureSuspended: "Capture suspended by the acquirer",
    _T.Expired: "Expired",
    _T.Cancelled: "Cancelled",
    _T.Validated: "Validated by the merchant",
    _T.AmountChanged: "Amount changed",
    _T.CaptureRescheduled: "Capture date changed",
    _T.RefundIssued: "Refund issued",
    _T.RefundRefused: "Refund refused",
    _T.PaymentDuplicated: "Payment duplicated from an earlier one",
    _T.ManualPaymentAccepted: "Manual payment accepted",
    _T.ManualPaymentRefused: "Manual payment refused",
    _T.DetailsReported: "Further details reported",
    _T.StatusReported: "Status reported",
    _A.Registered: "Alias registered",
    _A.Renewed: "Alias updated",
    _A.Recognised: "Same means of payment registered again",
    _A.Noticed: "Alias met in use; its creation was not told",
    _A.RegistrationRefused: "Alias refused",
    _A.RenewalRefused: "Alias update refused",
    _S.Opened: "Subscription opened",
    _S.Refused: "Subscription refused",
    _S.InstalmentAccepted: "Instalment accepted",
    _S.InstalmentRefused: "Instalment refused",
    _S.InstalmentProgressed: "Instalment moved on",
}
EVENT_CLASSES: Mapping[str, type[Observed.Event]] = {one.TOPIC: one for one in SENTENCES}
"""Every event class by its stored name. Importing this module registers them all."""
