"""
The manifest of an output: which files it consists of.

An output exists from the moment its manifest does. Manifests lie in the store beside the data, under
`.airflow_ml/manifests/<run id>/<output>.json`. They are JSON in which each file has a line of its own, so that a
million files can be gone through without holding them (`airflow_ml.storage.manifest_lines`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from airflow_ml.exceptions import ServiceException, UserErrorException
from airflow_ml.storage.protocol import PRIVATE_FOLDER, FileInfo, ReadableStore, join_path

__all__ = [
    "COMMITS_FOLDER",
    "MANIFESTS_FOLDER",
    "VERSION",
    "FilesDigest",
    "Manifest",
    "ManifestError",
    "ManifestFile",
    "blank_manifest",
    "commit_plan_path",
    "manifest_path",
    "read_manifest",
    "read_manifest_at",
]

#: Of the manifest's JSON form; readers refuse newer ones. Version 1 knew neither ETags nor identities and had its
#: files as objects.
VERSION = 2

#: Where manifests lie, in a folder per run.
MANIFESTS_FOLDER = f"{PRIVATE_FOLDER}/manifests"

#: Where commits note what they are about to move, until the manifest is there.
COMMITS_FOLDER = f"{PRIVATE_FOLDER}/commits"


class ManifestError(ServiceException):
    """A manifest cannot be read: it was damaged, or a later release wrote it."""


@dataclass(frozen=True)
class ManifestFile:
    """
    One file of an output.

    Attributes:
        path: relative to the output's path; "" where the output is this one file.
        etag: the store's, of the file in its place; "" where it was not kept (version 1, and plans of commits).
        identity: sha256 of what a normaliser made of the content; "" where none did.
    """

    path: str
    size: int
    sha256: str
    etag: str = ""
    identity: str = ""

    @property
    def content(self) -> tuple[str, int, str]:
        """Path, size and sha256: equal for equal files, wherever they lie."""
        return self.path, self.size, self.sha256

    @classmethod
    def from_json(cls, record: object) -> ManifestFile:
        """Read a file's record of either version; raises TypeError for what is none."""
        return cls(**record) if isinstance(record, dict) else cls(*_fields(record))


def _fields(record: object) -> list[Any]:
    if not isinstance(record, list) or not record or not isinstance(record[0], str):
        raise TypeError(f"{record!r} is no file of a manifest")
    return record


@dataclass(frozen=True)
class Manifest:
    """
    A committed output.

    Attributes:
        run_id: of the step run that wrote it.
        output: the output's name in that step.
        datastore: the name under which the workspace knows the store.
        path: of the file, or of the folder that the files' paths are relative to, on the datastore.
        files: in the order of their paths; none for an empty folder.
    """

    run_id: str
    output: str
    datastore: str
    path: str
    is_file: bool
    files: tuple[ManifestFile, ...]
    version: int = VERSION

    @property
    def digest(self) -> str:
        """The identity of the bytes: equal for equal files, wherever and by whatever run they were written."""
        return FilesDigest.of(self.files).digest

    @property
    def identity(self) -> str:
        """What consumers take for the content: the digest, with a normaliser's words where there was one."""
        return FilesDigest.of(self.files).identity

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(file.size for file in self.files)

    def location(self, file: ManifestFile) -> str:
        """Return where a file of the output lies on the datastore."""
        return join_path(self.path, file.path)

    def is_same_output(self, other: Manifest) -> bool:
        """Tell whether the other one says the same of the same output; ETags may differ."""
        ours, theirs = ((item.run_id, item.output, item.path, item.is_file, item.digest) for item in (self, other))
        return ours == theirs and self.identity == other.identity

    def with_etags(self, infos: Mapping[str, FileInfo]) -> Manifest:
        """
        Return the manifest with the ETags of the files in their places, given by their paths on the datastore.

        A file that has another ETag already has none then: somebody else has written there, and its content decides.
        """

        def with_etag(file: ManifestFile) -> ManifestFile:
            etag = infos[self.location(file)].etag
            return replace(file, etag=etag if file.etag in ("", etag) else "")

        return replace(self.with_files(map(with_etag, self.files)), version=VERSION)

    def to_json(self) -> str:
        """Return the manifest as JSON text, the same text for the same manifest; a line for each file."""
        head = {key: value for key, value in vars(self).items() if key != "files"}
        lines = ",\n".join(json.dumps([*vars(file).values()]) for file in self.files)
        # The head is put first by hand: what reads line by line must know it before the files.
        return f'{{"head": {json.dumps(head, sort_keys=True)}, "files": [\n{lines}\n]}}\n'

    @classmethod
    def from_json(cls, text: str) -> Manifest:
        """
        Read a manifest back.

        Raises:
            ManifestError: not a manifest, or one of a version that this release does not know.
        """
        try:
            fields = json.loads(text)
            head = fields.get("head") or {key: value for key, value in fields.items() if key != "files"}
            return blank_manifest(head).with_files(ManifestFile.from_json(record) for record in fields["files"])
        except (ValueError, KeyError, TypeError, AttributeError) as exc:
            raise ManifestError(f"manifest: cannot be read ({exc!r}); it was changed by something else") from exc

    def with_files(self, files: Iterable[ManifestFile]) -> Manifest:
        """Return the manifest with these files instead of its own."""
        return replace(self, files=tuple(files))


def blank_manifest(head: Mapping[str, Any]) -> Manifest:
    """
    Return a manifest of what its text says before the files.

    Raises:
        ManifestError: the version is one that this release does not know.
        KeyError, TypeError: the text is no manifest's.
    """
    if head["version"] > VERSION:
        raise ManifestError(
            f"manifest: version {head['version']!r}, this release reads up to {VERSION}; upgrade airflow-ml"
        )
    return Manifest(**{**head, "files": ()})


class FilesDigest:
    """Digest and identity of files that come one after the other, in the order of their paths."""

    def __init__(self) -> None:
        self._bytes = hashlib.sha256(b"[")
        self._identity = hashlib.sha256(b"[")
        self._separator = b""
        self._is_normalised = False

    @classmethod
    def of(cls, files: Iterable[ManifestFile]) -> FilesDigest:
        """Return those of the files, in whatever order they are given."""
        found = cls()
        for file in sorted(files, key=lambda file: file.path):
            found.add(file)
        return found

    def add(self, file: ManifestFile) -> None:
        """Take in the next file."""
        content = self._separator + _record(file.content)
        self._bytes.update(content)
        if file.identity:
            content = self._separator + _record((file.path, "normalised", file.identity))
            self._is_normalised = True
        self._identity.update(content)
        self._separator = b","

    @property
    def digest(self) -> str:
        """The sha256 over path, size and digest of each file."""
        return _closed(self._bytes)

    @property
    def identity(self) -> str:
        """The same with path and identity of the files that were normalised; equal to `digest` where none was."""
        return _closed(self._identity) if self._is_normalised else self.digest


def _record(fields: tuple[object, ...]) -> bytes:
    return json.dumps(fields, separators=(",", ":")).encode()


def _closed(digest: hashlib._Hash) -> str:
    whole = digest.copy()
    whole.update(b"]")
    return whole.hexdigest()


def manifest_path(run_id: str, output_name: str) -> str:
    """
    Return where the manifest of a run's output lies on its datastore.

    Raises:
        UserErrorException: one of the names is empty or would leave its folder.
    """
    return _path(MANIFESTS_FOLDER, run_id, output_name)


def commit_plan_path(run_id: str, output_name: str) -> str:
    """Return where a commit notes what it is about to move, until the manifest is there."""
    return _path(COMMITS_FOLDER, run_id, output_name)


def _path(folder: str, run_id: str, output_name: str) -> str:
    for name in (run_id, output_name):
        if name in ("", ".", "..") or "/" in name:
            raise UserErrorException(f"output {output_name!r} of run {run_id!r}: {name!r} cannot be part of a path")
    return f"{folder}/{run_id}/{output_name}.json"


def read_manifest(store: ReadableStore, run_id: str, output: str) -> Manifest | None:
    """Return the manifest of a run's output, or None: then the output does not exist."""
    return read_manifest_at(store, manifest_path(run_id, output))


def read_manifest_at(store: ReadableStore, path: str) -> Manifest | None:
    """Return the manifest at a path; an empty file is none, a crash on a file system without links leaves those."""
    try:
        with store.open_read(path) as stream:
            text = stream.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return None
    return Manifest.from_json(text) if text else None
