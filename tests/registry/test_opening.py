"""Opening workspaces: new ones, known ones, and many processes at once."""

import os
import subprocess
import sys
import time

import pytest

from airflow_ml.exceptions import ServiceException, WorkspaceException
from airflow_ml.graph.model import WorkspaceRef
from airflow_ml.registry import Home, engine, open_registry
from airflow_ml.registry.engine import registry_url

OPEN = """
import sys
from airflow_ml.graph.model import WorkspaceRef
from airflow_ml.registry import open_registry
sys.stdin.readline()
with open_registry(WorkspaceRef(sys.argv[1], registry_url=sys.argv[2] or None)) as registry:
    print(registry.workspace.id, len(registry.datastores.list()))
"""


def test_many_processes_open_one_new_workspace(fresh_ref, at_once):
    """Processes that open a workspace which nobody made yet all find the same one, with its four datastores."""

    def open_it(_number):
        with open_registry(fresh_ref) as registry:
            return registry.workspace.id, len(registry.datastores.list())

    seen = at_once(open_it, 8)

    assert len(set(seen)) == 1
    assert seen[0][1] == 4


def test_a_workspace_keeps_what_it_was_created_with(ref):
    """The first opener's subscription and resource group stay; a later opener finds them."""
    first = WorkspaceRef(ref.name, "sub", "group", ref.registry_url)
    with open_registry(first) as registry:
        created = registry.workspace

    with open_registry(ref) as registry:
        assert registry.workspace == created
    assert (created.subscription_id, created.resource_group) == ("sub", "group")


def test_workspaces_of_one_database_do_not_see_each_other(ref, registry):
    """What is registered in one workspace is not there in another one of the same database."""
    run = registry.runs.create("digits", "run", kind="script", tags={"team": "a"})
    other_ref = WorkspaceRef(f"{ref.name}-other", registry_url=ref.registry_url)

    with open_registry(other_ref) as other:
        assert other.runs.find(run.id) is None
        assert list(other.runs.list(include_children=True, tags={"team": "a"})) == []
        assert list(other.experiments.list()) == []


def test_a_workspace_that_may_not_be_created_has_to_be_there(fresh_ref):
    """With create=False a missing workspace is an error that leaves nothing behind."""
    with pytest.raises(WorkspaceException, match="create the workspace first"):
        open_registry(fresh_ref, create=False)

    assert not Home.default().workspace(fresh_ref.name).root.exists()


def test_an_unknown_workspace_of_a_known_database(ref, registry):
    """With create=False a database that has other workspaces says that this one is missing."""
    missing = WorkspaceRef("missing", registry_url=ref.registry_url)

    with pytest.raises(WorkspaceException, match="missing"):
        open_registry(missing, create=False)


def test_opening_is_quick(home):
    """A new SQLite workspace opens in under half a second, a known one far faster."""
    started = time.perf_counter()
    open_registry(WorkspaceRef("w")).close()
    made = time.perf_counter()
    open_registry(WorkspaceRef("w")).close()

    assert made - started < 0.5
    assert time.perf_counter() - made < 0.1


def test_importing_the_registry_imports_little(home):
    """Neither the import nor the opening of a new SQLite workspace loads Alembic, Airflow or pandas."""
    code = OPEN + "print(sorted({'alembic', 'airflow', 'pandas', 'psycopg2'} & set(sys.modules)))"

    done = subprocess.run(
        [sys.executable, "-c", code, "w", ""], input="go\n", capture_output=True, text=True, check=True
    )

    assert done.stdout.splitlines()[-1] == "[]"


def test_a_forked_child_goes_on_with_its_parents_registry(registry):
    """After a fork, parent and child both read and write, each by connections of its own."""
    registry.runs.create("digits", "before", kind="script")

    child = os.fork()
    if child == 0:
        try:
            registry.runs.create("digits", "child", kind="script")
            os._exit(0)
        except BaseException:  # noqa: BLE001 - a forked test process must not go on as pytest
            os._exit(1)
    status = os.waitpid(child, 0)[1]
    registry.runs.create("digits", "parent", kind="script")

    assert status == 0
    assert {run.name for run in registry.runs.list()} == {"before", "child", "parent"}


def test_a_database_that_does_not_answer_is_a_service_error(home):
    """A server that is not there is an error that can be tried again, in one line and without the password."""
    ref = WorkspaceRef("w", registry_url=f"postgresql://me:secret@/db?host={home}")

    with pytest.raises(ServiceException) as caught:
        open_registry(ref)

    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_database_is_a_service_error(home):
    """A registry file with other content is named in the error."""
    path = Home.default().workspace("w").registry_path
    path.parent.mkdir()
    path.write_text("this is no database, though it is long enough to be looked at" * 20)

    with pytest.raises(ServiceException, match=r"registry\.db.*not a database"):
        open_registry(WorkspaceRef("w"))


@pytest.mark.parametrize("url", ["mysql://me@host/db", "no url", "sqlite://"])
def test_other_databases_are_refused(home, url):
    """Only SQLite files and PostgreSQL are taken; the error says how their URLs look."""
    with pytest.raises(WorkspaceException, match="expected"):
        open_registry(WorkspaceRef("w", registry_url=url))


def test_the_environment_names_the_database(home, monkeypatch):
    """AIRFLOW_ML_REGISTRY holds where a reference names no database."""
    monkeypatch.setenv("AIRFLOW_ML_REGISTRY", f"sqlite:///{home / 'elsewhere.db'}")

    open_registry(WorkspaceRef("w")).close()

    assert (home / "elsewhere.db").exists()


def test_a_password_comes_from_the_environment(home, monkeypatch):
    """A URL without a password takes the one of the same URL in the environment, or the password variable."""
    monkeypatch.setenv("AIRFLOW_ML_REGISTRY", "postgresql://me:one@host/db")
    monkeypatch.setenv("AIRFLOW_ML_REGISTRY_PASSWORD", "two")

    same = registry_url("postgresql://me@host/db", home)
    other = registry_url("postgres://me@elsewhere/db", home)

    assert (same.password, other.password) == ("one", "two")
    assert other.drivername == "postgresql+psycopg2"


@pytest.mark.postgres
def test_a_connection_that_the_server_has_ended_is_not_used(postgres_url, home, monkeypatch):
    """A connection that nobody has used for a moment is asked whether it lives, and replaced if it does not."""
    monkeypatch.setattr(engine, "_TRUSTED_SECONDS", -1)
    others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
    with open_registry(WorkspaceRef("w", registry_url=postgres_url)) as registry:
        with engine.make_engine(registry_url(postgres_url, home)).connect() as connection:
            connection.exec_driver_sql(f"{others} AND datname = current_database()")

        assert registry.runs.list() == []
