"""Every regular expression of the product: those that meet a stranger's text cost its length."""

import ast
import re
from collections.abc import Iterator, Mapping
from functools import partial
from importlib import import_module
from pathlib import Path

import pytest

from tests.timing import WHOLE, repetitions, takes_less

ROOT = Path(__file__).parent.parent
FUNCTIONS = frozenset(
    {"compile", "search", "match", "fullmatch", "split", "findall", "finditer", "sub", "subn"}
)
SECONDS_MAX = 0.050
SAMPLE = WHOLE // 64  # characters: each repetition is tried at this length

MEETS_STRANGERS: dict[str, str] = {
    # where it stands: the letters of which hostile texts are made
    "ledger.access.password_rules._words": "a_-",
    "ledger.access.second_factor._SEPARATORS": " -0",
    "ledger.access.masking._EMAIL": "a@. %",
    "ledger.access.masking._CARD_EXTRACT": "0Xx*-",
    "ledger.access.masking._PARTS": "/?a=_",
    "ledger.access.masking._OWN_ID": "0AZ-",
    "ledger.access.masking._IPV4": "0.a-",
    "ledger.access.masking._IPV6": "0a:.",
    "ledger.access.masking._IP_OR_PAN": "ip_na",
    "ledger.aggregates.situation._OF_PLATFORM": "90a",
    "ledger.instants._COMPACT": "0a",
    "ledger.instants._DAY": "0-",
    "ledger.instants._EXTENDED": "0-T:.Z+",
    "ledger.instants._LOST_PLUS": "0: a",
    "ledger.instants._PLATFORM_DAY": "0a",
    "ledger.ipn.apparent_names._NAMES": '"uid: ',
    "ledger.ipn.card_data._CODE": "cv4s ",
    "ledger.ipn.card_data._CODE_ALONE": "0a ",
    "ledger.ipn.card_data._CODE_NAME": "cvse ",
    "ledger.ipn.card_data._DIGIT": "a ",
    "ledger.ipn.card_data._JSON_ESCAPE": "\\u0a",
    "ledger.ipn.card_data._PERCENT_ESCAPES": "%3x",
    "ledger.ipn.card_data._SENTINEL": ";%B",
    "ledger.ipn.card_data._STRIPE": "=D0^a",
    "ledger.ipn.card_data_fields._MEANS": "0XA*",
    "ledger.ipn.card_data_fields._SCHEME_REFERENCE": "0A-",
    "ledger.ipn.card_numbers._IDENTIFIER": "0a-x",
    "ledger.ipn.card_numbers._RUN": "0- a",
    "ledger.ipn.currencies._DIGITS": "0a",
    "ledger.ipn.currencies._WORD": "aA0",
    "ledger.ipn.field_values._AMOUNT": "0-a",
    "ledger.ipn.field_values._WHOLE": "0-a",
    "ledger.ipn.field_values._COUNT": "0a",
    "ledger.ipn.form_v2._STATUS_IN_TEXT": "+DAa",
    "ledger.ipn.form_v2_names._FAMILIES": "vads_extinfo0",
    "ledger.ipn.form_v2_origin._ALWAYS": "0V2",
    "ledger.ipn.form_v2_origin._STRICT": "a0_-+",
    "ledger.ipn.form_v2_origin._WITH_A_TRANSACTION": "0aA",
    "ledger.ipn.form_v2_fields.UUID": "a0z",
    "ledger.ipn.iban._CANDIDATE": "A0 -",
    "ledger.ipn.json_values._WHOLE": "0.-a",
    "ledger.ipn.lookalikes._TOKEN": "a.- ",
    "ledger.ipn.parse._SOURCE": "A_a",
    "ledger.ipn.rest_v4._MODE": '"mode: ',
    "ledger.ipn.rest_v4._SHOP_ID": '"shopId: 0',
    "ledger.ipn.rest_v4_fields._PERSONAL": "tuc.i",
    "ledger.ipn.rest_v4_json._UUID": "a0z",
    "ledger.ipn.storable._TAG": ".tag:0",
    "ledger.ipn.storable.UNSTORABLE": "a\x00\ud800é",
    "ledger.operations.logs._SECRET_NAME": "abhq_",
    "ledger.proof.collect._UNSAFE": "aA0-/",
    "ledger.proof.tiles._NUMBER": "x0/.p",
    "ledger.queries.file_names._UNSAFE": "a0-/",
    "ledger.queries.evidence._SHA_1": "a0g",
    "ledger.queries.export_formats._BEGINNINGS": ";\t= '\"",
    "ledger.queries.filter_words._STATUS": "A_a",
    "ledger.queries.find_by_name._EVENT": "#0a",
    "ledger.queries.find_by_name._ULID": "0Aa_",
    "ledger.queries.find_by_text._FINGERPRINT": "0ag",
    "ledger.queries.typed_text._AMOUNT": "10.,a",
    "ledger.queries.typed_text._CARD_END": "0a",
    "ledger.queries.typed_text._DAY_FIRST": "0/.-",
    "ledger.queries.typed_text._DAY_OF_MONTH": "0eths",
    "ledger.queries.typed_text._FIGURES": "0.,a",
    "ledger.queries.typed_text._FIRST_GROUP": "10a",
    "ledger.queries.typed_text._GROUP": "0.,a",
    "ledger.queries.typed_text._YEAR": "20a",
    "ledger.queries.typed_text._YEAR_FIRST": "0-a",
    "web.api.query_schemas.NotificationsPage.cursor": "0Aa",
    "web.api.query_schemas.STORABLE": "a\x00",
    "web.pages.languages._TAG": "aA-_",
    "web.pages.request_parameters._AMOUNT": "0-.,a",
    "web.pages.request_parameters.notification_cursor": "0Aa",
    "web.pages.signing_in._LOCAL": "/\\a\x00",
    "web.receiver._MODE": "test",
    "web.receiver._SHOP_ID": "0a",
    "web.request_ids._SAFE": "aA.- ",
    "web.request_log._SHOP_ID": "0a",
    "web.request_log._WORD": "a0_A",
}
OURS_ALONE: dict[str, str] = {
    "ledger.access.password_rules._without": "looks for a word as it is written, without a pattern",
    "ledger.ipn.asking_access.AskingSchema.host": "reads the shops file, which operators write",
    "ledger.ipn.card_numbers._COVERED": "reads what was counted in a text, one byte for each digit",
    "ledger.ipn.shops_and_keys._ShopSchema.id": "reads the shops file, which operators write",
    "ledger.proof.bundle._ID": "reads the ids of our own origins",
    "ledger.proof.bundle._NAME": "reads the names that we give to bundles",
    "ledger.proof.bundle._PAGE": "reads the names of our own pages",
    "ledger.privacy.retention._PERIOD": "reads settings, which operators write",
    "ledger.setting_texts.SOURCES": "reads settings, which operators write",
    "ledger.setting_texts.matching.read": "reads settings, which operators write",
    "web.api.event_schemas.event_schema_name": "reads the stored names of our own event classes",
    "web.api.openapi._VARIABLE": "reads the paths of our own routes",
    "web.api.readable._CODE": "reads the descriptions of our own document",
}
"""Regular expressions that never meet a stranger's text, and why."""


def _of(
    module: str, node: ast.AST, names: tuple[str, ...] = ()
) -> Iterator[tuple[str, str | None]]:
    """Yield the place of each regular expression below a node, and its text where it is plain."""
    for child in ast.iter_child_nodes(node):
        name: tuple[str, ...] = ()
        if isinstance(child, ast.ClassDef | ast.FunctionDef):
            name = (child.name,)
        elif isinstance(child, ast.Assign | ast.AnnAssign) and not _is_in_function(node):
            target = child.targets[0] if isinstance(child, ast.Assign) else child.target
            name = (target.id,) if isinstance(target, ast.Name) else ()
        if isinstance(child, ast.Call) and _makes_one(child.func):
            pattern = child.args[0] if child.args else None
            plain = pattern.value if isinstance(pattern, ast.Constant) else None
            yield ".".join((module, *names)), plain if isinstance(plain, str) else None
        yield from _of(module, child, names + name)


def _is_in_function(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef | ast.With | ast.For | ast.If | ast.Try)


def _makes_one(function: ast.expr) -> bool:
    if not isinstance(function, ast.Attribute):
        return isinstance(function, ast.Name) and function.id == "Regexp"
    is_of_re = isinstance(function.value, ast.Name) and function.value.id == "re"
    return function.attr == "Regexp" or (is_of_re and function.attr in FUNCTIONS)


SOURCES = {
    ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(
        ".__init__"
    ): file.read_text("utf-8")
    for room in ("ledger", "web")
    for file in sorted((ROOT / room).rglob("*.py"))
}
PATTERNS = {
    place: pattern
    for module, text in SOURCES.items()
    for place, pattern in _of(module, ast.parse(text))
}


def _compiled(place: str) -> list[re.Pattern[str]]:
    module, _, name = place.rpartition(".")
    try:
        compiled = getattr(import_module(module), name)
    except ModuleNotFoundError:  # a field of a schema
        compiled = None
    if isinstance(compiled, re.Pattern):
        return [compiled]
    if isinstance(compiled, Mapping):
        return list(compiled.values())
    text = PATTERNS[place]
    assert text is not None, f"{place}: give the regular expression a name of its own"
    return [re.compile(text)]


def test_every_regular_expression_is_in_one_of_the_tables() -> None:
    assert not [place for place, text in SOURCES.items() if "from re import" in text]
    assert set(PATTERNS) == MEETS_STRANGERS.keys() | OURS_ALONE.keys()
    assert not MEETS_STRANGERS.keys() & OURS_ALONE.keys()


@pytest.mark.parametrize("place", MEETS_STRANGERS)
def test_no_repetition_costs_more_than_its_length(place: str) -> None:
    """256 kB of any repetition of up to three letters take less than 50 ms, however it is used."""
    patterns = _compiled(place)

    def ways(text: str) -> None:
        for pattern in patterns:
            pattern.fullmatch(text)
            for _ in pattern.finditer(text):
                pass

    seconds_max = 2 * SECONDS_MAX * len(patterns)
    for text in repetitions(MEETS_STRANGERS[place], SAMPLE):
        assert takes_less(seconds_max * SAMPLE / WHOLE, partial(ways, text)), text[:3]
    for text in repetitions(MEETS_STRANGERS[place], WHOLE, units_max=1):
        assert takes_less(seconds_max, partial(ways, text)), text[:3]


def test_a_quadratic_one_would_be_noticed() -> None:
    careless = re.compile(r"[^@\s]+@[^@\s]+")

    assert not takes_less(2 * SECONDS_MAX * SAMPLE / WHOLE, partial(careless.search, "a" * SAMPLE))
