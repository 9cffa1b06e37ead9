"""Columns that are taken out of the paths of a dataset's files (`partition_format`)."""

from __future__ import annotations

import datetime
import re

from airflow_ml.exceptions import UserErrorException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["PartitionFormat"]

_PLACE = re.compile(r"\{([^{}:]+)(?::([^{}]+))?\}")
_TIME_PART = re.compile(r"yyyy|MM|dd|HH|mm|ss")
_TIME_FIELDS = {"yyyy": "year", "MM": "month", "dd": "day", "HH": "hour", "mm": "minute", "ss": "second"}


class PartitionFormat:
    """
    A partition format such as `{region}/{day:yyyy/MM/dd}/data.csv`, ready to match paths.

    It covers a path from any folder down to the very end, file name included; `*` stands for any characters but `/`.
    A plain place gives a text column, one with a time pattern a datetime column. Folders before the first place may be
    those that lie above the dataset, whose paths here begin below them.

    Raises:
        UserErrorException: it names no column, one twice, or has a time pattern without a year.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._columns: list[tuple[str, list[str]]] = []
        top, slash, rest = _top_folders(text.lstrip("/"))
        pattern, end = "", 0
        for place in _PLACE.finditer(rest):
            pattern += _literal(rest[end : place.start()]) + self._place(place.group(1), place.group(2))
            end = place.end()
        folders = top.split("/") if slash else []
        below = [
            "^" + _literal("".join(f"{name}/" for name in folders[number:])) for number in range(1, len(folders) + 1)
        ]
        begin = "|".join(["(?:^|/)" + _literal(top + slash), *below])
        self._pattern = re.compile(f"(?:{begin}){pattern}{_literal(rest[end:])}$")
        if not self.names or len(set(self.names)) < len(self.names):
            raise UserErrorException(f"partition format {text!r}: expected at least one {{column}}, and none twice")

    @property
    def names(self) -> list[str]:
        """The columns in the format's order."""
        return [name for name, _ in self._columns]

    def values(self, path: str) -> dict[str, Any]:
        """
        Return the columns' values for a file.

        Raises:
            UserErrorException: the path does not fit the format, or holds no such date.
        """
        match = self._pattern.search(path.lstrip("/"))
        if match is None:
            raise UserErrorException(f"file {path!r}: does not fit the partition format {self._text!r}")
        groups = iter(match.groups())
        values: dict[str, Any] = {}
        for name, fields in self._columns:
            if not fields:
                values[name] = next(groups)
                continue
            numbers = {"month": 1, "day": 1, **{field: int(next(groups)) for field in fields}}
            try:
                values[name] = datetime.datetime(**numbers)  # type: ignore[arg-type]  # noqa: DTZ001 - v1: no zone
            except ValueError as exc:
                raise UserErrorException(f"file {path!r}: {name!r} of {self._text!r} is no date: {exc}", exc) from exc
        return values

    def _place(self, name: str, time_pattern: str | None) -> str:
        if time_pattern is None:
            self._columns.append((name, []))
            return "([^/]+)"
        fields = [_TIME_FIELDS[part] for part in _TIME_PART.findall(time_pattern)]
        if "year" not in fields:
            raise UserErrorException(
                f"partition format {self._text!r}: {time_pattern!r} of {name!r} has no year; expected one such as "
                "yyyy/MM/dd/HH/mm/ss"
            )
        self._columns.append((name, fields))
        pieces = re.split(f"({_TIME_PART.pattern})", time_pattern)
        return "".join(f"(\\d{{{len(piece)}}})" if piece in _TIME_FIELDS else re.escape(piece) for piece in pieces)


def _top_folders(text: str) -> tuple[str, str, str]:
    """Return the folders before the first place, the slash behind them, and the rest."""
    place = _PLACE.search(text)
    top, slash, _ = text[: place.start() if place else len(text)].rpartition("/")
    return top, slash, text[len(top) + len(slash) :]


def _literal(text: str) -> str:
    return "[^/]*".join(re.escape(piece) for piece in text.split("*"))
