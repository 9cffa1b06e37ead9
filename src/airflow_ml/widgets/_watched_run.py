"""What is shown of a run: plain data, with v1's names where its widget had one (`RunDetails.get_widget_data`)."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from airflow_ml.core._run_output import page_of
from airflow_ml.exceptions import UserErrorException
from airflow_ml.pipeline.core.run import PipelineRun

if TYPE_CHECKING:
    from airflow_ml.core.run import Run
    from airflow_ml.registry import RunRecord

__all__ = ["WatchedRun"]

#: Rows of a run with very many steps or children; the widget says how many are left out.
_MOST_ROWS = 200


class WatchedRun:
    """A run that is looked at again and again; what has ended is read once."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._finished: dict[str, dict[str, Any]] = {}
        self._planned: dict[str, str] | None = None

    def read(self) -> tuple[dict[str, Any], bool]:
        """Return the widget's data as of now, and whether the run has ended, so that they never change again."""
        record = self._run._record  # before the children, so that an ended run has all of theirs
        rows = self._child_rows(record)
        data = {
            **_describe(self._run, record),
            "workbench_run_details_uri": _page(self._run, record),
            "child_runs": rows[:_MOST_ROWS],
            "child_run_count": len(rows),
            "error": None if record.error is None else str(record.error.get("message", "")),
            "run_properties": {
                "run_id": record.id,
                "created_utc": record.created_at.isoformat(),
                "properties": dict(record.properties),
                "tags": dict(record.tags),
                "run_number": record.number,
            },
            "widget_settings": {},
            "loading": False,
        }
        return data, record.is_final

    def _child_rows(self, record: RunRecord) -> list[dict[str, Any]]:
        if not isinstance(self._run, PipelineRun):
            return [self._row(child) for child in reversed([*self._run.get_children()])]
        started = {step._node_id: self._row(step) for step in reversed([*self._run.get_steps()])}
        planned = self._planned_steps()
        # In the pipeline's order; steps of operators written by hand in that of their start.
        rows = [started.get(node) or _not_started(name, record) for node, name in planned.items()]
        return [*rows, *(row for node, row in started.items() if node not in planned)]

    def _planned_steps(self) -> dict[str, str]:
        """Return the names of the pipeline's steps by their ids; empty for operators written by hand."""
        if self._planned is None:
            assert isinstance(self._run, PipelineRun)
            try:
                self._planned = {step.id: step.name for step in self._run.get_graph().steps}
            except UserErrorException:
                self._planned = {}
        return self._planned

    def _row(self, child: Run) -> dict[str, Any]:
        row = self._finished.get(child.id)
        if row is None:
            record = child._record
            row = {**_describe(child, record), "log_files": dict(child.get_details().get("logFiles", {}))}
            row["uri"] = _page(child, record)
            if record.is_final:
                self._finished[child.id] = row
        return row


def _describe(run: Run, record: RunRecord) -> dict[str, Any]:
    return {
        "run_id": record.id,
        "name": record.display_name or record.name,
        "status": run.get_status(),
        "start_time": None if record.started_at is None else record.started_at.isoformat(),
        "end_time": None if record.ended_at is None else record.ended_at.isoformat(),
        "duration": _duration(record.started_at, record.ended_at),
        "run_metrics": run.get_metrics(),
        "is_reused": "Yes" if record.properties.get("azureml.isreused") == "true" else "",  # v1's two words
    }


def _page(run: Run, record: RunRecord) -> str | None:
    """Return the run's page; None if there is none, or if its server's address is not known."""
    page = page_of(run, record)
    return page if page is not None and page.startswith("http") else None


def _not_started(name: str, parent: RunRecord) -> dict[str, Any]:
    return {
        "run_id": None,
        "name": name,
        "status": "" if parent.is_final else "NotStarted",
        "start_time": None,
        "end_time": None,
        "duration": "",
        "run_metrics": {},
        "is_reused": "",
        "log_files": {},
        "uri": None,
    }


def _duration(started: datetime | None, ended: datetime | None) -> str:
    """Return the time between the two, or until now, as v1 wrote it: `0:01:05`."""
    if started is None:
        return ""
    seconds = int(((ended or datetime.now(timezone.utc)) - started).total_seconds())
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
