"""The currencies of the platform: number, letters, decimals. Facts are read with this table alone.

Source: ISO 4217, those withdrawn since too; form-v2 reference, section 4.1, for the decimals in
which the platform counts (rupiah has none). The table only grows: a number, letters or decimals
that were once here say for ever what stored facts were read with.
"""

import re
from types import MappingProxyType

_TABLE: tuple[tuple[int, str], ...] = (
    (
        2,
        """
        AED784 AFN971 ALL008 AMD051 AOA973 ARS032 AUD036 AWG533 AZN944 BAM977 BBD052 BDT050 BMD060
        BND096 BOB068 BOV984 BRL986 BSD044 BTN064 BWP072 BYN933 BZD084 CAD124 CDF976 CHE947 CHF756
        CHW948 CNY156 COP170 COU970 CRC188 CUP192 CVE132 CZK203 DKK208 DOP214 DZD012 EGP818 ERN232
        ETB230 EUR978 FJD242 FKP238 GBP826 GEL981 GHS936 GIP292 GMD270 GTQ320 GYD328 HKD344 HNL340
        HTG332 HUF348 ILS376 INR356 IRR364 JMD388 KES404 KGS417 KHR116 KPW408 KYD136 KZT398 LAK418
        LBP422 LKR144 LRD430 LSL426 MAD504 MDL498 MGA969 MKD807 MMK104 MNT496 MOP446 MRU929 MUR480
        MVR462 MWK454 MXN484 MXV979 MYR458 MZN943 NAD516 NGN566 NIO558 NOK578 NPR524 NZD554 PAB590
        PEN604 PGK598 PHP608 PKR586 PLN985 QAR634 RON946 RSD941 RUB643 SAR682 SBD090 SCR690 SDG938
        SEK752 SGD702 SHP654 SLE925 SOS706 SRD968 SSP728 STN930 SVC222 SYP760 SZL748 THB764 TJS972
        TMT934 TOP776 TRY949 TTD780 TWD901 TZS834 UAH980 USD840 USN997 UYU858 UZS860 VED926 VES928
        WST882 XAD396 XCD951 XCG532 YER886 ZAR710 ZMW967 ZWG924
        """,
    ),
    (
        0,
        """
        BIF108 CLP152 DJF262 GNF324 IDR360 ISK352 JPY392 KMF174 KRW410 PYG600 RWF646 UGX800 UYI940
        VND704 VUV548 XAF950 XAG961 XAU959 XBA955 XBB956 XBC957 XBD958 XDR960 XOF952 XPD964 XPF953
        XPT962 XSU994 XTS963 XUA965 XXX999
        """,
    ),
    (
        3,
        """
        BHD048 IQD368 JOD400 KWD414 LYD434 OMR512 TND788
        """,
    ),
    (
        4,
        """
        CLF990 UYW927
        """,
    ),
    (
        2,  # withdrawn
        """
        AFA004 ANG532 AON024 AOR982 ATS040 AYM945 AZM031 BAD070 BGL100 BGN975 BRR987 CSD891 CSK200
        CUC931 CYP196 DDM278 DEM276 ECS218 ECV983 EEK233 FIM246 FRF250 GEK268 GHC288 GWP624 HRK191
        IEP372 LTL440 LVL428 MRO478 MTL470 MZM508 NLG528 PLZ616 ROL642 RUR810 SDD736 SIT705 SKK703
        SLL694 SRG740 STD678 TJR762 TMM795 UAK804 VEB862 VEF937 XEU954 YDD720 YUM891 ZAL991 ZMK894
        ZRN180 ZWD716 ZWL932 ZWN942 ZWR935
        """,
    ),
    (
        0,  # withdrawn
        """
        ADP020 BEF056 BYB112 BYR974 ESP724 GRD300 ITL380 LUF442 MGF450 PTE620 TPE626 TRL792
        """,
    ),
)
"""Decimals, and the letters and numbers of all currencies that have so many."""

_ROWS = [(row[:3], row[3:], decimals) for decimals, rows in _TABLE for row in rows.split()]
_DECIMALS = MappingProxyType({letters: decimals for letters, _, decimals in _ROWS})
_LETTERS = MappingProxyType({number: letters for letters, number, _ in reversed(_ROWS)})
"""By number; of two currencies that share one, the first row's: the newer."""
CURRENCIES = tuple(sorted(_DECIMALS))
"""The letters of all."""
_DIGITS = re.compile(r"[0-9]{1,3}")
_WORD = re.compile(r"[A-Za-z]{3}")


def currency_code(text: str) -> str | None:
    """Return the letters of a currency, from its letters or its three digits; None if unknown."""
    return text if text in _DECIMALS else _LETTERS.get(text)


def respelled_currency_code(text: str) -> str | None:
    """Return the letters of a currency that lacks its leading zeros or its capitals."""
    if _DIGITS.fullmatch(text):
        return currency_code(text.zfill(3))
    return currency_code(text.upper()) if _WORD.fullmatch(text) else None


def decimals_of(letters: str) -> int:
    """Return how many decimals the platform gives a currency; 2 if it is unknown."""
    return _DECIMALS.get(letters, 2)
