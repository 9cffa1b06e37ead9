"""
The manifest of an output: which files it consists of.

An output exists from the moment its manifest does. Manifests lie in the store beside the data, under
`.airflow_ml/manifests/<run id>/<output>.json`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from airflow_ml.exceptions import ServiceException, UserErrorException
from airflow_ml.storage.protocol import PRIVATE_FOLDER, ReadableStore, join_path

__all__ = [
    "VERSION",
    "Manifest",
    "ManifestFile",
    "commit_plan_path",
    "files_digest",
    "manifest_path",
    "read_manifest",
    "read_manifest_at",
]

#: Of the manifest's JSON form; readers refuse newer ones.
VERSION = 1


@dataclass(frozen=True)
class ManifestFile:
    """
    One file of an output.

    Attributes:
        path: relative to the output's path; "" where the output is this one file.
    """

    path: str
    size: int
    sha256: str


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
        """The identity of the content: equal for equal files, wherever and by whatever run they were written."""
        return files_digest(self.files)

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(file.size for file in self.files)

    def location(self, file: ManifestFile) -> str:
        """Return where a file of the output lies on the datastore."""
        return join_path(self.path, file.path)

    def to_json(self) -> str:
        """Return the manifest as JSON text, the same text for the same manifest."""
        return json.dumps(asdict(self), sort_keys=True, indent=1)

    @classmethod
    def from_json(cls, text: str) -> Manifest:
        """
        Read a manifest back.

        Raises:
            ServiceException: not a manifest, or one of a version that this release does not know.
        """
        try:
            fields = json.loads(text)
            if fields["version"] > VERSION:
                raise ServiceException(
                    f"manifest: version {fields['version']!r}, this release reads up to {VERSION}; upgrade airflow-ml"
                )
            return cls(**{**fields, "files": tuple(ManifestFile(**file) for file in fields["files"])})
        except (ValueError, KeyError, TypeError) as exc:
            raise ServiceException(f"manifest: cannot be read ({exc!r}); it was changed by something else") from exc


def files_digest(files: Iterable[ManifestFile]) -> str:
    """Return the sha256 over paths, sizes and digests, in the order of the paths."""
    records = sorted([file.path, file.size, file.sha256] for file in files)
    return hashlib.sha256(json.dumps(records, separators=(",", ":")).encode()).hexdigest()


def manifest_path(run_id: str, output_name: str) -> str:
    """
    Return where the manifest of a run's output lies on its datastore.

    Raises:
        UserErrorException: one of the names is empty or would leave its folder.
    """
    return _path("manifests", run_id, output_name)


def commit_plan_path(run_id: str, output_name: str) -> str:
    """Return where a commit notes what it is about to move, until the manifest is there."""
    return _path("commits", run_id, output_name)


def _path(kind: str, run_id: str, output_name: str) -> str:
    for name in (run_id, output_name):
        if name in ("", ".", "..") or "/" in name:
            raise UserErrorException(f"output {output_name!r} of run {run_id!r}: {name!r} cannot be part of a path")
    return f"{PRIVATE_FOLDER}/{kind}/{run_id}/{output_name}.json"


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
