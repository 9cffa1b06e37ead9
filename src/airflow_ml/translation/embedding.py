"""
Embedded runs: a run driven by a process of its own, without any Airflow service.

`start` is the submitter's side: it writes the run's folder, takes the run's lock and starts the driver
(`airflow_ml.translation.embedded`), which inherits the lock. It does not import Airflow, so that submitting is quick.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_ml.exceptions import ServiceException
from airflow_ml.execution.runner_lock import RUNNER_LOG_FILE, driver_folder, lock_runner
from airflow_ml.graph import to_json
from airflow_ml.registry.sealed_json import sealed_text
from airflow_ml.translation.airflow_settings import inherited_settings

if TYPE_CHECKING:
    from airflow_ml.graph import Graph
    from airflow_ml.registry import Registry, RunRecord

__all__ = ["GRAPH_FILE", "start"]

#: Name inside the folder of an embedded run.
GRAPH_FILE = "graph.json"

#: Processes that this one has started and that had not ended when it last started one.
_drivers: list[subprocess.Popen[bytes]] = []


def start(registry: Registry, graph: Graph, run: RunRecord) -> None:
    """
    Start the process that drives the run, and return.

    It is in a session of its own: Ctrl-C at the submitter's terminal does not reach it, `PipelineRun.cancel` does.

    Raises:
        ServiceException: the process could not be started.
    """
    folder = driver_folder(registry, run.id)
    lock = lock_runner(registry, run.id)
    try:
        (folder / GRAPH_FILE).write_text(sealed_text(to_json(graph)), encoding="utf-8")
        with (folder / RUNNER_LOG_FILE).open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "airflow_ml.translation.embedded", str(folder), run.id],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=Path.cwd(),
                env=inherited_settings(),
                pass_fds=(lock,),
                start_new_session=True,
            )
        # Kept, because Python warns of a process whose object goes before it; those that ended are taken off the list.
        _drivers[:] = [*(driver for driver in _drivers if driver.poll() is None), process]
    except OSError as error:
        raise ServiceException(f"run {run.id}: its process could not be started: {error}", error) from error
    finally:
        os.close(lock)
