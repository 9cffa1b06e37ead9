"""The two ends of a transfer as they are in this run: files that are there, places that are written to, and tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from airflow_ml.exceptions import DatasetNotFoundError, GraphError, UserErrorException
from airflow_ml.execution.input_sources import find_dataset, find_output, handed_on, parameter_data
from airflow_ml.graph import (
    DatabaseSource,
    DataReferenceSource,
    DatasetSource,
    ParameterSource,
    StepOutputSource,
    TaskSource,
)
from airflow_ml.storage.databases import Procedure, ProcedureParameter, Query, Table
from airflow_ml.storage.datasets import list_files, store_of
from airflow_ml.storage.manifests import read_manifest_at
from airflow_ml.storage.protocol import normalise_path

if TYPE_CHECKING:
    from airflow_ml.execution.model import StepTask
    from airflow_ml.execution.services import Services
    from airflow_ml.graph import Source
    from airflow_ml.registry import DatasetRecord, OutputRecord
    from airflow_ml.storage.databases import Source as RowsSource
    from airflow_ml.storage.protocol import FileInfo, ReadableStore, Store

__all__ = ["Files", "Place", "Rows", "SourceEnd", "SourceFile", "find_destination", "find_source"]

#: Endings of names that say that a path is a file's, for what comes out of a database.
_FILE_ENDINGS = (".csv", ".parquet", ".tsv", ".txt")


@dataclass(frozen=True)
class SourceFile:
    """A file that is copied; `path` is relative to what is copied, and the name alone for a single file."""

    store: ReadableStore
    info: FileInfo
    path: str


@dataclass(frozen=True)
class Files:
    """
    Files that are copied.

    Attributes:
        is_file: it is one file, not a folder that may have one.
        name: says where they are, for people and the journal.
        origin: what the records of the run say.
    """

    files: tuple[SourceFile, ...]
    is_file: bool
    name: str
    origin: DataReferenceSource | DatasetRecord | OutputRecord


@dataclass(frozen=True)
class Rows:
    """Rows of a database that are copied, or the table that rows are added to."""

    source: DatabaseSource

    @property
    def what(self) -> RowsSource:
        """What the database is asked for."""
        given = self.source
        if given.table is not None:
            return Table(given.table)
        if given.query is not None:
            return Query(given.query)
        return Procedure(
            str(given.procedure), tuple(ProcedureParameter(name, value, kind) for name, kind, value in given.parameters)
        )

    @property
    def file_name(self) -> str:
        """What a file with the rows is called where nobody said it."""
        name = self.source.table or self.source.procedure or "query"
        return f"{''.join(sign if sign.isalnum() or sign in '._-' else '_' for sign in name)}.csv"


@dataclass(frozen=True)
class Place:
    """Where files are written to."""

    datastore: str
    store: Store
    path: str
    is_file: bool


SourceEnd: TypeAlias = "Files | Rows"


def _settled(task: StepTask, source: Source) -> Source:
    while isinstance(source, (ParameterSource, TaskSource)):
        source = parameter_data(task, source) if isinstance(source, ParameterSource) else handed_on(task, source)
    return source


def find_source(services: Services, task: StepTask) -> SourceEnd:
    """
    Return what is copied.

    Raises:
        UserErrorException: it is not there, or not of the type that the step says.
    """
    source = _settled(task, task.step.inputs[0].source)
    wanted = task.step.settings.get("source_type")
    if isinstance(source, DatabaseSource):
        return Rows(source)
    if isinstance(source, StepOutputSource):
        found = _output_files(services, find_output(services, task, source))
    elif isinstance(source, DatasetSource):
        found = _dataset_files(services, find_dataset(services, source))
    elif isinstance(source, DataReferenceSource):
        found = _reference_files(services, source, wanted)
    else:
        raise GraphError(f"{source!r} cannot be copied")
    if wanted is not None and found.is_file != (wanted == "file"):
        is_what = "a file" if found.is_file else "a directory"
        raise UserErrorException(f"{found.name} is {is_what}, and source_reference_type is {wanted!r}; correct it")
    return found


def _output_files(services: Services, output: OutputRecord) -> Files:
    store = services.store(output.datastore)
    manifest = read_manifest_at(store, output.manifest_path)
    name = f"output {output.name!r} on datastore {output.datastore!r}"
    if manifest is None:
        raise UserErrorException(f"{name} is gone; run the step that writes it again")
    listed = {manifest.location(file): file.path or manifest.path.rpartition("/")[2] for file in manifest.files}
    found = [store.stat(manifest.path)] if manifest.is_file else store.list(manifest.path)
    files = tuple(SourceFile(store, info, listed[info.path]) for info in found if info.path in listed)
    if len(files) != len(listed):
        raise DatasetNotFoundError(f"{name}: {len(listed) - len(files)} of {len(listed)} files are not there any more")
    return Files(files, manifest.is_file, name, output)


def _dataset_files(services: Services, dataset: DatasetRecord) -> Files:
    name = f"dataset {dataset.name or dataset.id!r}"
    if dataset.definition.get("kind") == "tabular" and dataset.definition.get("steps"):
        raise UserErrorException(
            f"{name} is a table with rows or columns chosen, and files are copied as they are; write it to files in a"
            " step, or copy the dataset that it was made from"
        )
    listing = list_files(dataset.definition, services.store)
    files = tuple(
        SourceFile(store_of(file, services.store), file.info, file.relative_path.lstrip("/")) for file in listing.files
    )
    return Files(files, listing.is_single_source, name, dataset)


def _reference_files(services: Services, source: DataReferenceSource, wanted: object) -> Files:
    store, path = services.store.of_files(source.datastore), normalise_path(source.path)
    name = f"{source.path!r} on datastore {source.datastore!r}"
    if path and wanted != "directory" and store.exists(path):
        return Files((SourceFile(store, store.stat(path), path.rpartition("/")[2]),), True, name, source)
    if wanted == "file" or not store.is_folder(path):
        raise DatasetNotFoundError(f"{name} is not there{' as a file' if wanted == 'file' else ''}; correct the path")
    files = tuple(SourceFile(store, info, info.path[len(path) :].lstrip("/")) for info in store.list(path))
    return Files(files, False, name, source)


def find_destination(services: Services, task: StepTask, source: SourceEnd) -> Place | Rows:
    """
    Return where it is copied to.

    What the path is, where the step does not say it: what is there, else what the source is (v1's rule); what a
    database gives goes into a file if the path ends like one.

    Raises:
        UserErrorException: a folder would become a file.
    """
    place = _settled(task, task.step.inputs[1].source)
    if isinstance(place, DatabaseSource):
        return Rows(place)
    if not isinstance(place, DataReferenceSource):
        raise GraphError(f"{place!r} is no place on a datastore; give a path")
    store, path = services.store.of_files(place.datastore), normalise_path(place.path)
    wanted = task.step.settings.get("destination_type")
    is_file = wanted == "file" if wanted is not None else _is_file(store, path, source)
    name = f"{place.path!r} on datastore {place.datastore!r}"
    if is_file and not path:
        raise UserErrorException(f"{name} is the datastore's root and no file; give a path")
    if is_file and isinstance(source, Files) and not source.is_file:
        raise UserErrorException(f"{source.name} is a directory, and {name} a file; give another destination")
    _refuse_same_place(source, store, path)
    return Place(place.datastore, store, path, is_file)


def _is_file(store: Store, path: str, source: SourceEnd) -> bool:
    if path and store.exists(path):
        return True
    if not path or store.is_folder(path):
        return False
    return source.is_file if isinstance(source, Files) else path.lower().endswith(_FILE_ENDINGS)


def _refuse_same_place(source: SourceEnd, store: Store, path: str) -> None:
    if not isinstance(source, Files) or not isinstance(source.origin, DataReferenceSource) or not source.files:
        return
    origin = normalise_path(source.origin.path)
    if source.files[0].store.identity != store.identity:
        return
    if path == origin or (not source.is_file and f"{path}/".startswith(f"{origin}/" if origin else "")):
        raise UserErrorException(f"{source.name} would be copied into itself, to {path!r}; give another destination")
