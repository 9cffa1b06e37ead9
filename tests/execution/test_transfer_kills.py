"""Steps that copy, killed at random: files are whole, a table has the rows once, and the next try ends it."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from forking import fork
from servers.databases import Served
from servers.file_share import ACCOUNT, KEY, running_share_server

from airflow_ml.core import Datastore, Workspace
from airflow_ml.core.compute import ComputeTarget, DataFactoryCompute
from airflow_ml.data.data_reference import DataReference
from airflow_ml.data.sql_data_reference import SqlDataReference
from airflow_ml.pipeline.steps import DataTransferStep

pytestmark = pytest.mark.soak

#: Of each kind of copy: a few in every run of the tests, a thousand in all by `make soak`.
FOLDERS, FILES, TABLES = (500, 250, 250) if os.environ.get("AIRFLOW_ML_SOAK") else (3, 2, 2)

OLD, NEW = b"old" * 1000, b"new" * 1200
#: In parts, as large files go.
LARGE = bytes(range(256)) * (9 << 12)
CONTENTS = {f"f{number}": NEW for number in range(8)} | {"sub/large": LARGE, "empty": b""}


@pytest.fixture
def share(tmp_path: Path, workspace: Workspace) -> Iterator[Path]:
    """The folder behind a file share that is the datastore `share`."""
    ComputeTarget.create(workspace, "adf", DataFactoryCompute.provisioning_configuration())
    with running_share_server(tmp_path / "shares") as server:
        given = {"account_key": KEY, "protocol": "http", "endpoint": server.url, "create_if_not_exists": True}
        Datastore.register_azure_file_share(workspace, "share", "data", ACCOUNT, **given)
        yield server.root / "data"


@pytest.fixture
def source(workspace: Workspace) -> Path:
    """The folder of the datastore that is copied from."""
    folder = workspace.registry().home.store("workspaceblobstore")
    for name, content in CONTENTS.items():
        (folder / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "in" / name).write_bytes(content)
    return folder


def killed(work: Callable[[], object], trial: int, longest: float) -> float:
    """Kill a process that does something at a moment of its own, and return how long it was let run."""
    moment = random.Random(trial).uniform(0, longest)
    begun = time.monotonic()
    pid = fork(work)
    time.sleep(moment)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return time.monotonic() - begun


def ended(work: Callable[[], object]) -> float:
    """Let a process do something to its end, and return how long that took."""
    begun = time.monotonic()
    os.waitpid(fork(work), 0)
    return time.monotonic() - begun


def seen(folder: Path) -> dict[str, bytes]:
    """Return the files that users of a store see."""
    places = [place for place in folder.rglob("*") if place.is_file() and ".airflow_ml" not in place.parts]
    return {place.relative_to(folder).as_posix(): place.read_bytes() for place in places}


def markers(share: Path) -> list[Path]:
    """Return the markers of complete copies."""
    return list((share / ".airflow_ml/transfers").glob("*/complete.json"))


def copies(workspace: Workspace, start: Callable, what: str, target: str) -> object:
    """Open a run of a step that copies to the share."""
    ends = (
        DataReference(Datastore.get(workspace, "workspaceblobstore"), "source", what),
        DataReference(Datastore.get(workspace, "share"), "destination", target),
    )
    return start(DataTransferStep("step", *ends, compute_target="adf", allow_reuse=False))


def is_recorded(run) -> bool:
    """Tell whether a run's newest attempt has ended well; another one would copy anew."""
    attempts = run.services.registry.runs.attempts(run.id, "step")
    return bool(attempts) and attempts[0].status == "Completed"


def outputs(run) -> list[object]:
    """Return the outputs that a run's newest attempt has committed."""
    attempts = run.services.registry.runs.attempts(run.id, "step")
    return list(run.services.registry.outputs.of(attempts[0].id)) if attempts else []


def test_a_folder_is_whole_file_by_file(workspace: Workspace, start: Callable, share: Path, source: Path) -> None:
    """Whenever the copy is killed; the marker is there only when all is, and the next try ends with everything."""
    longest = ended(copies(workspace, start, "in", "measured").run)
    for trial in range(FOLDERS):
        target = f"t{trial}"
        for name in ("f1", "own"):
            (share / target).mkdir(exist_ok=True)
            (share / target / name).write_bytes(OLD)
        run, complete = copies(workspace, start, "in", target), len(markers(share))

        killed(run.run, trial, longest)

        found = seen(share / target)
        assert found.pop("own") == OLD
        assert all(content in (CONTENTS[name], OLD) for name, content in found.items())
        assert found.keys() <= CONTENTS.keys()
        if outputs(run) or len(markers(share)) > complete:
            assert found == CONTENTS
        ended(run.run)
        assert seen(share / target) == {**CONTENTS, "own": OLD}
        assert len(markers(share)) == complete + 1
        assert outputs(run)


def test_a_file_is_as_it_was_or_new(workspace: Workspace, start: Callable, share: Path, source: Path) -> None:
    """Whenever the copy is killed, what was there is whole; the next try replaces it."""
    longest = ended(copies(workspace, start, "in/sub/large", "measured").run)
    for trial in range(FILES):
        (share / "one").write_bytes(OLD)
        run = copies(workspace, start, "in/sub/large", "one")

        killed(run.run, trial, longest)

        assert seen(share)["one"] in (OLD, LARGE)
        assert not outputs(run) or seen(share)["one"] == LARGE
        ended(run.run)
        assert seen(share)["one"] == LARGE
        assert outputs(run)


@pytest.mark.postgres
def test_rows_are_added_once(
    workspace: Workspace, start: Callable, share: Path, source: Path, postgres: Served
) -> None:
    """Whenever the copy is killed, the table has none of the rows or all, and after the next try all of them once."""
    rows = 20_000
    (source / "rows.csv").write_text("id\n" + "".join(f"{number}\n" for number in range(rows)))
    server, database = str(postgres.settings["server"]), str(postgres.settings["database"])
    sales = Datastore.register_azure_postgre_sql(
        workspace, "sales", server, database, "postgres", "unused", enforce_ssl=False
    )

    def copy(table: str) -> object:
        postgres.run(f"CREATE TABLE {table} (id int)")
        postgres.engine.dispose()  # no copy of this process shall share a connection
        ends = (
            DataReference(Datastore.get(workspace, "workspaceblobstore"), "source", "rows.csv"),
            SqlDataReference(sales, "destination", sql_table=table),
        )
        return start(DataTransferStep("step", *ends, compute_target="adf", allow_reuse=False))

    longest = ended(copy("measured").run)
    for trial in range(TABLES):
        run = copy(f"t{trial}")

        killed(run.run, trial, longest)

        assert postgres.rows(f"SELECT count(*) FROM t{trial}") in ([(0,)], [(rows,)])
        postgres.engine.dispose()
        if not is_recorded(run):
            ended(run.run)
        assert postgres.rows(f"SELECT count(*), count(DISTINCT id) FROM t{trial}") == [(rows, rows)]
        assert outputs(run)
