"""The names whose values are kept, since the platform chooses them from a small set of words.

No name about a person is among them, and what is no word under such a name is not kept either.
"""

from functools import lru_cache

OTHER = "*"
"""Stands for what is not written down: a value that is no word, a name that is no name."""

_WORD_MAX = 64
_DIGITS_MAX = 6
_SIGNS = str.maketrans(dict.fromkeys("_-./:|", ""))
_TYPE = "_type"

_FORM_NAMES = """
    acquirer_network action_mode auth_mode auth_result card_brand card_nature
    card_product_category ctx_mode currency dcc_currency effective_currency extra_result
    identifier_status occurrence_type operation_type page_action payment_error payment_src
    recurrence_status result risk_assessment_result sub_currency threeds_auth_type
    threeds_enrolled threeds_error_code threeds_exit_status threeds_status trans_status
    url_check_src validation_mode version wallet warranty_result
"""
_OF_MEANS = """
    authorizationResponse.authorizationMode authorizationResponse.authorizationResult
    authorizationResponse.currency captureResponse.refundCurrency effectiveBrand
    effectiveProductCode manualValidation nature paymentMethodSource paymentSource productCategory
    sequenceType threeDSResponse.authenticationResultData.brand
    threeDSResponse.authenticationResultData.enrolled
    threeDSResponse.authenticationResultData.status
    threeDSResponse.authenticationResultData.transactionCondition
    authenticationResponse.protocol.challengePreference authenticationResponse.protocol.name
    authenticationResponse.protocol.network authenticationResponse.value.authenticationType
    authenticationResponse.value.reason authenticationResponse.value.status
"""
_OF_TRANSACTIONS = """
    currency detailedErrorCode detailedStatus effectiveStrongAuthentication errorCode operationType
    paymentMethodType status transactionDetails.acquirerNetwork transactionDetails.creationContext
    transactionDetails.effectiveCurrency transactionDetails.liabilityShift
    transactionDetails.occurrenceType transactionDetails.wallet
"""
_IN_FORMS = frozenset(f"vads_{name}" for name in _FORM_NAMES.split())
_IN_ANSWERS = frozenset(
    {"kr-answer-type", "kr-hash-algorithm", "kr-hash-key", "kr-src", "orderCycle", "orderStatus"}
    | {"orderDetails.mode", "orderDetails.orderCurrency"}
    | {f"transactions.*.{path}" for path in _OF_TRANSACTIONS.split()}
    | {
        f"transactions.*.transactionDetails.{means}.{path}"
        for means in ("cardDetails", "paymentMethodDetails")
        for path in _OF_MEANS.split()
    }
)
CLOSED_SETS = _IN_FORMS | _IN_ANSWERS
"""The names of fields of forms, and the starred paths of answers, whose words are kept."""


@lru_cache(maxsize=8192)
def has_closed_set(name: str) -> bool:
    """Return True if the values under a name are words of a closed set; type names are, too."""
    return name in CLOSED_SETS or name.rpartition(".")[2] == _TYPE


@lru_cache(maxsize=8192)
def word_of(value: str) -> str:
    """Return a value of a closed set as it is kept: itself if it is a word, else a star.

    Shape: at most 64 letters, digits and few signs, no more than six digits in all: no sentence,
    no address, no number of a card or a telephone passes.
    """
    letters = value.translate(_SIGNS)
    is_word = letters.isascii() and letters.isalnum() and len(value) <= _WORD_MAX
    return value if is_word and sum(map(str.isdigit, letters)) <= _DIGITS_MAX else OTHER
