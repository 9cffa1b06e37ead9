"""Pages as HTML: templates in `templates/`, everything escaped, without scripts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

if TYPE_CHECKING:
    from fastapi import Request

    from airflow_ml.graph import Json

__all__ = ["render"]

#: Longest value of a table's cell; JSON has the whole.
_CELL = 1000

_HEADERS = {
    # The page needs no script, so a text that finds a way around escaping cannot run one either.
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; base-uri 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


def render(request: Request, template: str, document: Mapping[str, Json], status: int = 200) -> HTMLResponse:
    """Return a page; links in it keep the path under which Airflow itself is reached."""
    here = str(request.scope.get("root_path", ""))
    body = _templates.get_template(template).render(document, here=here, airflow=here.rpartition("/")[0])
    return HTMLResponse(body, status, _HEADERS)


def _moment(text: str | None) -> str:
    """Write a time as `2026-11-23 18:05:01`."""
    return "" if text is None else datetime.fromisoformat(text).strftime("%Y-%m-%d %H:%M:%S")


def _duration(seconds: float | None) -> str:
    """Write a duration as `0.4 s`, `12 s`, `3 min 05 s` or `2 h 10 min`."""
    if seconds is None:
        return ""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if not minutes:
        return f"{rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"


def _size(size: float) -> str:
    """Write a number of bytes as `12 B`, `3.4 KiB`, ..."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"


def _value(value: Json) -> str:
    """Write a value as text; what is too long for a table is cut."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _CELL else f"{text[:_CELL]} ..."


def _path(text: str) -> str:
    """Return a text as one part of an address's path."""
    return quote(text, safe="")


_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True, undefined=StrictUndefined
)
_templates.filters.update(moment=_moment, duration=_duration, size=_size, value=_value, path=_path)
