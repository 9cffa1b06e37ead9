"""
Pages as HTML: templates in `templates/`, everything escaped, scripts and styles from `static/` alone.

A page says the same as its JSON form. The scripts keep it up to date, draw charts and take over Airflow's colours;
without them it is complete.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from fastapi.responses import HTMLResponse, JSONResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

if TYPE_CHECKING:
    from fastapi import Request, Response

    from airflow_ml.graph import Json

__all__ = ["STATIC", "answer", "render", "wants_json"]

#: Scripts, styles, and the chart library.
STATIC = Path(__file__).parent / "static"

#: Longest value of a table's cell; JSON has the whole.
_CELL = 1000

#: A text that finds a way around escaping can neither run a script nor send anything anywhere; no other site may show
#: the page in a frame, and Airflow does.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'self'"
)

_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


def wants_json(request: Request, format: str | None = None) -> bool:  # noqa: A002 - the name in the query
    """Return whether the answer is to be JSON; `format` of the query decides before the Accept header does."""
    if format is not None:
        return format == "json"
    accepted = request.headers.get("accept", "")
    return "application/json" in accepted and "text/html" not in accepted


def answer(request: Request, template: str, document: Mapping[str, Json]) -> Response:
    """Return a page, or its document as JSON if that was asked for."""
    if wants_json(request, request.query_params.get("format")):
        return JSONResponse(dict(document), headers={"Cache-Control": "no-store"})
    return render(request, template, document)


def render(request: Request, template: str, document: Mapping[str, Json], status: int = 200) -> HTMLResponse:
    """Return a page; links in it keep the path under which Airflow itself is reached."""
    here = str(request.scope.get("root_path", ""))
    body = _templates.get_template(template).render(
        document, here=here, airflow=here.rpartition("/")[0], assets=_assets_version(), query=_query_of(request)
    )
    return HTMLResponse(body, status, _HEADERS)


@cache
def _assets_version() -> str:
    """Return what changes with any script or style, so that browsers may keep them."""
    digest = hashlib.sha256()
    for file in sorted(STATIC.rglob("*")):
        digest.update(file.read_bytes() if file.is_file() else b"")
    return digest.hexdigest()[:12]


def _query_of(request: Request) -> dict[str, str]:
    return dict(request.query_params)


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


def _number(value: Json) -> str:
    """Write a number with as many digits as people compare; anything else as text."""
    return f"{value:.6g}" if isinstance(value, float) else _value(value)


def _share(part: int, whole: int) -> str:
    """Write a share as `75 %`; nothing of nothing."""
    return f"{round(100 * part / whole)} %" if whole else ""


def _path(text: str) -> str:
    """Return a text as one part of an address's path."""
    return quote(text, safe="")


def _pretty(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


def _parameters(values: Mapping[str, object]) -> str:
    """Return an address's query; what is None or empty is left out."""
    return urlencode({name: value for name, value in values.items() if value not in (None, "")}, doseq=True)


_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.filters.update(
    moment=_moment,
    duration=_duration,
    size=_size,
    value=_value,
    number=_number,
    share=_share,
    path=_path,
    pretty=_pretty,
    data=json.dumps,
    parameters=_parameters,
)
