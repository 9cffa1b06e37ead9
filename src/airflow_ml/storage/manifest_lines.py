"""
Going through a manifest and through what lies in its place, file by file, without holding either.

Both come in the order of the paths, so that one pass compares them (`airflow_ml.reuse.verification`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

from airflow_ml.storage.manifests import Manifest, ManifestError, ManifestFile, blank_manifest
from airflow_ml.storage.protocol import FileInfo, ReadableStore

__all__ = ["OpenManifest", "list_output", "open_manifest"]


@dataclass(frozen=True)
class OpenManifest:
    """
    A manifest that is being read.

    Attributes:
        blank: the manifest without its files.
        files: in the order of their paths; to be gone through once.
    """

    blank: Manifest
    files: Iterator[ManifestFile]


@contextmanager
def open_manifest(store: ReadableStore, path: str) -> Iterator[OpenManifest]:
    """
    Open the manifest at a path for reading it file by file.

    Raises:
        FileNotFoundError: there is none, or an empty one, which a crash on a file system without links leaves.
        ManifestError: it is none, here or while the files are gone through.
    """
    with store.open_read(path) as stream:
        first = stream.readline()
        if not first:
            raise FileNotFoundError(f"path {path!r}: the manifest is empty")
        if first.startswith(b'{"head": ') and first.endswith(b', "files": [\n'):
            with _readable(path):
                head = json.loads(first[: -len(b', "files": [\n')] + b"}")["head"]
                blank = blank_manifest(head)
            yield OpenManifest(blank, _files(stream, path))
        else:
            # Version 1, or ours in another layout.
            whole = Manifest.from_json((first + stream.read()).decode("utf-8", "replace"))
            yield OpenManifest(whole.with_files(()), iter(sorted(whole.files, key=lambda file: file.path)))


def _files(stream: BinaryIO, path: str) -> Iterator[ManifestFile]:
    with _readable(path):
        for line in stream:
            if line == b"]}\n":
                return
            if line.strip():
                yield ManifestFile.from_json(json.loads(line.rstrip(b",\n")))
        raise ValueError("it ends in the middle")


@contextmanager
def _readable(path: str) -> Iterator[None]:
    try:
        yield
    except (ValueError, KeyError, TypeError) as exc:
        raise ManifestError(f"manifest {path!r}: cannot be read ({exc!r}); something else changed it") from exc


def list_output(store: ReadableStore, manifest: Manifest) -> Iterator[FileInfo]:
    """Yield what lies in an output's place, in the order of the paths: more or less than the manifest lists."""
    if not manifest.is_file:
        yield from store.list(manifest.path)
        return
    try:
        yield store.stat(manifest.path)
    except FileNotFoundError:
        return
