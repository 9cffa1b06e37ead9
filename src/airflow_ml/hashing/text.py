"""
Line ends of source files, which git and editors change from machine to machine.

Only formats whose own readers take all three line ends for the same are in the list, so that nothing that is left out
of the digest can change a result. `.txt` and `.csv` are not: a script reads them as it likes.
"""

from __future__ import annotations

import hashlib

__all__ = ["TEXT_ENDINGS", "SourceHash", "is_text", "normalised"]

#: Python, notebooks, YAML, JSON, TOML and Markdown, in whatever case.
TEXT_ENDINGS = (".ipynb", ".json", ".markdown", ".md", ".py", ".pyi", ".toml", ".yaml", ".yml")


def is_text(path: str) -> bool:
    """Tell by its ending whether a file's line ends are of no meaning."""
    return path.lower().endswith(TEXT_ENDINGS)


def normalised(content: bytes) -> bytes:
    """Return the content with CRLF and CR as LF; content with a NUL byte as it is, for it may be UTF-16."""
    if b"\r" not in content or b"\0" in content:
        return content
    return content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


class SourceHash:
    """
    The sha256 of a source file's bytes, and that of its bytes with normalised line ends, fed piece by piece.

    Args:
        path: decides by its ending whether line ends count.
    """

    def __init__(self, path: str) -> None:
        self._bytes = hashlib.sha256()
        #: From the first CR on; before it both digests are the same.
        self._text: hashlib._Hash | None = None
        self._normalises = is_text(path)
        self._after_cr = False

    def update(self, piece: bytes) -> None:
        """Take the next bytes."""
        if self._normalises:
            if b"\0" in piece:
                self._normalises, self._text = False, None
            elif self._text is not None or b"\r" in piece:
                self._update_text(piece)
        self._bytes.update(piece)

    def _update_text(self, piece: bytes) -> None:
        if self._text is None:
            self._text = self._bytes.copy()
        # A pair may be torn: its CR was counted as a line end when the piece before this one ended.
        self._text.update(normalised(piece[1:] if self._after_cr and piece.startswith(b"\n") else piece))
        self._after_cr = piece.endswith(b"\r") if piece else self._after_cr

    @property
    def sha256(self) -> str:
        """Of the bytes so far."""
        return self._bytes.hexdigest()

    @property
    def source_sha256(self) -> str:
        """Of the bytes so far with normalised line ends where the ending says so; else the same as `sha256`."""
        return self.sha256 if self._text is None else self._text.hexdigest()
