"""
A step that copies: from its two ends to a committed output.

Files go from store to store (`airflow_ml.storage.transfer`), rows through a file in the run directory. A single file
and a table are as they were until the copy is whole. A folder is copied over what is there file by file, each of them
whole, with a journal from which the next try goes on; the manifest of the step's output is written when all is there.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_ml.exceptions import AzureMLException, ServiceException
from airflow_ml.execution.artifacts import collect_files
from airflow_ml.execution.copied_tables import add_rows, write_rows
from airflow_ml.execution.lineage import dataset_consumed, output_consumed, place_consumed
from airflow_ml.execution.stopping import StepStopped
from airflow_ml.execution.transfer_ends import Files, Place, Rows, find_destination, find_source
from airflow_ml.graph import DataReferenceSource
from airflow_ml.registry import DatasetRecord
from airflow_ml.storage.commit import publish, verify
from airflow_ml.storage.copy_journal import CopiedFile, CopyJournal
from airflow_ml.storage.files import hash_file
from airflow_ml.storage.files_state import FilesState
from airflow_ml.storage.manifests import Manifest, ManifestFile
from airflow_ml.storage.protocol import join_path
from airflow_ml.storage.transfer import StoreCopy, copy_files
from airflow_ml.storage.transfer.progress import Progress, format_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_ml.execution.model import LogLine, StepTask
    from airflow_ml.execution.services import Services
    from airflow_ml.execution.stopping import StopWatch
    from airflow_ml.execution.transfer_ends import SourceEnd, SourceFile
    from airflow_ml.graph import InputPort
    from airflow_ml.registry import RunInputRecord, RunRecord
    from airflow_ml.runtime.protocol import RunDirectory
    from airflow_ml.storage.protocol import FileInfo, ReadableStore, Store

__all__ = ["Transferred", "transfer"]

#: Seconds between two lines of the log while files are copied.
_LOG_SECONDS = 5.0


@dataclass(frozen=True)
class Transferred:
    """
    What a transfer has come to.

    Attributes:
        states: which files were copied, by the source's name.
    """

    outputs: Mapping[str, Manifest]
    states: Mapping[str, str]


def transfer(
    services: Services, task: StepTask, run: RunRecord, directory: RunDirectory, watch: StopWatch, log: LogLine
) -> Transferred:
    """
    Copy, and return the output that stands for what was copied.

    Raises:
        StepStopped: it was stopped from outside.
        UserErrorException: an end is not there, or not what it must be.
        ServiceException: a datastore or a database failed; the next try goes on where this one was cut.
    """
    Path(directory.data).mkdir(parents=True, exist_ok=True)
    with _logged(services, run, directory, log) as tell:
        try:
            return _Transfer(services, task, run, directory, watch, tell).run()
        except StepStopped:
            raise
        except AzureMLException as error:
            tell(str(error))
            raise error.at(task.title) from error


@contextmanager
def _logged(services: Services, run: RunRecord, directory: RunDirectory, log: LogLine) -> Iterator[LogLine]:
    """Write the log into the run's files too, where scripts have theirs."""
    place = Path(directory.log)
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.open("a", encoding="utf-8") as file:

        def tell(line: str) -> None:
            file.write(f"{line}\n")
            file.flush()
            log(line)

        try:
            yield tell
        finally:
            with suppress(AzureMLException, OSError):
                collect_files(services.store, run.id, directory)


class _Transfer:
    """One transfer."""

    def __init__(
        self,
        services: Services,
        task: StepTask,
        run: RunRecord,
        directory: RunDirectory,
        watch: StopWatch,
        log: LogLine,
    ) -> None:
        self._services, self._task, self._run = services, task, run
        self._directory, self._watch, self._log = directory, watch, log
        self._output = task.step.outputs[0]

    def run(self) -> Transferred:
        services, task = self._services, self._task
        source = find_source(services, task)
        place = find_destination(services, task, source)
        services.registry.inputs.record(self._run.id, [self._source_record(source), self._destination_record(place)])
        services.registry.runs.set_status(self._run.id, "Running", expected="Preparing")
        folder = Path(self._directory.data)
        if isinstance(place, Rows):
            manifest = add_rows(services, task, self._run, source, place, folder, self._check, self._log)
        elif isinstance(source, Rows):
            manifest = self._published(place, *write_rows(services, source, place, folder, self._run, self._tell_rows))
        else:
            manifest = self._copy(source, place)
        states = {}
        if isinstance(source, Files) and isinstance(source.origin, (DataReferenceSource, DatasetRecord)):
            states[task.step.inputs[0].name] = _state(source.files)
        return Transferred({self._output.name: manifest}, states)

    def _check(self) -> None:
        reason = self._watch.reason()
        if reason is not None:
            raise StepStopped(f"{self._task.title} was stopped while it copied: {reason}")

    def _tell_rows(self, rows: int) -> None:
        self._check()
        if rows % 1_000_000 == 0 and rows:
            self._log(f"{rows:,} rows")

    def _copy(self, source: Files, place: Place) -> Manifest:
        """Copy files; a single one in one go, a folder with its journal."""
        journal = None if source.is_file else CopyJournal(place.store, source.name, place.path)
        copied = _copy_all(source, place, journal, _Told(self._check, self._log))
        files = [ManifestFile(_listed(place, entry.path), entry.size, entry.digest, entry.etag) for entry in copied]
        if not copied:
            place.store.make_folder(place.path)
        path = place.path
        if source.is_file and not place.is_file:
            # The output is the one file, wherever it lies among others.
            path, files = join_path(path, files[0].path), [ManifestFile("", *files[0].content[1:], files[0].etag)]
        manifest = self._published(place, path, source.is_file, files)
        if journal is not None:
            journal.complete(copied, {"run_id": self._run.id, "files": len(copied), "size": manifest.size})
        return manifest

    def _published(self, place: Place, path: str, is_file: bool, files: Sequence[ManifestFile]) -> Manifest:
        """See that all is there, and write the manifest."""
        manifest = Manifest(self._run.id, self._output.name, place.datastore, path, is_file, ())
        manifest = manifest.with_files(sorted(files, key=lambda file: file.path))
        problems = verify(place.store, manifest)
        if problems:
            raise ServiceException("; ".join(problems[:3]))
        return publish(place.store, manifest)

    def _source_record(self, source: SourceEnd) -> RunInputRecord:
        port = self._task.step.inputs[0]
        if isinstance(source, Rows):
            return self._place_record(port, source.source.datastore, str(source.what))
        origin = source.origin
        if isinstance(origin, DataReferenceSource):
            return self._place_record(port, origin.datastore, origin.path)
        if isinstance(origin, DatasetRecord):
            return dataset_consumed(self._run, port, origin)
        return output_consumed(self._run, port, origin)

    def _destination_record(self, place: Place | Rows) -> RunInputRecord:
        port = self._task.step.inputs[1]
        if isinstance(place, Rows):
            return self._place_record(port, place.source.datastore, str(place.what))
        return self._place_record(port, place.datastore, place.path)

    def _place_record(self, port: InputPort, datastore: str, path: str) -> RunInputRecord:
        return place_consumed(self._run, port, datastore, path, mode="mount")


def _state(files: Sequence[SourceFile]) -> str:
    state = FilesState()
    for file in files:
        state.add(file.info)
    return str(state)


def _listed(place: Place, path: str) -> str:
    return "" if place.is_file else path


class _Told(Progress):
    """Progress that goes into the log of the task, and ends the copy where the step must end."""

    def __init__(self, check: Callable[[], None], log: LogLine) -> None:
        super().__init__("copy")
        self._check, self._line = check, log
        self._told = time.monotonic()

    def tell(self) -> None:
        """Look whether the step goes on, and write a line now and then."""
        self._check()
        if time.monotonic() - self._told >= _LOG_SECONDS:
            self._told = time.monotonic()
            self._line(self.text())

    def done(self, unchanged: int) -> None:
        """Say what was copied."""
        more = f"; {unchanged:,} files had not changed since they were copied" if unchanged else ""
        self._line(f"copied {self.files:,} files, {format_bytes(self.size)}{more}")


def _copy_all(source: Files, place: Place, journal: CopyJournal | None, told: _Told) -> list[CopiedFile]:
    """Copy what has not been copied, and return all files as they lie there."""
    kept = {} if journal is None else _unchanged(source, place, journal)
    left = [file for file in source.files if file.path not in kept]
    arrived: dict[str, CopiedFile] = {}
    if journal is not None:
        journal.begin()
    told.expect(len(left), sum(file.info.size for file in left))
    try:
        for store, files in _by_store(left):
            wanted = {_target(place, file): file for file in files}

            def note(item: StoreCopy, info: FileInfo, files: Mapping[str, SourceFile] = wanted) -> None:
                file = files[item.path]
                entry = CopiedFile(file.path, file.info.etag, info.size, _digest(place.store, info, file), info.etag)
                arrived[file.path] = entry
                if journal is not None:
                    journal.add(entry)

            copies = [StoreCopy(file.info, path) for path, file in wanted.items()]
            copy_files(store, place.store, copies, done=note, progress=told)
    except BaseException:
        if journal is not None:
            with suppress(Exception):
                journal.flush()
        raise
    told.done(len(kept))
    return [kept.get(file.path) or arrived[file.path] for file in source.files]


def _target(place: Place, file: SourceFile) -> str:
    return place.path if place.is_file else join_path(place.path, file.path)


def _by_store(files: Sequence[SourceFile]) -> Iterator[tuple[ReadableStore, list[SourceFile]]]:
    stores = {id(file.store): file.store for file in files}
    for key, store in stores.items():
        yield store, [file for file in files if id(file.store) == key]


def _unchanged(source: Files, place: Place, journal: CopyJournal) -> dict[str, CopiedFile]:
    """Return the files that an earlier try or run copied as they are now, and that nobody has touched since."""
    known = journal.read()
    if not known:
        return {}
    there = {info.path: info for info in place.store.list(place.path)}
    kept: dict[str, CopiedFile] = {}
    for file in source.files:
        entry, info = known.get(file.path), there.get(_target(place, file))
        if entry is None or info is None or not (entry.etag and file.info.etag):
            continue
        if (entry.source_etag, entry.size, entry.etag) == (file.info.etag, info.size, info.etag):
            kept[file.path] = entry
    return kept


def _digest(target: Store, info: FileInfo, file: SourceFile) -> str:
    """Return the content's sha256, from the file that was written; else what the stores keep of it."""
    local = target.local_path(info.path)
    if local is not None:
        return hash_file(local)[1]
    for known in (info.digest, file.info.digest):
        if known.startswith("sha256:"):
            return known.partition(":")[2]
    if info.digest or file.info.digest:
        return info.digest or file.info.digest
    # Nobody knows the content: what it is a copy of tells it from every other one.
    text = repr((file.store.identity if hasattr(file.store, "identity") else "", file.info.path, file.info.etag))
    return f"copy:{hashlib.sha256(text.encode()).hexdigest()}"
