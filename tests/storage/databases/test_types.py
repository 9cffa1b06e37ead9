"""Every type of the databases: out to a file and back in, the same."""

import pytest

from airflow_ml.exceptions import DatasetExecutionError, UserErrorException
from airflow_ml.storage.databases import Query, Table

POSTGRES = {
    "smallint": "-32768",
    "bigint": "9223372036854775807",
    "numeric": "'123456789012345678901234567890.123456789'",
    "numeric(60,30)": "1.5",
    "real": "0.5",
    "double precision": "'Infinity'",
    "boolean": "true",
    "text": "E'line\\r\\nbreak\\ttab \\\\ \"quote\" 🎈 '",
    "char(5)": "'ab'",
    "uuid": "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'",
    "date": "'0001-01-01'",
    "time": "'23:59:59.999999'",
    "timestamp": "'9999-12-31 23:59:59.999999'",
    "timestamptz": "'2024-06-01 12:00:00+02'",
    "bytea": "'\\x00ff'",
    "json": '\'{"b": 1.50, "a": [null]}\'',
    "jsonb": "'[1, \"x\"]'",
    "int[]": "'{1,NULL,3}'",
    "text[]": '\'{"a,b","c"}\'',
    "interval": "'1 year 2 mons -1 days +02:03:04'",
    "inet": "'10.0.0.0/8'",
}

MYSQL = {
    "tinyint unsigned": "255",
    "bigint": "-9223372036854775808",
    "bigint unsigned": "18446744073709551615",
    "decimal(65,30)": "12345678901234567890123456789012345.5",
    "float": "0.5",
    "double": "1e300",
    "boolean": "true",
    "varchar(100)": "'line\\r\\nbreak\\ttab \\\\ \"quote\" 🎈 '",
    "char(5)": "'ab'",
    "longtext": "'long'",
    "enum('a','b')": "'b'",
    "set('a','b')": "'a,b'",
    "date": "'1000-01-01'",
    "time": "'-23:59:59'",
    "datetime(6)": "'9999-12-31 23:59:59.999999'",
    "timestamp": "'2024-06-01 12:00:00'",
    "year": "2024",
    "blob": "x'00ff'",
    "binary(2)": "x'00ff'",
    "json": '\'{"b": 1.50, "a": [null]}\'',
}


def cases():
    """Yield kind, type and value of a column."""
    for kind, mark, types in (("postgres", pytest.mark.postgres, POSTGRES), ("mysql", pytest.mark.mariadb, MYSQL)):
        for type_, value in types.items():
            yield pytest.param(kind, type_, value, marks=mark, id=f"{kind}-{type_}")


@pytest.mark.parametrize(("kind", "type_", "value"), list(cases()))
def test_a_value_comes_back(request, tmp_path, kind, type_, value):
    """A value and a missing one are, through either kind of file, what they were."""
    served = request.getfixturevalue(kind)
    served.run(
        f"CREATE TABLE a (id int, x {type_} NULL)",
        f"INSERT INTO a VALUES (1, {value}), (2, NULL)",
        f"CREATE TABLE b (id int, x {type_} NULL)",
    )
    for format_ in ("delimited", "parquet"):
        if (type_, format_) == ("numeric", "parquet"):  # without limits: a double there
            continue
        served.database.export(Query("SELECT id, x FROM a ORDER BY id"), tmp_path / "a", format_)
        served.run("DELETE FROM b")
        served.database.append("b", tmp_path / "a", format_)
        text = "x::text" if kind == "postgres" else "hex(x)"
        found = [served.rows(f"SELECT id, {text} FROM {table} ORDER BY id") for table in ("a", "b")]
        assert found[0] == found[1], (tmp_path / "a").read_bytes()


@pytest.mark.postgres
@pytest.mark.parametrize("value", ["'4713-01-01 BC'::date", "'10000-01-01'::timestamp"])
def test_dates_that_no_file_can_hold(postgres, tmp_path, value):
    """A date before the first year or behind the last one is an error."""
    with pytest.raises((DatasetExecutionError, UserErrorException)):
        postgres.database.export(Query(f"SELECT {value} AS x"), tmp_path / "x", "parquet")


@pytest.mark.mariadb
def test_zero_dates(mysql, tmp_path):
    """MySQL's date of zeros is no date: an error that names the column."""
    mysql.run("SET SESSION sql_mode = ''", "CREATE TABLE t (x date)", "INSERT INTO t VALUES ('0000-00-00')")
    with pytest.raises(DatasetExecutionError, match=r"column 'x' .* cast the column to text"):
        mysql.database.export(Table("t"), tmp_path / "x", "parquet")


@pytest.mark.postgres
def test_text_that_postgres_cannot_hold(postgres, write):
    """A NUL in text is the file's fault."""
    postgres.run("CREATE TABLE t (x text)")
    with pytest.raises(UserErrorException, match="NUL"):
        postgres.database.append("t", write("x\na\0b\n"), "delimited")
