"""Tables that are queries of databases, as notebooks use them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from servers.databases import Served
from servers.mariadb import MariaDb

from airflow_ml.core import Dataset, Datastore, Workspace
from airflow_ml.data.azure_my_sql_datastore import AzureMySqlDatastore
from airflow_ml.data.azure_storage_datastore import AzureBlobDatastore
from airflow_ml.data.datapath import DataPath
from airflow_ml.data.dataset_factory import DataType
from airflow_ml.exceptions import AuthenticationException, UserErrorException

pytestmark = pytest.mark.mariadb

PASSWORD = "hunter2, of 'the' \"tests\" %40"


@pytest.fixture
def sales(workspace: Workspace, mysql: Served, mariadb: MariaDb) -> AzureMySqlDatastore:
    """A database with a table, which is registered with a password."""
    mysql.run(
        "CREATE TABLE orders (id int PRIMARY KEY, city varchar(20), sold decimal(8,2), day date)",
        "INSERT INTO orders VALUES (1, 'Oslo', 1.50, '2024-01-01'), (2, 'Bonn', 2, '2024-02-01'), (3, NULL, 3, NULL)",
        "CREATE USER IF NOT EXISTS reader IDENTIFIED BY 'hunter2, of \\'the\\' \"tests\" %40'",
        f"GRANT SELECT ON {mysql.settings['database']}.* TO reader",
    )
    return register(workspace, mysql, mariadb, PASSWORD)


def register(workspace: Workspace, mysql: Served, mariadb: MariaDb, password: str) -> AzureMySqlDatastore:
    """Register the database over the network."""
    return Datastore.register_azure_my_sql(
        workspace,
        "sales",
        "127.0.0.1",
        str(mysql.settings["database"]),
        "reader",
        password,
        port_number=str(mariadb.port),
        overwrite=True,
    )


def test_a_query_is_a_table(sales: AzureMySqlDatastore) -> None:
    """Both forms of v1; rows, types, and what tables can do."""
    table = Dataset.Tabular.from_sql_query((sales, "SELECT * FROM orders ORDER BY id"))

    frame = table.to_pandas_dataframe()

    assert [str(type_) for type_ in frame.dtypes] == ["int64", "str", "float64", "datetime64[us]"]
    assert table.filter(table["sold"] > 1.5).keep_columns(["id"]).to_pandas_dataframe()["id"].tolist() == [2, 3]
    assert table.take(2).to_pandas_dataframe()["id"].tolist() == [1, 2]
    assert table.skip(2).to_pandas_dataframe()["id"].tolist() == [3]
    assert table.with_timestamp_columns("day").time_after(frame["day"][0].to_pydatetime()) is not None
    same = Dataset.Tabular.from_sql_query(DataPath(sales, "SELECT * FROM orders ORDER BY id"), query_timeout=10)
    assert same.to_pandas_dataframe().equals(frame)
    assert same.data_changed_time is None


def test_types_of_columns_can_be_set(sales: AzureMySqlDatastore) -> None:
    """`set_column_types` holds for what the database gives."""
    types = {"id": DataType.to_string(), "city": DataType.to_string()}
    table = Dataset.Tabular.from_sql_query((sales, "SELECT id, city FROM orders"), set_column_types=types)

    assert sorted(table.to_pandas_dataframe()["id"]) == ["1", "2", "3"]


def test_values_are_bound(sales: AzureMySqlDatastore) -> None:
    """A parameter is a value and never SQL; the query's text is what was given."""
    query = "SELECT id FROM orders WHERE city = :city"

    found = [
        Dataset.Tabular.from_sql_query((sales, query), parameters={"city": city}).to_pandas_dataframe()["id"].tolist()
        for city in ("Bonn", "x' OR '1'='1")
    ]

    assert found == [[2], []]


def test_a_query_is_asked_each_time(sales: AzureMySqlDatastore, mysql: Served) -> None:
    """A registered query is a definition; its rows are those of the moment."""
    table = Dataset.Tabular.from_sql_query((sales, "SELECT id FROM orders")).register(sales.workspace, "orders")
    assert len(table.to_pandas_dataframe()) == 3

    mysql.run("DELETE FROM orders WHERE id = 3")

    assert len(Dataset.get_by_name(sales.workspace, "orders").to_pandas_dataframe()) == 2
    assert table.to_csv_files().to_path() == ["/part-00000.csv"]


def test_printing_shows_the_query_and_no_secret(sales: AzureMySqlDatastore) -> None:
    """A dataset shows where it is from."""
    table = Dataset.Tabular.from_sql_query((sales, "SELECT 1"))

    assert "('sales', 'SELECT 1')" in str(table)
    assert "hunter2" not in str(table) + repr(sales) + str(vars(sales))


def test_a_wrong_password(workspace: Workspace, sales: AzureMySqlDatastore, mysql: Served, mariadb: MariaDb) -> None:
    """The error names the datastore and what to do, and holds no password."""
    wrong = register(workspace, mysql, mariadb, "hunter2 wrong")

    with pytest.raises(AuthenticationException, match=r"datastore 'sales': .* right user and password") as caught:
        Dataset.Tabular.from_sql_query((wrong, "SELECT 1")).to_pandas_dataframe()

    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda store: Dataset.Tabular.from_sql_query("SELECT 1"), "is no query of a datastore"),
        (lambda store: Dataset.Tabular.from_sql_query((store, "")), "is no query"),
        (lambda store: Dataset.Tabular.from_sql_query((store, "SELECT 1"), query_timeout=-1), "no number of seconds"),
        (lambda store: Dataset.Tabular.from_sql_query((store, "SELECT 1"), parameters={"a": []}), "'a' is list"),
        (
            lambda store: Dataset.Tabular.from_delimited_files((store, "a.csv")).to_pandas_dataframe(),
            "is a database: it has tables, not files",
        ),
    ],
)
def test_what_is_no_query(sales: AzureMySqlDatastore, make: Callable[[object], object], message: str) -> None:
    """Mistakes are said with the way out."""
    with pytest.raises(UserErrorException, match=message):
        make(sales)


def test_a_store_of_files_answers_no_query(blob: AzureBlobDatastore) -> None:
    """A query of a blob container is an error when it is read."""
    with pytest.raises(UserErrorException, match="is no database, and cannot answer a query"):
        Dataset.Tabular.from_sql_query((blob, "SELECT 1")).to_pandas_dataframe()
