"""
The process that drives one embedded run: `python -m airflow_ml.translation.embedded FOLDER RUN_ID`.

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
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, cast

from airflow_ml._late import late
from airflow_ml.exceptions import AzureMLException, ServiceException
from airflow_ml.execution.artifacts import store_artifacts
from airflow_ml.execution.pipelines import close_pipeline
from airflow_ml.execution.services import Services, open_services
from airflow_ml.graph import Graph, from_json
from airflow_ml.registry import Home, RunStateError
from airflow_ml.translation.airflow_settings import embedded_settings, inherited_settings
from airflow_ml.translation.embedding import GRAPH_FILE, LOG_FILE

if TYPE_CHECKING:
    from airflow_ml.registry import RunRecord
    from airflow_ml.translation import stubs
else:
    # These import Airflow, which reads its settings when it is imported.
    stubs = late("airflow_ml.translation.stubs")

__all__ = ["main"]

logger = logging.getLogger(__name__)

#: Key of the DAG run's conf that names the recorded pipeline run (`airflow_ml.operators`).
_RUN_KEY = "airflow_ml_run_id"

#: v1's name of a pipeline run's own log.
_LOG_NAME = "logs/azureml/executionlogs.txt"


def main(arguments: list[str]) -> int:
    """Drive one run to its end; the exit code is 0 if it has completed."""
    folder, run_id = Path(arguments[0]), arguments[1]
    graph = from_json((folder / GRAPH_FILE).read_text(encoding="utf-8"))
    with open_services(graph.workspace) as services:
        _cancel_on_signals(services, run_id)
        run = services.registry.runs.get(run_id)
        try:
            _run_dag(folder, graph, run)
        except Exception as error:
            logger.exception("run %s: its DAG could not be run", run_id)
            _record_failure(services, run_id, error)
        _keep_log(services, run_id, folder)
        verdict = close_pipeline(services, run_id)
    shutil.rmtree(folder, ignore_errors=True)
    return 0 if verdict.status == "Completed" else 1


def _run_dag(folder: Path, graph: Graph, run: RunRecord) -> None:
    database = folder / "airflow.db"
    shutil.copyfile(_migrated_database(), database)
    os.environ.update(embedded_settings(_airflow_home(), database=database, folder=folder))
    place = stubs.write_stub(folder / "dags", graph, run.dag_id or run.id, experiment=run.experiment)
    dag = stubs.load_dag(str(place))
    dag.fileloc = str(place)
    dag.relative_fileloc = place.name
    parameters = cast("Mapping[str, object]", run.details.get("parameters") or {})
    dag.test(run_conf={**parameters, _RUN_KEY: run.id})


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
    """Let SIGTERM and SIGINT cancel the run: the step that runs is stopped, the others are not started."""

    def cancel(*_: object) -> None:
        try:
            services.registry.runs.set_status(run_id, "CancelRequested")
        except RunStateError:
            logger.info("run %s has ended already", run_id)

    signal.signal(signal.SIGTERM, cancel)
    signal.signal(signal.SIGINT, cancel)


def _record_failure(services: Services, run_id: str, error: Exception) -> None:
    failure = {"code": type(error).__name__, "message": f"the DAG could not be run: {error}"}
    try:
        services.registry.runs.set_details(run_id, {"failure": dict(failure)})
    except AzureMLException:
        logger.exception("run %s: its failure could not be recorded", run_id)


def _keep_log(services: Services, run_id: str, folder: Path) -> None:
    log = folder / LOG_FILE
    if log.is_file():
        sys.stdout.flush()
        sys.stderr.flush()
        store_artifacts(services, run_id, {_LOG_NAME: log})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
