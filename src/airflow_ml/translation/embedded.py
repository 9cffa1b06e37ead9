"""
The process that drives one embedded run: `python -m airflow_ml.translation.embedded FOLDER RUN_ID`.

A run whose steps all take earlier results ends here, without Airflow.

Airflow's own in-process runner (`dag.test()`) runs the DAG here, one task after the other. What is slow about it is
paid once per machine: the metadata database is migrated once and copied for each run, and the DAG folder that the
runner parses holds one file. Airflow is imported only after its settings are in the environment.
"""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_ml._late import late
from airflow_ml.exceptions import AzureMLException, ServiceException
from airflow_ml.execution import model
from airflow_ml.execution.artifacts import store_artifacts
from airflow_ml.execution.pipelines import close_pipeline
from airflow_ml.execution.reusing import decide_first, mark_announced
from airflow_ml.execution.run_parameters import open_parameters
from airflow_ml.execution.runner_lock import RUNNER_LOG_FILE, RUNNER_LOG_NAME
from airflow_ml.execution.services import Services, open_services
from airflow_ml.graph import Graph, from_json
from airflow_ml.registry import Home, RunStateError
from airflow_ml.registry.sealed_json import opened_text
from airflow_ml.translation.airflow_settings import embedded_settings, inherited_settings
from airflow_ml.translation.embedding import GRAPH_FILE
from airflow_ml.translation.pipeline_ref import RUN_KEY

if TYPE_CHECKING:
    from airflow_ml.registry import RunRecord
    from airflow_ml.translation import stubs
else:
    # These import Airflow, which reads its settings when it is imported.
    stubs = late("airflow_ml.translation.stubs")

__all__ = ["main"]

logger = logging.getLogger(__name__)

#: Seconds between two tries of a step that failed by the machine's fault. Shorter than on a cluster: there is no other
#: machine to wait for, and somebody waits at the keyboard.
_RETRY_DELAY = 2.0


def main(arguments: list[str]) -> int:
    """Drive one run to its end; the exit code is 0 if it has completed."""
    folder, run_id = Path(arguments[0]), arguments[1]
    graph = from_json(opened_text((folder / GRAPH_FILE).read_text(encoding="utf-8"), where=f"run {run_id!r}"))
    with open_services(graph.workspace) as services:
        _cancel_on_signals(services, run_id)
        run = services.registry.runs.get(run_id)
        try:
            if not _is_whole(services, graph, run):
                _run_dag(folder, graph, run)
        except Exception as error:  # the end of a process: the run must not stay open, whatever Airflow raised
            logger.exception("run %s: its DAG could not be run", run_id)
            _record_failure(services, run_id, error)
        _keep_log(services, run_id, folder)
        verdict = close_pipeline(services, run_id)
    shutil.rmtree(folder, ignore_errors=True)
    return 0 if verdict.status == "Completed" else 1


def _is_whole(services: Services, graph: Graph, run: RunRecord) -> bool:
    """
    Whether every step takes an earlier result: then there is nothing that Airflow would have to be started for.

    Otherwise `reuse_check` looks again, and announces what was adopted here.
    """
    if run.kind != "pipeline":
        return False
    look = decide_first(services, graph, run, model.Airflow(run.dag_id or run.id, run.dag_run_id or "", ""))
    if not look.is_whole:
        return False
    for sentence in look.sentences:
        logger.info("%s", sentence)
    with suppress(RunStateError):  # canceled in this moment
        services.registry.runs.set_status(run.id, "Running", expected="NotStarted")
    mark_announced(services, look.reused)
    return True


def _run_dag(folder: Path, graph: Graph, run: RunRecord) -> None:
    database = folder / "airflow.db"
    shutil.copyfile(_migrated_database(), database)
    os.environ.update(embedded_settings(_airflow_home(), database=database, folder=folder))
    dag_id, retries = run.dag_id or run.id, {"retry_delay": _RETRY_DELAY}
    place = stubs.write_stub(folder / "dags", graph, dag_id, experiment=run.experiment, default_args=retries)
    dag = stubs.load_dag(str(place))
    dag.fileloc = str(place)
    dag.relative_fileloc = place.name
    dag.test(run_conf={**open_parameters(run), RUN_KEY: run.id})


def _airflow_home() -> Path:
    """Return the Airflow home of embedded runs; another release of Airflow has another database, so its own."""
    return Home.default().airflow / metadata.version("apache-airflow")


def _migrated_database() -> Path:
    """Return an empty metadata database with all tables, migrated when it is first needed on this machine."""
    home = _airflow_home()
    template = home / "template.db"
    if template.exists():
        return template
    home.mkdir(parents=True, exist_ok=True)
    with _locked(home / "template.lock"):
        if not template.exists():
            fresh = home / "template.new.db"
            fresh.unlink(missing_ok=True)
            settings = embedded_settings(home, database=fresh, folder=home / "template")
            done = subprocess.run(
                [sys.executable, "-m", "airflow", "db", "migrate"],
                env={**inherited_settings(), **settings},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                raise ServiceException(f"Airflow's database could not be made: {done.stderr[-2000:]}")
            fresh.replace(template)
    return template


@contextmanager
def _locked(place: Path) -> Iterator[None]:
    with place.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _cancel_on_signals(services: Services, run_id: str) -> None:
    """
    Let SIGTERM and SIGINT cancel the run: the step that runs is stopped, the others are not started.

    A thread waits for them, because Airflow's task runner puts its own handler in the place of ours, and a handler
    in the main thread could meet that thread in the middle of a transaction.
    """
    numbers = (signal.SIGTERM, signal.SIGINT)
    signal.pthread_sigmask(signal.SIG_BLOCK, numbers)  # the threads that are started later inherit it
    threading.Thread(target=_cancel_when_asked, args=(services, run_id, numbers), daemon=True).start()


def _cancel_when_asked(services: Services, run_id: str, numbers: Collection[signal.Signals]) -> None:
    while True:
        number = signal.sigwait(numbers)
        logger.warning("run %s is canceled by signal %d", run_id, number)
        try:
            services.registry.runs.set_status(run_id, "CancelRequested")
        except AzureMLException as error:
            logger.warning("run %s could not be canceled: %s", run_id, error)


def _record_failure(services: Services, run_id: str, error: Exception) -> None:
    failure = {"code": type(error).__name__, "message": f"the DAG could not be run: {error}"}
    try:
        services.registry.runs.set_details(run_id, {"failure": dict(failure)})
    except AzureMLException:
        logger.exception("run %s: its failure could not be recorded", run_id)


def _keep_log(services: Services, run_id: str, folder: Path) -> None:
    """Store the driver's log with the run; a script run that has ended takes no files any more."""
    if services.registry.runs.get(run_id).is_final:
        return
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        store_artifacts(services.store, run_id, {RUNNER_LOG_NAME: folder / RUNNER_LOG_FILE})
    except (AzureMLException, OSError):
        logger.exception("run %s: its log could not be kept", run_id)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
