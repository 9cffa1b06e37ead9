"""Delimited files that are packed: known by their names, as pandas knows them, and unpacked while they are parsed."""

from __future__ import annotations

from contextlib import contextmanager

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["packing_of", "unpacking"]

#: pandas' words by the ends of names; the first that fits counts.
_PACKINGS = {
    ".tar": "tar",
    ".tar.gz": "tar",
    ".tar.bz2": "tar",
    ".tar.xz": "tar",
    ".gz": "gzip",
    ".bz2": "bz2",
    ".zip": "zip",
    ".xz": "xz",
    ".zst": "zstd",
}


def packing_of(path: str) -> str | None:
    """
    Return how a file is packed, in pandas' words; None if it is not.

    pandas guesses from paths, and what comes from a store has another path here than there.
    """
    name = path.lower()
    return next((packing for end, packing in _PACKINGS.items() if name.endswith(end)), None)


@contextmanager
def unpacking(packing: str | None) -> Iterator[None]:
    """Have a file that is packed otherwise, or cut, be a ValueError, as other errors of content are."""
    if packing is None:
        yield
        return
    import lzma
    import tarfile
    import zipfile
    import zlib

    broken = (EOFError, OSError, zlib.error, lzma.LZMAError, tarfile.TarError, zipfile.BadZipFile)
    try:
        yield
    except broken as exc:
        raise ValueError(f"by its name it is packed ({packing}), and it cannot be unpacked: {exc}") from exc
