"""What can happen: every event class by its stored name, and the sentence a person reads."""

from collections.abc import Mapping

from ledger.aggregates.aggregate import LedgerAggregate
from ledger.aggregates.alias import Alias
from ledger.aggregates.subscription import Subscription
from ledger.aggregates.transaction import Transaction

_T, _A, _S = Transaction, Alias, Subscription

SENTENCES: Mapping[type[LedgerAggregate.Event], str] = {
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
    _T.ConfirmedByOperator: "Confirmed by an operator",
    _T.ConfirmedByCall: "Confirmed by the platform's call",
    _T.Joined: "Joined with what was reported without its uuid",
    _T.Continued: "Goes on under its uuid",
    _A.Registered: "Alias registered",
    _A.Renewed: "Alias updated",
    _A.Recognised: "Same means of payment registered again",
    _A.Noticed: "Alias met in use; its creation was not notified",
    _A.RegistrationRefused: "Alias refused",
    _A.RenewalRefused: "Alias update refused",
    _A.DetailsReported: "Further details of the alias reported",
    _A.ConfirmedByCall: "Alias confirmed by the platform's call",
    _S.Opened: "Subscription opened",
    _S.Refused: "Subscription refused",
    _S.InstalmentAccepted: "Instalment accepted",
    _S.InstalmentRefused: "Instalment refused",
    _S.InstalmentProgressed: "Instalment: new status",
    _S.DetailsReported: "Further details of the subscription reported",
    _S.ConfirmedByCall: "Subscription confirmed by the platform's call",
}
EVENT_CLASSES: Mapping[str, type[LedgerAggregate.Event]] = {
    event_class.TOPIC: event_class for event_class in SENTENCES
}
"""Every event class by its stored name. Importing this module registers them all."""
