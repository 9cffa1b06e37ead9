"""How a run looks: as HTML in a notebook, as text in a terminal."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

__all__ = ["as_html", "as_text"]

_HEADER = ("step", "state", "duration", "metrics", "log")
#: Readable on a notebook's light and dark ground.
_COLOURS = {"Finished": "#2e7d32", "Completed": "#2e7d32", "Failed": "#c62828", "Running": "#1565c0"}
_CELL = 'style="text-align:left;padding:2px 12px 2px 0;vertical-align:top"'


def as_html(data: Mapping[str, Any]) -> str:
    """Return the widget's data as a heading and a table; every text of the user is escaped."""
    name = html.escape(f"{data['name']} ({data['run_id']})")
    page = data["workbench_run_details_uri"]
    title = name if page is None else _link(page, name)
    lines = [f"<div><b>{title}</b> {_state(data['status'])} {data['duration']}</div>"]
    if data["error"]:
        lines.append(f"<div><pre>{html.escape(data['error'])}</pre></div>")
    if data["run_metrics"]:
        lines.append(f"<div>{html.escape(_metrics(data))}</div>")
    if data["child_runs"]:
        head = "".join(f"<th {_CELL}>{word}</th>" for word in _HEADER)
        body = "".join(f"<tr>{_html_row(child)}</tr>" for child in data["child_runs"])
        lines.append(f"<table><tr>{head}</tr>{body}</table>")
    left_out = _left_out(data)
    return "".join(lines) + (f"<div>{left_out}</div>" if left_out else "")


def as_text(data: Mapping[str, Any]) -> str:
    """Return the widget's data as lines."""
    lines = [f"{data['name']} ({data['run_id']})  {data['status']}  {data['duration']}".rstrip()]
    lines += [line for line in (data["workbench_run_details_uri"], data["error"], _metrics(data)) if line]
    rows = [_HEADER, *(_text_row(child) for child in data["child_runs"])]
    if len(rows) > 1:
        widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADER))]
        lines.append("")
        lines += [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
        ]
    return "\n".join([*lines, *filter(None, [_left_out(data)])])


def _html_row(child: Mapping[str, Any]) -> str:
    name = html.escape(child["name"])
    cells = [
        name if child["uri"] is None else _link(child["uri"], name),
        _state(child["status"]) + _reused(child),
        child["duration"],
        html.escape(_metrics(child)),
        # A notebook's page may not open files of the machine, so the place is shown as text.
        html.escape(_log(child)),
    ]
    return "".join(f"<td {_CELL}>{cell}</td>" for cell in cells)


def _text_row(child: Mapping[str, Any]) -> tuple[str, ...]:
    return child["name"], child["status"] + _reused(child), child["duration"], _metrics(child), _log(child)


def _reused(child: Mapping[str, Any]) -> str:
    return ", reused" if child["is_reused"] else ""


def _metrics(run: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {_short(value)}" for name, value in run["run_metrics"].items())


def _short(value: object) -> str:
    """Return a metric in few letters: of a series the newest value, of a table its kind."""
    if isinstance(value, list) and value:
        return _short(value[-1])
    if isinstance(value, float):
        return f"{value:.4g}"
    return "(table)" if isinstance(value, (dict, list)) else str(value)


def _log(child: Mapping[str, Any]) -> str:
    files: Mapping[str, str] = child["log_files"]
    return files.get("user_logs/std_log.txt") or next(iter(files.values()), "")


def _state(status: str) -> str:
    return f'<span style="color:{_COLOURS.get(status, "inherit")}">{html.escape(status)}</span>'


def _link(address: str, text: str) -> str:
    return f'<a href="{html.escape(address)}" target="_blank" rel="noopener">{text}</a>'


def _left_out(data: Mapping[str, Any]) -> str:
    count = data["child_run_count"] - len(data["child_runs"])
    return f"and {count} more" if count else ""
