"""Files of the platform: recognised whatever their spelling, or refused whole."""

import gzip
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.ipn.shops_and_keys import read_shops
from ledger.reconciliation.journal_error import JournalError
from ledger.reconciliation.journal_reading import Journal, read_journal
from ledger.reconciliation.journal_rows import Heading, JournalKind, JournalRow
from ledger.simulator.journal_layout import JournalShop
from ledger.simulator.journals import journals
from ledger.simulator.signed_calls import synthetic_platform
from ledger.simulator.stories import STORIES
from ledger.simulator.undelivered_calls import Losses, calls_with_losses
from tests.builders import NOON, SHOP_ID, shops
from tests.reconciliation.comparing import NAME, a_journal, chunks_of

FRENCH = (
    "TITRE;BOUTIQUE;20260311 02:04:00;TABLE_V_CUSTOM;\n"
    "ENTETE;Date du paiement;Commande;Contrat;Type;Montant;Statut;Client;\n"
    "TRANSACTION;10/03/2026;CMD-é;1234567;DÉBIT;2990;CAPTURED;Léa;\n"
)
MEANINGS = {
    "date du paiement": "PAYMENT_DATE",
    "Commande": "ORDER_ID",
    "Contrat": "CONTRACT",
    "Type": "TRANSACTION_TYPE",
    "Montant": "AMOUNT",
    "Statut": "TRANSACTION_STATUS",
}
BANK = (
    "TITRE;BOUTIQUE;26/03/11_12:00:00;TABLE_V2;\n"
    "ENTETE;CONTRACT;PAYMENT_DATE;TRANSACTION_ID;CURRENCY_CODE;OPERATION_TYPE;REMITTANCE_DATE;"
    "BRUT_AMOUNT;MATCH_STATUS;REMITTANCE_NB;NET_AMOUNT;COMMISSION_AMOUNT;\n"
)


def read(text: str | bytes, name: str = NAME, labels: dict[str, str] | None = None) -> Journal:
    content = text if isinstance(text, bytes) else text.encode()
    return read_journal(chunks_of(content), name, labels or {})


def rows_of(text: str | bytes, name: str = NAME) -> list[JournalRow]:
    return list(read(text, name).rows())


def reason_of(text: str | bytes, name: str = NAME) -> str:
    with pytest.raises(JournalError) as refusal:
        read(text, name)
    return refusal.value.reason


def test_a_transactions_journal_is_read_row_by_row() -> None:
    journal = read(a_journal())
    first, *_, last = journal.rows()

    heading = journal.heading
    assert (heading.journal_kind, heading.version, heading.row_count) == ("JT", "V_CUSTOM", 5)
    assert (heading.shop_id, heading.mode, heading.shop_label) == (SHOP_ID, "TEST", "BOUTIQUE")
    assert heading.made_at == datetime(2026, 3, 11, 2, 4, tzinfo=UTC)
    assert heading.first_day == heading.last_day == date(2026, 3, 10)
    assert first == JournalRow(
        line_number=3,
        trans_id="410001",
        order_id="CMD-1",
        contract="1234567",
        paid_on=date(2026, 3, 10),
        paid_at=datetime(2026, 3, 10, 9, 15, 4, tzinfo=UTC),
        direction="DEBIT",
        amount_minor=2990,
        requested_amount_minor=2990,
        currency="EUR",
        status="CAPTURED",
    )
    assert (last.direction, last.line_number) == ("CREDIT", 7)


@pytest.mark.parametrize(
    "spell",
    [
        lambda text: text.replace("\r", "\n").encode(),
        lambda text: text.replace("\r", "\r\n").encode(),
        lambda text: text.replace(";", "\t").encode(),
        lambda text: text.replace("\r", "\r\r").encode(),
        lambda text: gzip.compress(text.encode()),
        lambda text: gzip.compress(text[:200].encode()) + gzip.compress(text[200:].encode()),
        lambda text: b"\xef\xbb\xbf" + text.encode(),
        lambda text: text.replace("410001", '"410001"').encode(),
    ],
)
def test_line_ends_separators_and_packing_change_nothing(spell: object) -> None:
    assert callable(spell)
    spelled = rows_of(spell(a_journal().decode()))

    plain = rows_of(a_journal())
    assert [row.trans_id for row in spelled] == [row.trans_id for row in plain]
    assert [row.amount_minor for row in spelled] == [row.amount_minor for row in plain]


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "iso-8859-1", "iso-8859-15"])
def test_renamed_labels_are_read_in_any_encoding(encoding: str) -> None:
    (row,) = read(FRENCH.encode(encoding), labels=MEANINGS).rows()

    assert (row.order_id, row.direction, row.status) == ("CMD-é", "DEBIT", "CAPTURED")
    assert (row.paid_on, row.paid_at, row.currency) == (date(2026, 3, 10), None, None)


def test_unknown_labels_are_named_with_the_table_to_write() -> None:
    with pytest.raises(JournalError, match="PAYMENT_DATE, TRANSACTION_STATUS, AMOUNT") as refusal:
        read(FRENCH)

    message = str(refusal.value)
    assert refusal.value.reason == "unknown-labels"
    assert "Date du paiement, Commande, Contrat" in message
    assert '[[shops.labels]]\nlabel = "ENTETE"' not in message
    assert 'means = "PAYMENT_DATE"' in message


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not-a-journal"),
        ("TITRE;BOUTIQUE;\n", "not-a-journal"),
        ("TITRE;BOUTIQUE;\nTRANSACTION;1;\n", "not-a-journal"),
        (gzip.compress(a_journal())[:-20], "cut-file"),
        (b"\x1f\x8bnothing packed", "cut-file"),
        (a_journal() + b"TRANSACTION;410009;1234567;DEBIT;1", "cut-file"),
        (a_journal() + b"TRANSACTION;7;1;DEBIT;1;1;978;20260310;091504;CMD-7;CAPTU", "cut-file"),
        (
            a_journal() + b"OPERATION;7;1;DEBIT;1;1;978;20260310;091504;CMD-7;CAPTURED;",
            "not-a-journal",
        ),
        (a_journal() + a_journal(), "cut-file"),
        (a_journal().replace(b"TRANSACTION;4", b"OPERATION;4"), "not-a-journal"),
    ],
)
def test_what_is_no_journal_is_refused(text: str | bytes, reason: str) -> None:
    assert reason_of(text) == reason


@pytest.mark.parametrize("text", [BANK, BANK + "FIN;\nMATCHING;1;20260310;4;\n"])
def test_a_file_whose_last_line_is_missing_or_is_not_the_last_was_cut(text: str) -> None:
    assert reason_of(text, "JRB_A_12345678_260310.csv") == "cut-file"


def test_a_label_that_stands_for_none_of_the_platforms_is_named() -> None:
    with pytest.raises(JournalError, match="Montant means MONTANT"):
        read(FRENCH, labels=MEANINGS | {"Montant": "Montant"})


def test_decimals_are_decided_by_all_rows_of_a_file() -> None:
    text = a_journal().decode().replace("5000;4500", "50.00;45.00")

    rows = rows_of(text)

    assert [row.amount_minor for row in rows] == [None, 4500, None, None, None]
    assert rows[0].unreadable == ("amount", "requested")


@pytest.mark.parametrize(
    ("money", "settlement"),
    [
        ("2990;MATCH_OK;670222;295500;35", (2990, 2955, 35)),
        ("2990;MATCH_OK;670222;2955;35", (2990, 2955, 35)),
        ("2990;MATCH_OK;670222;295500;3500", (2990, 2955, 35)),
        ("2990;MATCH_KO;670222;;", (2990, None, None)),
        ("2990;MATCH_OK;670222;2900;35", (None, None, None)),
    ],
)
def test_the_scale_of_a_bank_journal_is_that_which_fits(
    money: str, settlement: tuple[int | None, ...]
) -> None:
    text = f"{BANK}MATCHING;1;20260310;410001;978;DT;20260311;{money};\nFIN;\n"

    (row,) = rows_of(text, "JRB_A_12345678_260310.csv")

    assert row.settlement is not None
    own = row.settlement
    assert (own.gross_minor, own.net_minor, own.fee_minor) == settlement
    assert own.is_scale_known is (settlement[0] is not None)
    assert (own.remittance_number, own.remittance_on) == ("670222", date(2026, 3, 11))
    assert row.direction == "DEBIT"


def test_a_bank_journal_of_tabs_without_the_word_table_is_read() -> None:
    text = f"{BANK}MATCHING;1;20260310;410001;978;CT;20260311;2990;MATCH_OK;1;2955;35;\nFIN;\n"

    journal = read(text.replace("TABLE_V2", "V1").replace(";", "\t"), "rapprochement.xls")

    assert (journal.heading.journal_kind, journal.heading.version) == ("JRB", "V1")


def test_a_heading_that_is_stored_opens_the_file_again() -> None:
    journal = read(a_journal())

    again = Heading.from_json(journal.heading.to_json())

    assert again == journal.heading
    assert list(Journal(journal.chunks, again).rows()) == list(journal.rows())


def test_every_file_of_the_simulated_platform_is_read() -> None:
    platform = synthetic_platform(shops(), SHOP_ID, "PRODUCTION", at=NOON)
    stories = list(STORIES.values())
    calls = list(calls_with_losses(platform, stories, Losses(seed=5), count=len(stories)))
    written = journals(JournalShop(SHOP_ID, "Bou_ti que", "PRODUCTION"), calls).files

    kinds = set()
    for name, content in written.items():
        if "/" in name:  # with labels of the merchant's own
            continue
        journal = read(content, name)
        rows = list(journal.rows())
        kinds.add(journal.heading.journal_kind)
        assert len(rows) == journal.heading.row_count
        assert journal.heading.shop_id == SHOP_ID, name
        assert [row.unreadable for row in rows if row.unreadable] == [], name
    assert kinds == {*JournalKind} - {JournalKind.EXPORT}


_LINES = st.lists(
    st.sampled_from(["TITRE;A;26/03/11;V1", "ENTETE;PAYMENT_DATE;ORDER_ID;AMOUNT", "FIN;", '"', ""])
    | st.text(alphabet='TRANSCIO;\t,"0123456789-.é\r\n\0', max_size=30),
    max_size=8,
)


@given(
    st.binary(max_size=300) | _LINES.map(lambda lines: "\n".join(lines).encode()),
    st.sampled_from([NAME, "JRB_A_12345678_260310.csv", "x"]) | st.text(max_size=20),
)
def test_whatever_comes_is_read_or_refused(content: bytes, name: str) -> None:
    try:
        journal = read(content, name)
        assert len(list(journal.rows())) == journal.heading.row_count
    except JournalError:
        return


def test_a_quotation_mark_of_a_journal_swallows_no_row() -> None:
    text = a_journal().decode().replace("CMD-2", '"CMD-2')

    rows = rows_of(text)

    assert [row.order_id for row in rows] == ["CMD-1", '"CMD-2', "CMD-3", "CMD-3", "CMD-1"]


def test_an_export_quotes_what_holds_separators() -> None:
    labels = "UUID,PAYMENT_DATE,AMOUNT,CURRENCY_CODE,TRANSACTION_STATUS\n"
    text = f'{labels}A1,2026-03-10,"29,90",EUR,CAPTURED\n'

    (row,) = rows_of(text, "export.csv")

    assert (row.uuid, row.amount_minor, row.line_number) == ("a1", 2990, 2)
    assert reason_of(text + 'A2,2026-03-10,"1', "export.csv") == "not-a-journal"


def test_a_number_of_any_length_is_unreadable_and_no_more() -> None:
    text = a_journal().decode().replace("2990;2990", f"2990;{'9' * 5_000}", 1)

    first, *_ = rows_of(text)

    assert (first.amount_minor, first.unreadable) == (None, ("amount",))


def test_a_transactions_journal_may_have_uuids() -> None:
    text = a_journal().decode().replace("CONTRACT", "TRANSACTION_UUID")

    journal = read(text)

    assert journal.heading.journal_kind == "JT"
    assert next(journal.rows()).uuid == "1234567"


def test_the_table_that_a_refusal_shows_is_one_for_the_shops_file(tmp_path: Path) -> None:
    with pytest.raises(JournalError) as refusal:
        read(FRENCH)
    table = str(refusal.value).partition("\n")[2]
    path = tmp_path / "shops.toml"
    path.write_text(f'[[shops]]\nid = "12345678"\n{table}', "utf-8")

    (shop,) = read_shops(path, {}).shop_by_id.values()

    assert [means for _, means in shop.labels] == [
        *("PAYMENT_DATE", "TRANSACTION_STATUS", "AMOUNT", "TRANSACTION_ID")
    ]
