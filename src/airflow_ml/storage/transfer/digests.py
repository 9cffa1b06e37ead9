"""Digests of files whose parts come in any order, read again in order while others are still on their way."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

__all__ = ["OrderedDigest", "digest_of", "digest_of_file"]


def _new_digest(algorithm: str) -> hashlib._Hash:
    return hashlib.md5(usedforsecurity=False) if algorithm == "md5" else hashlib.sha256()


def digest_of(content: bytes, like: str) -> str:
    """Return the digest of bytes in the form of `FileInfo.digest`, by the algorithm of another such digest."""
    algorithm = like.partition(":")[0]
    digest = _new_digest(algorithm)
    digest.update(content)
    return f"{algorithm}:{digest.hexdigest()}"


def digest_of_file(place: Path, like: str) -> str:
    """Return the digest of a local file in the form of `FileInfo.digest`, by the algorithm of another such digest."""
    algorithm = like.partition(":")[0]
    digest = _new_digest(algorithm)
    with place.open("rb", buffering=0) as stream:
        while piece := stream.read(1 << 20):
            digest.update(piece)
    return f"{algorithm}:{digest.hexdigest()}"


class OrderedDigest:
    """
    The digest of a file in parts. No thread ever waits: whoever brings the next part takes in those that follow, too.

    Args:
        algorithm: `sha256` or `md5`.
        read: yields the pieces of a part that has arrived.
    """

    def __init__(self, algorithm: str, read: Callable[[int], Iterable[bytes]]) -> None:
        self._algorithm, self._read = algorithm, read
        self._digest = _new_digest(algorithm)
        self._lock = threading.Lock()
        self._there: set[int] = set()
        self._next = 0
        self._is_busy = False

    def add(self, indexes: Iterable[int]) -> None:
        """Take in parts that have arrived."""
        with self._lock:
            self._there.update(indexes)
            if self._is_busy:
                return
            self._is_busy = True
        while (index := self._take()) is not None:
            for piece in self._read(index):
                self._digest.update(piece)

    def _take(self) -> int | None:
        with self._lock:
            if self._next not in self._there:
                self._is_busy = False
                return None
            self._there.discard(self._next)
            self._next += 1
            return self._next - 1

    def result(self) -> str:
        """Return the digest in the form of `FileInfo.digest`, when `add` has returned for every part."""
        return f"{self._algorithm}:{self._digest.hexdigest()}"
