"""Which events the notifications of each rule usually bring, for documents and golden tables."""

from collections.abc import Mapping

from ledger.aggregates.aggregate import LedgerAggregate
from ledger.aggregates.alias import Alias
from ledger.aggregates.subscription import Subscription
from ledger.aggregates.transaction import Transaction
from ledger.ipn.notification_rules import (
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

_INSTALMENTS: tuple[type[LedgerAggregate.Event], ...] = (
    _S.InstalmentAccepted,
    _S.InstalmentRefused,
    _S.InstalmentProgressed,
)

EVENTS_BY_RULE: Mapping[str, tuple[type[LedgerAggregate.Event], ...]] = {
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
"""Rule -> what its notifications usually bring. Whatever the rule, nothing verified is refused:
a change that its rule does not announce is recorded too, if need be as one of GENERAL."""

GENERAL: tuple[type[LedgerAggregate.Event], ...] = (
    *(_T.DetailsReported, _T.StatusReported, _T.ConfirmedByOperator, _T.Joined, _T.Continued),
    *(_A.DetailsReported, _S.DetailsReported),
)
"""What any rule may bring: details without a change of status, a status that fits no class; and
what an operator confirms, under the rule of the notification whose word is taken."""
