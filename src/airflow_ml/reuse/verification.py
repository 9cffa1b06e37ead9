"""
Whether an output that a result promises is still there, as it was committed.

One listing of the output's place is compared with its manifest in one pass, holding neither. Three policies say what is
looked at: that the files `exist`; their `size` and ETag, the default, where a file whose ETag is another one is not
changed as long as its content is not; or always the `content`, every byte.

A file that the manifest does not list counts as a change in a folder that bears its run's id: nothing but the run's
other outputs has a reason to be there, and a consumer in direct mode reads the folder as it is. In a destination that
runs share, files of others are none of the output's business: staging takes what the manifest lists. With `exists` they
are not looked for.

A store that does not answer is an error, never a deleted output: a computation of hours must not be repeated because
of a cable.
"""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

from airflow_ml.exceptions import ServiceException, UserErrorException
from airflow_ml.reuse.copied_rows import missing_rows
from airflow_ml.storage.contents import Contents
from airflow_ml.storage.manifest_lines import OpenManifest, list_output, open_manifest
from airflow_ml.storage.manifests import FilesDigest, ManifestError, ManifestFile

if TYPE_CHECKING:
    from airflow_ml.graph.model import Verification
    from airflow_ml.registry import OutputRecord
    from airflow_ml.reuse.model import ReuseContext
    from airflow_ml.storage.protocol import FileInfo, ReadableStore

__all__ = ["verify_output", "verify_outputs"]

_WORKERS = 8

#: So many files are named in a sentence.
_NAMED = 3


def verify_outputs(
    context: ReuseContext, wanted: Sequence[tuple[OutputRecord, Verification | None]]
) -> list[str | None]:
    """
    Look at several outputs, some at once; each one is looked at once, however often it is asked for.

    Args:
        wanted: outputs, and what is looked at of each (None: the default).

    Returns:
        None for each output that is sound, else why it is not: `output deleted: ...` or `output changed: ...`.

    Raises:
        ServiceException: a store does not answer.
    """
    contents = Contents(context.home.digests / "outputs")
    keys = [(record.datastore, record.manifest_path, policy or "size") for record, policy in wanted]
    different = dict(zip(keys, [record for record, _ in wanted], strict=True))

    def look(key: tuple[str, str, Verification]) -> str | None:
        record = different[key]
        others = (other for other in different.values() if other.run_id == record.run_id)
        beside = [other.path for other in others if other.manifest_path != record.manifest_path]
        return _verify(context, record, key[2], contents, beside)

    if len(different) > 1:
        with ThreadPoolExecutor(min(_WORKERS, len(different)), "airflow-ml-verify") as pool:
            found = dict(zip(different, pool.map(look, different), strict=True))
    else:
        found = {key: look(key) for key in different}
    contents.save()
    return [found[key] for key in keys]


def _verify(
    context: ReuseContext, record: OutputRecord, policy: Verification, contents: Contents, beside: Sequence[str]
) -> str | None:
    try:
        store = context.store(record.datastore)
    except UserErrorException:
        return f"output deleted: {record.name}: the workspace has no datastore {record.datastore!r} any more"
    problem = verify_output(store, record, policy, contents, beside=beside)
    if problem is None and record.kind == "copied_rows" and policy != "exists":
        return missing_rows(context.store, store, record)
    return problem


def verify_output(
    store: ReadableStore,
    record: OutputRecord,
    policy: Verification,
    contents: Contents,
    *,
    beside: Sequence[str] = (),
) -> str | None:
    """
    Return None if an output is sound, else why it is not: `output deleted: ...` or `output changed: ...`.

    Args:
        beside: paths of the run's other outputs, which may lie inside this one's.

    Raises:
        ServiceException: the store does not answer.
    """
    if record.collected_at is not None:
        return f"output deleted: {record.name}: it was collected on {record.collected_at:%Y-%m-%d}"
    try:
        with _reading(record), open_manifest(store, record.manifest_path) as opened:
            return _Look(store, record, policy, contents, beside).compare(opened)
    except FileNotFoundError:
        return f"output deleted: {record.name}: its manifest is not on datastore {record.datastore!r} any more"
    except ManifestError:
        return f"output changed: {record.name}: its manifest cannot be read"


@contextmanager
def _reading(record: OutputRecord) -> Iterator[None]:
    """Turn errors of reading, which streams of stores give as they are, into ours."""
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as exc:
        raise ServiceException(
            f"output {record.name!r} of run {record.run_id!r}: datastore {record.datastore!r} cannot be read: {exc}"
        ) from exc


class _Names:
    """How many files something is the matter with, and the names of the first."""

    def __init__(self) -> None:
        self.count = 0
        self.first: list[str] = []

    def add(self, name: str) -> None:
        self.count += 1
        if self.count <= _NAMED:
            self.first.append(name)

    def __str__(self) -> str:
        more = f" and {self.count - _NAMED:,} more" if self.count > _NAMED else ""
        return ", ".join(map(repr, self.first)) + more


class _Look:
    """One look at one output."""

    def __init__(
        self,
        store: ReadableStore,
        record: OutputRecord,
        policy: Verification,
        contents: Contents,
        beside: Sequence[str],
    ) -> None:
        self._store = store
        self._record = record
        self._policy = policy
        self._contents = contents
        self._beside = tuple(f"{path}/" for path in beside)
        self._missing, self._changed, self._added = _Names(), _Names(), _Names()

    def compare(self, opened: OpenManifest) -> str | None:
        digest, total = FilesDigest(), 0
        there = list_output(self._store, opened.blank)
        info = next(there, None)
        for file in opened.files:
            digest.add(file)
            total += 1
            path = opened.blank.location(file)
            while info is not None and info.path < path:
                self._note_added(info.path)
                info = next(there, None)
            if info is None or info.path != path:
                self._missing.add(self._name(path))
                continue
            self._check(info, file)
            info = next(there, None)
        while info is not None:
            self._note_added(info.path)
            info = next(there, None)
        if (digest.digest, digest.identity) != (self._record.digest, self._record.identity or self._record.digest):
            return self._sentence("changed", "its manifest does not list the files that were recorded")
        return self._verdict(opened, total)

    def _name(self, path: str) -> str:
        return path[len(self._record.path) :].lstrip("/") or path.rpartition("/")[2]

    def _note_added(self, path: str) -> None:
        if not f"{path}/".startswith(self._beside):
            self._added.add(self._name(path))

    def _check(self, info: FileInfo, file: ManifestFile) -> None:
        if self._policy == "exists":
            return
        if info.size != file.size:
            self._changed.add(self._name(info.path))
            return
        if self._policy == "size" and file.etag and info.etag == file.etag:
            return
        try:
            if self._sha256(info) != file.sha256:
                self._changed.add(self._name(info.path))
        except FileNotFoundError:
            self._missing.add(self._name(info.path))

    def _sha256(self, info: FileInfo) -> str | None:
        """Return the digest of a file's bytes; None if they change while they are read."""
        algorithm, _, known = info.digest.partition(":")
        if algorithm == "sha256":
            return known
        place = self._store.local_path(info.path)
        if place is None:
            return self._downloaded(info)
        try:
            return self._contents.sha256(place, read=self._policy == "content")
        except OSError as exc:
            if exc.errno == errno.EBUSY:
                return None
            raise

    def _downloaded(self, info: FileInfo) -> str:
        digest = hashlib.sha256()
        with self._store.open_read(info.path) as stream:
            while chunk := stream.read(1 << 20):
                digest.update(chunk)
        return digest.hexdigest()

    def _verdict(self, opened: OpenManifest, total: int) -> str | None:
        if self._missing.count:
            return self._sentence("deleted", _of(self._missing, total, "missing"))
        if self._changed.count:
            return self._sentence("changed", _of(self._changed, total, "different"))
        # The manifest's run, not the record's: an adopted output is that of another run.
        if self._added.count and self._policy != "exists" and opened.blank.run_id in opened.blank.path:
            are = "file was" if self._added.count == 1 else "files were"
            return self._sentence("changed", f"{self._added.count:,} {are} added ({self._added})")
        if not total and self._is_folder_gone():
            return self._sentence("deleted", f"the folder {self._record.path!r} is missing")
        return None

    def _is_folder_gone(self) -> bool:
        """Tell whether an empty folder is missing, where a store has such a thing."""
        is_local = self._store.local_path(self._record.path) is not None
        return is_local and not self._store.is_folder(self._record.path)

    def _sentence(self, what: str, detail: str) -> str:
        return f"output {what}: {self._record.name}: {detail}"


def _of(names: _Names, total: int, word: str) -> str:
    are = "is" if names.count == 1 else "are"
    return f"{names.count:,} of {total:,} {'file' if total == 1 else 'files'} {are} {word} ({names})"
