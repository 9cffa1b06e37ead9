"""Files appended to tables: all of their rows or none."""

import datetime
import decimal
import threading

import pandas as pd
import pytest
import sqlalchemy as sa

from airflow_ml.exceptions import DatasetNotFoundError, UserErrorException
from airflow_ml.storage.databases import Table


@pytest.fixture
def orders(served):
    """A database with an empty table of what values can be."""
    bytes_, moment = ("bytea", "timestamp") if served.is_postgres else ("varbinary(20)", "datetime(6)")
    served.run(
        f"CREATE TABLE orders (id int NOT NULL, name varchar(10), price numeric(10,2), weight double precision,"
        f" day date, at {moment}, raw {bytes_}, paid boolean)"
    )
    return served


HEADER = "id,name,price,weight,day,at,raw,paid\n"


def test_text_becomes_values_of_the_columns(orders, write):
    """Values are turned into the columns' types; nothing between commas is NULL, `""` is empty text."""
    rows = orders.database.append(
        "orders",
        write(
            f"{HEADER}1,Ann,1.50,0.1,2024-02-29,2024-01-02 03:04:05.5,0x00ff,true\n"
            '2,"",,,,,,\n3,,,,,,,false\n4,"a,""b""\nc",,,,,,\n'
        ),
        "delimited",
    )
    found = orders.rows("SELECT id, name, price, weight, day, at, raw, paid FROM orders ORDER BY id")
    assert rows == 4
    moment = datetime.datetime.fromisoformat("2024-01-02 03:04:05.500000")
    first = (1, "Ann", decimal.Decimal("1.50"), 0.1, datetime.date(2024, 2, 29), moment)
    assert found[0][:6] == first
    assert bytes(found[0][6]) == b"\x00\xff"
    assert [row[1] for row in found] == ["Ann", "", None, 'a,"b"\nc']
    assert [row[7] for row in found] == [True, None, False, None]


def test_columns_are_matched_by_name(orders, write):
    """The order of the file's columns means nothing."""
    orders.database.append("orders", write("paid,raw,at,day,weight,price,name,id\n,,,,,2.25,Bo,7\n"), "delimited")
    assert orders.rows("SELECT id, name, price FROM orders") == [(7, "Bo", decimal.Decimal("2.25"))]


def test_parquet_keeps_its_types(orders, tmp_path):
    """Values of a parquet file go in as they are."""
    frame = pd.DataFrame({"id": [1, 2], "name": ["x", None], "price": [1.5, None], "weight": [0.5, None]})
    frame = frame.assign(
        day=[datetime.date(2024, 1, 1), None],
        at=pd.to_datetime(["2024-01-01 12:00", None]),
        raw=[b"a", None],
        paid=True,
    )
    frame.to_parquet(tmp_path / "rows.parquet")
    assert orders.database.append("orders", tmp_path / "rows.parquet", "parquet") == 2
    assert orders.rows("SELECT id, name, price FROM orders ORDER BY id") == [
        (1, "x", decimal.Decimal("1.50")),
        (2, None, None),
    ]


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("id,name", "missing .'price', 'weight'"),
        ("id,name,price,weight,day,at,raw,paid,more", "not in the table .'more'"),
        ("ID,name,price,weight,day,at,raw,paid", "missing .'id'.; not in the table .'ID'"),
        ("id,name,name,price,weight,day,at,raw,paid", "twice .'name'"),
        ("", "no line of column names|first line is empty"),
    ],
)
def test_the_header_must_match(orders, write, header, message):
    """A column too many, too few, twice or of another name is an error that shows both sides; nothing is written."""
    with pytest.raises(UserErrorException, match=message):
        orders.database.append("orders", write(f"{header}\n" + "," * header.count(",") + "\n"), "delimited")
    assert orders.rows("SELECT count(*) FROM orders") == [(0,)]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("x,,,,,,,", "row 10501, column 'id': 'x' does not fit"),
        ("1.5,,,,,,,", "row 10501, column 'id': '1.5' .* expected a whole number"),
        (",,,,,,,", "row 10501, column 'id': is empty, and the table's column is NOT NULL"),
        ("1,much too long,,,,,,", "row 10501, column 'name': .* it has 13 signs, the column takes 10"),
        ("1,,1e,,,,,", "row 10501, column 'price': '1e'"),
        ("1,,,,2024-02-30,,,", "row 10501, column 'day': '2024-02-30'"),
        ("1,,,,,noon,,", "row 10501, column 'at': 'noon'"),
        ("1,,,,,,xyz,", "row 10501, column 'raw': 'xyz' .* 0x"),
        ("1,,,,,,,maybe", "row 10501, column 'paid': 'maybe' .*"),
        ("99999999999,,,,,,,", "out of range|Out of range"),
        ("1,,123456789012.00,,,,,", "overflow|Out of range"),
        ("1,2", "CSV parse error|columns"),
    ],
)
def test_a_row_that_does_not_fit_undoes_all(orders, write, row, message):
    """The error names the first row and column that do not fit; the rows before them are not there either."""
    if row.endswith("maybe") and not orders.is_postgres:
        message = "'maybe'"
    with pytest.raises(UserErrorException, match=message):
        orders.database.append("orders", write(HEADER + "1,,,,,,,\n" * 10_500 + f"{row}\n"), "delimited")
    assert orders.rows("SELECT count(*) FROM orders") == [(0,)]


def test_what_the_database_fills_by_itself_may_be_missing(served, write):
    """Identities and computed columns need not be in the file."""
    counted = "serial PRIMARY KEY" if served.is_postgres else "int AUTO_INCREMENT PRIMARY KEY"
    served.run(f"CREATE TABLE notes (id {counted}, note text, size int GENERATED ALWAYS AS (length(note)) STORED)")
    served.database.append("notes", write("note\nab\n"), "delimited")
    assert served.rows("SELECT * FROM notes") == [(1, "ab", 2)]


def test_constraints_are_the_databases(served, write):
    """A row that breaks a rule of the table is an error without the values of other rows; nothing is written."""
    served.run("CREATE TABLE keys_ (id int PRIMARY KEY)", "INSERT INTO keys_ VALUES (3)")
    with pytest.raises(UserErrorException, match=r"(?i)duplicate"):
        served.database.append("keys_", write("id\n1\n2\n3\n"), "delimited")
    assert served.rows("SELECT id FROM keys_") == [(3,)]


def test_an_unknown_table(served, write):
    """A table that is not there is not made."""
    with pytest.raises(DatasetNotFoundError, match="'nothing': is not in the database"):
        served.database.append("nothing", write("id\n1\n"), "delimited")


@pytest.mark.parametrize("text", [b"\xff\xfe\x00", b"PAR1 not", b""])
@pytest.mark.parametrize("format_", ["delimited", "parquet"])
def test_files_that_are_no_such_files(orders, tmp_path, text, format_):
    """A file of another kind is an error that names it."""
    (tmp_path / "rows").write_bytes(text)
    with pytest.raises(UserErrorException, match="'rows'"):
        orders.database.append("orders", tmp_path / "rows", format_)


def test_a_file_of_a_header_alone_adds_nothing(orders, write):
    """No rows are no error."""
    assert orders.database.append("orders", write(HEADER), "delimited") == 0


@pytest.mark.parametrize("format_", ["delimited", "parquet"])
def test_an_export_can_be_appended(orders, write, tmp_path, format_):
    """What `export` writes `append` reads: the rows come out as they went in."""
    line = '1,"",1.50,0.1,2024-02-29,2024-01-02 03:04:05.500000,0x00ff,true\n'
    orders.database.append("orders", write(f'{HEADER}{line}2,"ä ""🎈""",,,,,,\n'), "delimited")
    first = orders.database.export(Table("orders"), tmp_path / "out", format_)
    orders.run("DELETE FROM orders")
    orders.database.append("orders", tmp_path / "out", format_)
    assert orders.database.export(Table("orders"), tmp_path / "again", format_) == first


def test_a_settled_count_waits_for_rows_that_are_being_added(orders):
    """A server that is about to commit for a client that has died has committed when the rows are counted."""
    found: list[int] = []
    before = orders.database.count("orders", settled=True)
    with orders.engine.connect() as other:
        other.execute(sa.text("INSERT INTO orders (id) VALUES (1)"))
        counting = threading.Thread(target=lambda: found.append(orders.database.count("orders", settled=True)))
        counting.start()
        counting.join(0.3)
        assert found == []
        other.commit()
        counting.join(20)

    assert found == [before + 1]
