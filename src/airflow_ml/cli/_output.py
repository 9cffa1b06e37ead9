"""
How commands print with `--json`: one JSON object on standard output, nothing else.

Things are listed below the plural of what they are (`{"runs": [...]}`); what is said about one thing are the object's
own members. An error is `{"error": {"type": ..., "message": ...}}` on standard error, in one line.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from airflow_ml.graph import Json

__all__ = ["time_text", "timestamp", "write_error", "write_json"]


def write_json(document: Mapping[str, Json]) -> None:
    """Print a document."""
    import json  # not before there is something to print: most commands never do

    sys.stdout.write(json.dumps(document, indent=1, default=str) + "\n")


def write_error(error: Exception, *, as_json: bool) -> None:
    """Print an error of ours in one line."""
    message = " ".join(str(error).split())
    if as_json:
        import json

        sys.stderr.write(json.dumps({"error": {"type": type(error).__name__, "message": message}}) + "\n")
    else:
        sys.stderr.write(f"airflow-ml: {message}\n")


def timestamp(moment: datetime | None) -> str | None:
    """Return a moment as JSON documents hold it."""
    return None if moment is None else moment.isoformat()


def time_text(moment: datetime | None) -> str:
    """Return a moment as tables show it: local time, to the minute."""
    return "" if moment is None else moment.astimezone().strftime("%Y-%m-%d %H:%M")
