"""
JSON by the interpreter's own C functions, without the regular expressions that `import json` loads.

That halves what the library adds to a script's start: reading the context and writing metrics need no more. Where the
functions are missing (PyPy) or have changed, `json` itself does it.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["dumps", "loads"]


class _Settings:
    """What the C scanner asks of its decoder: Python's defaults."""

    strict = True
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = float
    memo: dict[str, str] = {}  # noqa: RUF012 - the scanner keeps nothing in it between texts


def _refuse(value: object) -> Any:
    raise TypeError(f"{type(value).__name__} {value!r:.80} has no JSON form")


def dumps(value: Any) -> str:
    """Return a value as JSON in one line of ASCII."""
    if _encode is None:
        import json

        return json.dumps(value)
    return "".join(_encode(value, 0))


def loads(text: str) -> Any:
    """Return the value of a JSON text; raises ValueError."""
    if _scan is not None:
        try:
            value, end = _scan(text, len(text) - len(text.lstrip()))
            if not text[end:].strip():
                return value
        except (StopIteration, SystemError, ValueError):
            # The C scanner cannot raise its errors by itself: json tells what is wrong.
            pass
    import json

    return json.loads(text)


_encode: Any = None
_scan: Any = None
try:
    import _json

    _encode = _json.make_encoder(None, _refuse, _json.encode_basestring_ascii, None, ": ", ", ", False, False, True)
    _scan = _json.make_scanner(_Settings)  # type: ignore[arg-type]  # any object will do
except (ImportError, AttributeError, TypeError):
    _encode = _scan = None
