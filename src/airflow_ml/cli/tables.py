"""Tables of runs and steps, as plain text."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING, TextIO

from airflow_ml.exceptions import UserErrorException

if TYPE_CHECKING:
    from airflow_ml.graph import Json
    from airflow_ml.pipeline.core.run import PipelineRun, StepRun

__all__ = ["duration", "print_fields", "print_run_table", "print_table", "size_text"]

_HEADER = ("step", "state", "seconds", "metrics", "outputs")


def print_run_table(run: PipelineRun, file: TextIO | None = None) -> None:
    """
    Print what became of a pipeline's run: a line about it, then a row per step in the pipeline's order.

    The columns are step, state (with `reused` for a step that took an earlier result), seconds, metrics and outputs; an
    output is shown as `name = datastore:path`.

    Args:
        file: standard output unless given.
    """
    out = sys.stdout if file is None else file
    details = run.get_details()
    out.write(f"run {run.id} of experiment {run.experiment.name!r}: {run.get_status()}\n")
    if "error" in details:
        out.write(f"{details['error']['error'].get('message', '')}\n")
    out.write("\n")
    print_table(_HEADER, [_row(name, step) for name, step in _steps(run)], out)


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]], file: TextIO) -> None:
    """Print columns under each other; a cell may have several lines."""
    cells = [[cell.splitlines() or [""] for cell in row] for row in (header, *rows)]
    widths = [max(len(line) for row in cells for line in row[column]) for column in range(len(header))]
    cells.insert(1, [["-" * width] for width in widths])
    for row in cells:
        for number in range(max(len(cell) for cell in row)):
            lines = [cell[number] if number < len(cell) else "" for cell in row]
            text = "  ".join(line.ljust(width) for line, width in zip(lines, widths, strict=True))
            file.write(f"{text.rstrip()}\n")


def duration(started: datetime | None, ended: datetime | None) -> str:
    """Return the time between the two, or until now, as `3.2 s`, `2:05` or `1:02:05`; empty if it has not started."""
    if started is None:
        return ""
    seconds = ((ended or datetime.now(timezone.utc)) - started).total_seconds()
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _steps(run: PipelineRun) -> list[tuple[str, StepRun | None]]:
    """Return the pipeline's steps in their order with the newest run of each; None for one that was not started."""
    records = run.experiment.workspace.registry().runs.steps(run.id)
    nodes = {record.id: record.node_id or "" for record in records}
    runs = {nodes[step.id]: step for step in reversed([*run.get_steps()]) if step.id in nodes}
    try:
        steps = {step.id: step.name for step in run.get_graph().steps}
    except UserErrorException:  # operators written by hand have no common graph
        steps = {}
    names = steps | {node: step.name for node, step in runs.items() if node not in steps}
    return [(name, runs.get(node)) for node, name in names.items()]


def _row(name: str, step: StepRun | None) -> Sequence[str]:
    if step is None:
        return name, "NotStarted", "", "", ""
    details = step.get_details()
    times = [_time(details.get(key)) for key in ("startTimeUtc", "endTimeUtc")]
    metrics = "\n".join(f"{metric} = {_short(value)}" for metric, value in step.get_metrics().items())
    outputs = "\n".join(_place(step, output) for output in step.get_outputs())
    state = f"{step.get_status()}{', reused' if step._is_reused else ''}"
    return name, state, _seconds(*times), metrics, outputs


def _time(text: str | None) -> datetime | None:
    # Python 3.10 does not read the Z.
    return None if text is None else datetime.fromisoformat(text.replace("Z", "+00:00"))


def _seconds(started: datetime | None, ended: datetime | None) -> str:
    if started is None:
        return ""
    return f"{((ended or datetime.now(timezone.utc)) - started).total_seconds():.1f}"


def _place(step: StepRun, output: str) -> str:
    place = step.get_output_data(output)
    return f"{output} = {place.datastore_name}:{place.path_on_datastore}"


def _short(value: Json) -> str:
    """Return a metric in a few words: the last value of a series, the columns of a table."""
    if isinstance(value, Mapping):
        return f"table of {', '.join(value)}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return f"{_short(value[-1])} (last of {len(value)})" if value else "no values"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def size_text(count: float) -> str:
    """Return a number of bytes in the unit that fits it."""
    units = iter(("bytes", "KB", "MB", "GB", "TB"))
    unit = next(units)
    while count >= 1000 and (larger := next(units, None)):
        count, unit = count / 1000, larger
    return f"{count:,.0f} {unit}" if unit == "bytes" else f"{count:,.1f} {unit}"


def print_fields(fields: Mapping[str, Json], file: TextIO) -> None:
    """Print one thing's facts under each other; what it does not have is left out."""
    shown = {name: value for name, value in fields.items() if value not in (None, "", {}, [])}
    width = max((len(name) for name in shown), default=0) + 1
    for name, value in shown.items():
        text = ", ".join(f"{key} = {item}" for key, item in value.items()) if isinstance(value, Mapping) else str(value)
        file.write(f"{name.replace('_', ' ') + ':':<{width}}  {text}\n")
