"""Exports of tables, queries and stored procedures to files."""

import time

import pandas as pd
import pytest

from airflow_ml.exceptions import DatasetNotFoundError, ServiceException, UserErrorException
from airflow_ml.storage.databases import Procedure, ProcedureParameter, Query, Table

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


@pytest.fixture
def people(served):
    """A database with a table of what values can be."""
    bytes_, moment = ("bytea", "timestamp") if served.is_postgres else ("varbinary(20)", "datetime(6)")
    served.run(
        f"CREATE TABLE people (id int PRIMARY KEY, name varchar(40), share numeric(12,4), weight double precision,"
        f" born date, seen {moment}, picture {bytes_})",
        "INSERT INTO people VALUES (2, 'Ann, \"the\" tall', 12.5000, 0.1, '2020-02-29', '2024-01-02 03:04:05.5', NULL)",
        "INSERT INTO people VALUES (1, '', NULL, NULL, NULL, NULL, NULL)",
        "INSERT INTO people VALUES (3, NULL, -1, -2.5, '1999-12-31', '1999-12-31 23:59:59', 'ab')",
        "INSERT INTO people VALUES (4, 'Łukasz 🎈', 0, 1e300, NULL, NULL, NULL)",
    )
    return served


def test_a_table_becomes_text_that_tells_missing_from_empty(people, tmp_path):
    """A delimited file has a line of names, exact decimals, rows by primary key, and `""` for empty text alone."""
    exported = people.database.export(Table("people"), tmp_path / "people.csv", "delimited")
    assert (tmp_path / "people.csv").read_text(encoding="utf-8") == (
        "id,name,share,weight,born,seen,picture\n"
        '1,"",,,,,\n'
        '2,"Ann, ""the"" tall",12.5000,0.1,2020-02-29,2024-01-02 03:04:05.500000,\n'
        "3,,-1.0000,-2.5,1999-12-31,1999-12-31 23:59:59,0x6162\n"
        "4,Łukasz 🎈,0.0000,1e+300,,,\n"
    )
    assert (exported.rows, exported.columns[:2]) == (4, ("id", "name"))


def test_a_table_becomes_parquet_with_its_types(people, tmp_path):
    """A parquet file has the database's types, also for columns that begin with nothing."""
    people.database.export(Table("people"), tmp_path / "people.parquet", "parquet")
    frame = pd.read_parquet(tmp_path / "people.parquet")
    assert str(frame["seen"].dtype) == "datetime64[us]"
    assert [str(value) for value in frame["share"][1:]] == ["12.5000", "-1.0000", "0.0000"]
    assert frame["picture"][2] == b"ab"


def test_equal_rows_make_equal_files(people, tmp_path):
    """The digest of an export is that of its rows: the same for the same rows."""
    first = people.database.export(Table("people"), tmp_path / "a", "parquet")
    second = people.database.export(Table("people"), tmp_path / "b", "parquet")
    people.run("UPDATE people SET name = 'x' WHERE id = 3")
    third = people.database.export(Table("people"), tmp_path / "c", "parquet")
    assert first == second
    assert third.sha256 != first.sha256


@pytest.mark.parametrize("value", ["x' OR '1'='1", "50%", ":id", "\\", 'a"b', "%s %(x)s {0}"])
def test_parameters_are_bound(people, tmp_path, value):
    """A parameter is a value whatever signs it has."""
    people.run("DELETE FROM people WHERE id <> 1")
    query = Query("SELECT id, :value AS given FROM people WHERE name <> :value", {"value": value})
    [batch] = people.database.read(query)
    assert batch.to_pylist() == [{"id": 1, "given": value}]


def test_a_query_without_parameters_is_left_alone(people):
    """Percent signs and colons in a query mean what they mean to the database."""
    [batch] = people.database.read(Query("SELECT id FROM people WHERE name LIKE '%tall' AND ':x' <> '%s'"))
    assert batch.to_pydict() == {"id": [2]}


def test_parameters_must_be_those_of_the_query(people):
    """A parameter too many or too few is an error that names both sides."""
    with pytest.raises(UserErrorException, match=r"places for the parameters \['id'\], \['ident'\] were given"):
        list(people.database.read(Query("SELECT 1 FROM people WHERE id = :id", {"ident": 1})))


def test_no_rows_have_columns(people, tmp_path):
    """An empty result is a file with columns and their types."""
    exported = people.database.export(Query("SELECT id, born FROM people WHERE id = 0"), tmp_path / "x", "parquet")
    assert exported.rows == 0
    assert list(pd.read_parquet(tmp_path / "x").columns) == ["id", "born"]


def test_columns_without_names_or_with_one_name_are_told_apart(people):
    """Columns of one name get v1's endings, so that a file can hold them."""
    [batch] = people.database.read(Query("SELECT id AS x, id AS x FROM people WHERE id = 1"))
    assert batch.schema.names == ["x", "x_1"]


def test_a_limit_ends_the_reading(people):
    """Of a table with many rows no more are read than are wanted."""
    [batch] = people.database.read(Table("people"), limit=2)
    assert batch.to_pydict()["id"] == [1, 2]


def test_doubles_in_the_place_of_decimals(people):
    """Tables of datasets have v1's numbers: doubles."""
    [batch] = people.database.read(Query("SELECT share FROM people WHERE id = 2"), exact=False)
    assert batch.to_pydict() == {"share": [12.5]}


@pytest.mark.parametrize("name", ["nothing", "nowhere.people", 'people"; DROP TABLE people; --'])
def test_a_table_that_is_not_there(people, tmp_path, name):
    """An unknown table is an error that names it; no text of a name is ever run."""
    with pytest.raises((DatasetNotFoundError, UserErrorException), match=r"no such table|is no name|nowhere"):
        people.database.export(Table(name), tmp_path / "x.csv", "delimited")
    assert list(tmp_path.iterdir()) == []
    assert people.rows("SELECT count(*) FROM people") == [(4,)]


def test_names_that_need_quotes(served):
    """Schemas, tables and columns may have any name; the text of a name may be quoted in each database's way."""
    quote = '"' if served.is_postgres else "`"
    served.run(f"CREATE TABLE {quote}Order Lines.%{quote} ({quote}select{quote} int, {quote}a b:c{quote} int)")
    served.run(f"INSERT INTO {quote}Order Lines.%{quote} VALUES (1, 2)")
    for name in ('"Order Lines.%"', "[Order Lines.%]", "`Order Lines.%`"):
        [batch] = served.database.read(Table(name))
        assert batch.to_pylist() == [{"select": 1, "a b:c": 2}]


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("SELEC 1", "syntax"),
        ("SELECT missing FROM people", "missing"),
        ("DELETE FROM people", "syntax|read.only|READ ONLY"),
        ("CREATE TABLE other (id int)", "syntax|read.only|READ ONLY"),
    ],
)
def test_wrong_queries_change_nothing(people, tmp_path, statement, message):
    """A query that is wrong or would write is the user's error; nothing is written, in the database or here."""
    with pytest.raises(UserErrorException, match=message):
        people.database.export(Query(statement), tmp_path / "x", "parquet")
    assert list(tmp_path.iterdir()) == []
    assert people.rows("SELECT count(*) FROM people") == [(4,)]


def test_a_query_that_takes_too_long(served, tmp_path):
    """The error of a timeout names query_timeout, and can be tried again; the server does not go on."""
    slow = "SELECT pg_sleep(30)" if served.is_postgres else "SELECT sleep(30)"
    with pytest.raises(ServiceException, match=r"within 0\.5 seconds .* raise query_timeout"):
        served.database.export(Query(slow), tmp_path / "x", "parquet", timeout=0.5)
    now = "SELECT query FROM pg_stat_activity WHERE state = 'active'" if served.is_postgres else "SHOW PROCESSLIST"
    deadline = time.monotonic() + 20
    while "sleep(30)" in str(served.rows(now)).replace(now, ""):
        assert time.monotonic() < deadline


def test_stored_procedures(people, tmp_path):
    """A procedure's parameters are bound by their names, in any order, with v1's types."""
    if people.is_postgres:
        people.run(
            "CREATE FUNCTION older(lowest int, since date) RETURNS TABLE (id int, day date) AS"
            " 'SELECT id, born FROM people WHERE id >= lowest AND born >= since' LANGUAGE sql"
        )
    else:
        people.run(
            "CREATE PROCEDURE older(IN lowest int, IN since date)"
            " SELECT id, born AS day FROM people WHERE id >= lowest AND born >= since"
        )
    parameters = (ProcedureParameter("since", "2000-01-01", "Date"), ProcedureParameter("lowest", "2", "Int"))
    exported = people.database.export(Procedure("older", parameters), tmp_path / "x.csv", "delimited")
    assert (tmp_path / "x.csv").read_text() == "id,day\n2,2020-02-29\n"
    assert exported.rows == 1


def test_procedures_that_are_not_there_or_not_given_what_they_need(people):
    """An unknown procedure and a value of another type are errors that name them."""
    with pytest.raises(DatasetNotFoundError, match="'nothing'"):
        list(people.database.read(Procedure("nothing")))
    with pytest.raises(UserErrorException, match="'two' is no value of type 'Int'"):
        ProcedureParameter("least", "two", "Int").bound()
