"""What is found in files and folders, as one report: a text for people, or JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_ml.check.differences import PAGE, Difference, plain
from airflow_ml.check.findings import Finding, State
from airflow_ml.check.reading import read_piece
from airflow_ml.check.sources import Piece, find_files, read_pieces

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_ml.graph import Json

__all__ = ["Report", "check_paths"]

_STATES: tuple[State, ...] = ("works", "differs", "not there", "unreadable")


@dataclass(frozen=True)
class Report:
    """
    All findings, file by file in the order of the code.

    Attributes:
        files: how many were read.
    """

    findings: tuple[Finding, ...]
    files: int

    @property
    def counts(self) -> dict[State, int]:
        """How many findings there are of each state."""
        counted = Counter(finding.state for finding in self.findings)
        return {state: counted[state] for state in _STATES}

    @property
    def is_movable(self) -> bool:
        """Whether everything is there, and could be read."""
        return not self.counts["not there"] and not self.counts["unreadable"]

    def to_data(self) -> dict[str, Json]:
        """Return the report as JSON."""
        findings: list[Json] = [finding.to_data() for finding in self.findings]
        return {
            "files": self.files,
            "counts": {str(state): count for state, count in self.counts.items()},
            "findings": findings,
        }

    def lines(self, *, with_working: bool = True) -> Iterator[str]:
        """Return the report as text: a line a finding, each difference once behind them, and a summary."""
        shown = [finding for finding in self.findings if with_working or finding.state != "works"]
        numbers = _numbered(shown)
        width = max((len(str(finding.place)) for finding in shown), default=0)
        for finding in shown:
            yield f"{finding.place!s:<{min(width, 60)}}  {finding.state:<9}  {finding.what}{_tail(finding, numbers)}"
        if numbers:
            yield ""
            yield f"How they differ ({PAGE}):"
            yield from (f"[{number}] {plain(row.names)}: {plain(row.note)}" for row, number in numbers.items())
        if shown:
            yield ""
        yield self._sum()

    def _sum(self) -> str:
        counts = self.counts
        total = sum(counts.values()) - counts["unreadable"]
        files = f"{self.files} {'file' if self.files == 1 else 'files'}"
        if not total and not counts["unreadable"]:
            return f"{files}: no call of the Azure ML SDK v1"
        parts = [f"{counts['works']} work", f"{counts['differs']} differ", f"{counts['not there']} are not there"]
        unread = f"; {counts['unreadable']} could not be read" if counts["unreadable"] else ""
        return f"{files}, {total} uses of v1: {', '.join(parts)}{unread}"


def check_paths(paths: Iterable[str]) -> Report:
    """
    Return what scripts, notebooks and folders of such use of v1.

    Raises:
        UserErrorException: a path is not there.
    """
    files = find_files(paths)
    return Report(tuple(finding for file in files for finding in _findings(file)), len(files))


def _findings(file: Path) -> Iterator[Finding]:
    found: list[Finding] = []
    for piece in read_pieces(file):
        if isinstance(piece, Piece):
            found += read_piece(piece)
        else:
            found.append(Finding(piece.place, "code", "unreadable", piece.why))
    yield from sorted(found, key=lambda finding: (finding.place.cell or 0, finding.place.line))


def _numbered(findings: Iterable[Finding]) -> dict[Difference, int]:
    """Give each row of the page a number, in the order of their first uses."""
    rows = dict.fromkeys(finding.difference for finding in findings if finding.state == "differs")
    return {row: number for number, row in enumerate((row for row in rows if row is not None), start=1)}


def _tail(finding: Finding, numbers: dict[Difference, int]) -> str:
    number = None if finding.difference is None else numbers.get(finding.difference)
    reference = "" if number is None else f" [{number}]"
    said = "; ".join(text for text in (finding.text, finding.instead) if text)
    return f"{reference}{': ' if said else ''}{said}"
