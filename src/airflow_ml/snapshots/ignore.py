"""
Which files of a source directory stay out of its snapshot: git's ignore rules.

The root's `.amlignore` counts, or its `.gitignore` if there is none; they are never merged, and ignore files further
down mean nothing (v1 rules). Before them come the built-in patterns below, which a `!` line of the file can take back;
`.git` alone never gets in.

The patterns are matched here and not by a library: for one in ten generated pattern lists pathspec 1.1 decides
otherwise than git (a negation that matches a folder's name brings back files below it that are ignored for their own
name), and a snapshot must hold what `git check-ignore` says. Matching goes by bytes, as git's does.
"""

from __future__ import annotations

import hashlib
import re
import string
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from airflow_ml.exceptions import SnapshotException

__all__ = ["BUILT_IN_PATTERNS", "IgnoreRules", "read_ignore_rules"]

#: What nobody means to run: caches, checkpoints, and environments that made up most of the snapshots over the limit.
BUILT_IN_PATTERNS = ("__pycache__/", ".ipynb_checkpoints/", ".venv/", "*.ipynb.amltmp")

_NEVER = b"(?!)"
_POSIX_CLASSES = {
    b"alnum": string.ascii_letters + string.digits,
    b"alpha": string.ascii_letters,
    b"blank": " \t",
    b"cntrl": "".join(map(chr, range(32))) + "\x7f",
    b"digit": string.digits,
    b"graph": string.ascii_letters + string.digits + string.punctuation,
    b"lower": string.ascii_lowercase,
    b"print": string.ascii_letters + string.digits + string.punctuation + " ",
    b"punct": string.punctuation,
    b"space": string.whitespace,
    b"upper": string.ascii_uppercase,
    b"xdigit": string.hexdigits,
}


@dataclass(frozen=True)
class _Pattern:
    regex: re.Pattern[bytes]
    is_negated: bool
    only_folders: bool
    by_name: bool


class IgnoreRules:
    """
    The lines of an ignore file, ready to be asked.

    Args:
        lines: as in a `.gitignore`, without line ends; later ones win.
    """

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = [line.encode("utf-8", "surrogateescape") for line in lines]

    @cached_property
    def digest(self) -> str:
        """Equal for the same lines."""
        return hashlib.sha256(b"\n".join(self._lines)).hexdigest()

    @cached_property
    def _latest_first(self) -> list[_Pattern]:
        # Made when first asked: of a directory that has not changed nothing is asked.
        parsed = [_parse(line) for line in reversed(self._lines)]
        return [pattern for pattern in parsed if pattern is not None]

    def ignores(self, path: str, *, is_folder: bool) -> bool:
        """
        Tell whether this very file or folder is ignored.

        Who asks goes from the top down and does not enter ignored folders: as in git, nothing below one comes back.
        """
        whole = path.encode("utf-8", "surrogateescape")
        name = whole.rpartition(b"/")[2]
        if name == b".git":
            return True
        for pattern in self._latest_first:
            if pattern.only_folders and not is_folder:
                continue
            if pattern.regex.fullmatch(name if pattern.by_name else whole):
                return not pattern.is_negated
        return False

    def leaves_out(self, path: str) -> bool:
        """Tell whether a file, or a folder above it, is ignored."""
        parts = path.split("/")
        folders = ("/".join(parts[:depth]) for depth in range(1, len(parts)))
        return any(self.ignores(folder, is_folder=True) for folder in folders) or self.ignores(path, is_folder=False)


def read_ignore_rules(root: Path) -> IgnoreRules:
    """
    Return the rules for a source directory: the built-in ones, then those of its ignore file.

    Raises:
        SnapshotException: the ignore file is there and cannot be read.
    """
    for name in (".amlignore", ".gitignore"):
        try:
            text = (root / name).read_bytes().decode("utf-8", "surrogateescape")
        except FileNotFoundError:
            continue
        except OSError as exc:
            raise SnapshotException(f"source directory {str(root)!r}: {name} cannot be read: {exc.strerror}") from exc
        lines = text.removeprefix("\ufeff").split("\n")
        return IgnoreRules([*BUILT_IN_PATTERNS, *(line.removesuffix("\r") for line in lines)])
    return IgnoreRules(BUILT_IN_PATTERNS)


def _parse(line: bytes) -> _Pattern | None:
    if line.startswith(b"#"):
        return None
    line = _without_trailing_spaces(line)
    is_negated = line.startswith(b"!")
    line = line[is_negated:]
    only_folders = line.endswith(b"/")
    line = line[: len(line) - only_folders]
    if not line:
        return None
    by_name = b"/" not in line
    regex = re.compile(_translate(line.removeprefix(b"/"), by_name=by_name), re.DOTALL)
    return _Pattern(regex, is_negated, only_folders, by_name)


def _without_trailing_spaces(line: bytes) -> bytes:
    end = i = 0
    while i < len(line):
        i += 2 if line[i : i + 1] == b"\\" else 1
        if line[i - 1 : i] != b" " or line[i - 2 : i - 1] == b"\\":
            end = i
    return line[:end]


def _translate(pattern: bytes, *, by_name: bool) -> bytes:
    """Return the regular expression of one pattern, after git's `wildmatch`."""
    pieces: list[bytes] = []
    i = 0
    while i < len(pattern):
        char = pattern[i : i + 1]
        if char == b"*":
            piece, i = _stars(pattern, i, by_name=by_name)
        elif char == b"?":
            piece, i = b"[^/]", i + 1
        elif char == b"[":
            piece, i = _character_class(pattern, i + 1)
        elif char == b"\\":
            literal = pattern[i + 1 : i + 2]
            piece, i = re.escape(literal) if literal else _NEVER, i + 2
        else:
            piece, i = re.escape(char), i + 1
        pieces.append(piece)
    return b"".join(pieces)


def _stars(pattern: bytes, start: int, *, by_name: bool) -> tuple[bytes, int]:
    end = start
    while pattern[end : end + 1] == b"*":
        end += 1
    rest = pattern[end:]
    # git compares what stands before the first special character by itself, and matches from there as from a start.
    begins = pattern[start - 1 : start] in (b"", b"/") or not set(pattern[:start]) & set(b"*?[\\")
    stands_alone = begins and (not rest or rest.startswith((b"/", b"\\/")))
    if end - start == 1 or by_name or not stands_alone:
        return b"[^/]*", end
    if rest.startswith(b"/"):
        return b"(?:.*/)?", end + 1
    return b".*", end


def _character_class(pattern: bytes, i: int) -> tuple[bytes, int]:
    """Return the expression of a `[...]` whose content begins at `i`, and where the pattern goes on."""
    is_negated = pattern[i : i + 1] in (b"!", b"^")
    i += is_negated
    members: set[int] = set()
    previous: int | None = None
    first = True
    while first or pattern[i : i + 1] != b"]":
        first = False
        found, previous, i = _class_element(pattern, i, previous)
        if found is None:
            return _NEVER, len(pattern)
        members |= found
    allowed = (set(range(256)) - members if is_negated else members) - {ord("/")}
    expression = b"".join(b"\\x%02x" % member for member in sorted(allowed))
    return (b"[" + expression + b"]" if expression else _NEVER), i + 1


def _class_element(pattern: bytes, i: int, previous: int | None) -> tuple[set[int] | None, int | None, int]:
    """Return the bytes that one element adds (None: the class is broken), what a range may begin with, the next i."""
    char = pattern[i : i + 1]
    if char == b"[" and pattern[i + 1 : i + 2] == b":":
        end = pattern.find(b"]", i + 2)
        if end < 0:
            return None, None, i
        if end > i + 2 and pattern[end - 1 : end] == b":":
            named = _POSIX_CLASSES.get(pattern[i + 2 : end - 1])
            return (None if named is None else set(named.encode())), None, end + 1
    if char == b"-" and previous is not None and pattern[i + 1 : i + 2] not in (b"", b"]"):
        last, i = _literal(pattern, i + 1)
        return (None if last is None else set(range(previous, last + 1))), None, i
    literal, i = _literal(pattern, i)
    return (None if literal is None else {literal}), literal, i


def _literal(pattern: bytes, i: int) -> tuple[int | None, int]:
    if pattern[i : i + 1] == b"\\":
        i += 1
    return (pattern[i], i + 1) if i < len(pattern) else (None, i)
