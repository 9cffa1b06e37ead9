"""What goes wrong around a database: servers that vanish, logins that are refused, memory that must not grow."""

import os
import subprocess
import sys
from pathlib import Path

import psycopg2
import pymysql
import pytest
import sqlalchemy as sa

from airflow_ml.exceptions import DatasetNotFoundError, RunEnvironmentException, ServiceException, UserErrorException
from airflow_ml.storage.databases import Query, Table, open_database
from airflow_ml.storage.factory import StoreContext, open_store

#: Rows of the exports whose memory is measured: a few in every run of the tests, a million by `make soak`.
ROWS = 1_000_000 if os.environ.get("AIRFLOW_ML_SOAK") else 200_000

#: Bytes that an export may need over a small one, whatever its number of rows.
MEMORY = 150 << 20

SECRET = "hunter2-of-the-test"


def end_connections(served):
    """Have the server end all connections but the one that asks."""
    with served.engine.connect() as connection:
        if served.is_postgres:
            query = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
            connection.exec_driver_sql(f"{query} AND datname = current_database()")
            return
        found = connection.exec_driver_sql("SHOW PROCESSLIST").all()
        own = connection.exec_driver_sql("SELECT connection_id()").scalar()
        database = connection.exec_driver_sql("SELECT database()").scalar()
        for row in found:
            if row[3] == database and row[0] != own:
                connection.exec_driver_sql(f"KILL {row[0]}")


@pytest.fixture
def numbers(served):
    """A database with a table of 100,000 rows that are too many to be on their way at once."""
    served.run("CREATE TABLE numbers (id int PRIMARY KEY, filling varchar(200))")
    series = "generate_series(1, 100000) AS s(seq)" if served.is_postgres else "seq_1_to_100000"
    served.run(f"INSERT INTO numbers SELECT seq, repeat('x', 200) FROM {series}")
    return served


def test_a_server_that_goes_away_in_an_export_leaves_no_file(numbers, tmp_path):
    """A cut export is an error that can be tried again, and nothing is at the target."""
    ended = []

    def progress(_rows):
        if not ended:
            ended.append(end_connections(numbers))

    with pytest.raises(ServiceException, match="went away"):
        numbers.database.export(Table("numbers"), tmp_path / "x", "delimited", progress=progress)
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_goes_away_in_an_append_leaves_no_row(numbers, tmp_path):
    """A cut append is an error that can be tried again, and the table is as it was."""
    numbers.database.export(Table("numbers"), tmp_path / "x", "parquet")
    numbers.run("DELETE FROM numbers")
    ended = []

    def progress(rows):
        if rows > 50_000 and not ended:
            ended.append(end_connections(numbers))

    with pytest.raises(ServiceException, match="went away"):
        numbers.database.append("numbers", tmp_path / "x", "parquet", progress=progress)
    assert numbers.rows("SELECT count(*) FROM numbers") == [(0,)]


def test_a_process_that_is_killed_in_an_append_leaves_no_row(numbers, tmp_path):
    """The server undoes what a process had sent that died before its commit."""
    numbers.database.export(Table("numbers"), tmp_path / "x", "parquet")
    numbers.run("DELETE FROM numbers")
    code = (
        "import os, pathlib, signal; from airflow_ml.storage.databases import *;"
        "from airflow_ml.storage.factory import StoreContext;"
        f"database = open_database({numbers.settings!r}, StoreContext('sales'));"
        "kill = lambda rows: rows > 50_000 and os.kill(os.getpid(), signal.SIGKILL);"
        f"database.append('numbers', pathlib.Path({str(tmp_path / 'x')!r}), 'parquet', progress=kill)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9
    numbers.run("INSERT INTO numbers VALUES (1, 'x')")  # waits until the server has noticed
    assert numbers.rows("SELECT count(*) FROM numbers") == [(1,)]


@pytest.mark.postgres
def test_a_transaction_that_breaks_in_its_commit_is_asked_for(postgres, write):
    """PostgreSQL remembers what became of a transaction: one that was undone can be tried again."""
    postgres.run(
        "CREATE TABLE t (id int)",
        "CREATE FUNCTION break() RETURNS trigger AS"
        " 'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END' LANGUAGE plpgsql",
        "CREATE CONSTRAINT TRIGGER b AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION break()",
    )
    with pytest.raises(ServiceException, match="went away"):
        postgres.database.append("t", write("id\n1\n"), "delimited")
    assert postgres.rows("SELECT * FROM t") == []


@pytest.fixture
def lost_answers(served, monkeypatch):
    """Have every commit happen, and fail behind it as if its answer were lost."""
    commit = sa.Connection.commit
    if served.is_postgres:
        cause: Exception = psycopg2.OperationalError("server closed the connection unexpectedly")
    else:
        cause = pymysql.err.OperationalError(2013, "Lost connection to MySQL server during query")

    def commit_and_fail(connection):
        commit(connection)
        raise sa.exc.OperationalError("COMMIT", {}, cause, connection_invalidated=True)

    monkeypatch.setattr(sa.Connection, "commit", commit_and_fail)


@pytest.fixture
def empty_table(served):
    """A table `t` without rows."""
    served.run("CREATE TABLE t (id int)")


@pytest.mark.usefixtures("empty_table", "lost_answers")
def test_a_commit_whose_answer_is_lost(served, write):
    """Where the server can tell, rows that are there are no error; else the error is none that is tried again."""
    if served.is_postgres:
        assert served.database.append("t", write("id\n1\n"), "delimited") == 1
    else:
        with pytest.raises(UserErrorException, match="nobody can tell whether they are there"):
            served.database.append("t", write("id\n1\n"), "delimited")
    assert served.rows("SELECT * FROM t") == [(1,)]


def test_a_reader_that_stops_leaves_nothing_running(numbers):
    """Who reads no further has the server stop, without fetching the rest."""
    batches = numbers.database.read(Table("numbers"))
    next(batches)
    batches.close()
    numbers.run("DROP TABLE numbers")  # waits for ever behind a transaction that reads it


def test_parallel_use(numbers, tmp_path):
    """A database serves several readers at once, each over a connection of its own."""
    pairs = zip(numbers.database.read(Table("numbers")), numbers.database.read(Table("numbers")), strict=True)
    assert sum(first.num_rows for first, second in pairs if first.equals(second)) == 100_000


@pytest.mark.mariadb
def test_a_wrong_password_of_mysql(mariadb):
    """A refused login is the user's error, which does not hold the password."""
    settings = {"kind": "mysql", "server": "127.0.0.1", "port": mariadb.port, "database": "mysql", "user": "nobody"}
    context = StoreContext("sales", credentials=lambda: {"password": SECRET})
    with pytest.raises(UserErrorException, match="right user and password") as caught:
        open_database(settings, context).check()
    assert SECRET not in repr(caught.value.__dict__)
    assert caught.value.__cause__ is None


@pytest.mark.postgres
def test_a_wrong_password_of_postgres(postgres):
    """A refused login is the user's error, which does not hold the password; the right one is taken."""
    [(rules,)] = postgres.rows("SHOW hba_file")
    rule = "local all careful scram-sha-256\n"
    text = Path(rules).read_text()
    if rule not in text:
        Path(rules).write_text(rule + text)
    postgres.run("DROP ROLE IF EXISTS careful", f"CREATE ROLE careful LOGIN PASSWORD '{SECRET}'")
    assert postgres.rows("SELECT pg_reload_conf()") == [(True,)]
    given = {"password": "wrong-of-the-test"}
    database = open_database({**postgres.settings, "user": "careful"}, StoreContext("sales", credentials=lambda: given))
    with pytest.raises(UserErrorException, match="right user and password") as caught:
        database.check()
    assert "wrong-of-the-test" not in repr(caught.value.__dict__)
    given["password"] = SECRET  # renewed: asked for at each connection
    database.check()


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"server": "/nowhere"}, ServiceException, "cannot be reached"),
        ({"server": "127.0.0.1", "port": 1}, ServiceException, "cannot be reached"),
        ({"database": "missing_one"}, DatasetNotFoundError, "missing_one"),
        ({"port": "five"}, UserErrorException, "port 'five' is no number"),
        ({"database": None}, UserErrorException, "name no database"),
    ],
)
def test_places_that_are_not_there(served, change, error, message):
    """A server that does not answer can be tried again; a database that it does not have is the user's error."""
    with pytest.raises(error, match=message):
        open_database({**served.settings, **change}, StoreContext("sales")).check()


@pytest.mark.postgres
def test_connections_are_encrypted_unless_told_otherwise(postgres):
    """PostgreSQL is spoken to encrypted or not at all, as in v1; the server of the tests cannot."""
    settings = {name: value for name, value in postgres.settings.items() if name != "enforce_ssl"}
    # On sockets of this machine libpq never encrypts, so the port that nobody listens on shows the option alone.
    database = open_database({**settings, "server": "db.example"}, StoreContext("sales"))
    assert database._options(None)["sslmode"] == "require"


@pytest.mark.mariadb
def test_mysql_encrypts_when_told(mariadb):
    """With `enforce_ssl` a server that cannot encrypt is not spoken to."""
    settings = {"kind": "mysql", "server": "127.0.0.1", "port": mariadb.port, "database": "mysql", "user": "root"}
    with pytest.raises(ServiceException, match="SSL"):
        open_database({**settings, "enforce_ssl": True}, StoreContext("sales")).check()


def test_a_driver_that_is_not_installed(served, monkeypatch):
    """The error names the package and the extra that brings it."""
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(RunEnvironmentException, match=r"pip install 'airflow-ml\[(postgres|mysql)\]'"):
        served.database.check()


@pytest.mark.soak
def test_memory_does_not_grow_with_the_rows(served, tmp_path):
    """An export and an append of many rows need as much memory as those of few."""
    series = "generate_series(1, {}) AS s(seq)" if served.is_postgres else "seq_1_to_{}"
    query = f"SELECT seq, repeat('y', 50) AS y, seq / 7.0 AS n FROM {series}"
    served.run("CREATE TABLE target (seq int, y varchar(50), n numeric(20, 4))")
    grown = [_peak(served, query.format(rows), tmp_path / str(rows)) for rows in (1000, ROWS)]
    assert served.rows("SELECT count(*) FROM target") == [(ROWS + 1000,)]
    assert grown[1] - grown[0] < MEMORY


def _peak(served, query: str, target: Path) -> int:
    """Return the most memory that a process needs which exports a query and appends its rows, in bytes."""
    code = (
        "import resource, sys, pathlib; from airflow_ml.storage.databases import *;"
        "from airflow_ml.storage.factory import StoreContext;"
        f"database = open_database({served.settings!r}, StoreContext('sales'));"
        f"target = pathlib.Path({str(target)!r}); database.export(Query({query!r}), target, 'delimited');"
        "database.append('target', target, 'delimited');"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return int(done.stdout) * 1024


@pytest.mark.postgres
def test_a_database_among_stores_has_no_files(postgres):
    """What needs files says that a database has none; nothing is connected for that."""
    store = open_store({**postgres.settings, "server": "/nowhere"}, StoreContext("sales"))
    for call in (
        lambda: store.exists("a.csv"),
        lambda: store.list("folder"),
        lambda: store.stat("a.csv"),
        lambda: store.write("a.csv", b""),
        lambda: store.delete("a.csv"),
    ):
        with pytest.raises(UserErrorException, match="is a database: it has tables, not files"):
            call()


@pytest.mark.postgres
def test_a_message_of_the_server_never_holds_a_secret(postgres):
    """What the server repeats of a statement is shown without what the datastore keeps secret."""
    context = StoreContext("sales", credentials=lambda: {"password": SECRET})
    database = open_database(postgres.settings, context)
    with pytest.raises(UserErrorException, match=r'"\*\*\*"'):
        list(database.read(Query(f"SELECT '{SECRET}'::int")))
