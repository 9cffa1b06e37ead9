"""
From a dataset's definition to its files, and from there to a step's input.

Which files a definition means, in which order, and the path that each has inside the dataset (`to_path()`), are
decided here for everybody who reads datasets.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path, PurePosixPath
from typing import Protocol, TypeAlias, cast
from urllib.parse import urlsplit

from airflow_ml.exceptions import DatasetNotFoundError, UserErrorException
from airflow_ml.graph.model import Json
from airflow_ml.runtime.filters import matches
from airflow_ml.runtime.partitions import PartitionFormat
from airflow_ml.storage.files_state import FilesState
from airflow_ml.storage.fuse_mount import LazyPlacing
from airflow_ml.storage.in_place import Bind
from airflow_ml.storage.protocol import FileInfo, ReadableStore, normalise_path
from airflow_ml.storage.public_blobs import BlobFolder, is_blob_address
from airflow_ml.storage.selection import glob_files, glob_root, is_glob
from airflow_ml.storage.staging import Placement, StagingMode, place_files
from airflow_ml.storage.web import host_and_path, is_listed, shown

__all__ = [
    "DatasetFile",
    "DatasetListing",
    "Definition",
    "ResolvedDataset",
    "StagedDataset",
    "Stores",
    "list_files",
    "resolve",
    "stage_dataset",
    "store_of",
]

Definition: TypeAlias = "Mapping[str, Json]"


class Stores(Protocol):
    """Where datasets are read from."""

    def __call__(self, name: str, /) -> ReadableStore:
        """Return the store of a datastore; raises for a name that the workspace does not have."""
        ...

    @property
    def web(self) -> ReadableStore:
        """The web, as far as the workspace may read it; paths are whole addresses."""
        ...


@dataclass(frozen=True)
class DatasetFile:
    """
    One file of a dataset.

    Attributes:
        source: index of the definition's source that it came from.
        datastore: None for a web address, which is then the whole `info.path`.
        relative_path: inside the dataset, beginning with `/`, as `to_path()` gives it.
    """

    source: int
    datastore: str | None
    info: FileInfo
    relative_path: str

    @property
    def path(self) -> str:
        """Where it lies on its datastore, or its web address."""
        return self.info.path

    @property
    def size(self) -> int:
        """In bytes; -1 where a web server does not tell."""
        return self.info.size

    @property
    def etag(self) -> str:
        """As its store gives it; "" where a web server does not tell."""
        return self.info.etag


@dataclass(frozen=True)
class DatasetListing:
    """
    The files of a dataset as they are found, which can be gone through once.

    Attributes:
        is_single_source: the definition names exactly one file without a pattern.
    """

    files: Iterator[DatasetFile]
    is_single_source: bool


@dataclass(frozen=True)
class ResolvedDataset:
    """
    The files of a dataset, in the order of sources and of paths in each.

    Attributes:
        is_single_file: the definition names exactly one file without a pattern: a script gets that file's path.
    """

    files: tuple[DatasetFile, ...]
    is_single_file: bool


@dataclass(frozen=True)
class StagedDataset:
    """
    A dataset on this machine.

    Attributes:
        root: the folder that it was staged into.
        path: what the script gets: the file of a single-file dataset, else `root`.
        files: relative to `root`, in the order of the dataset.
    """

    root: Path
    path: Path
    files: tuple[str, ...]
    is_single_file: bool


@dataclass(frozen=True)
class _Found:
    """
    What one source stands for: its files, and the folder (with the place it is on) that holds them.

    Attributes:
        name: of its one file, where that is not the end of the file's path.
    """

    datastore: str | None
    host: str
    base: str
    files: Iterable[FileInfo]
    is_file: bool
    name: str = ""


def store_of(file: DatasetFile, stores: Stores) -> ReadableStore:
    """Return the store that a dataset's file can be read from."""
    return stores.web if file.datastore is None else stores(file.datastore)


def resolve(definition: Definition, stores: Stores) -> ResolvedDataset:
    """
    Find the files of a dataset: `list_files` for those who need all of them at once.

    Raises:
        DatasetNotFoundError: a source with nothing behind it.
        UserErrorException: a step that file datasets do not have.
    """
    listing = list_files(definition, stores)
    files = tuple(listing.files)
    return ResolvedDataset(files, listing.is_single_source and bool(files))


def list_files(definition: Definition, stores: Stores) -> DatasetListing:
    """
    Find the files of a dataset, one after the other, whatever their number.

    A source is a file, a folder with all below it, a pattern of `*` and `**`, a web address, or a query of a database,
    which is asked now and whose rows are one file. Paths inside the
    dataset are relative to the deepest folder that holds all sources; if these lie on several datastores or hosts,
    that name comes first. A file that two sources name counts once. Steps of file datasets (take, skip, sample,
    split) are applied, the same way each time.

    Raises:
        DatasetNotFoundError: a source with nothing behind it.
        UserErrorException: a step that file datasets do not have.
    """
    sources = cast(Sequence[Mapping[str, str]], definition["sources"])
    found = [_find(source, stores, _most_rows(definition)) for source in sources]
    if len(found) == 1 and definition.get("is_file") and not found[0].is_file:
        raise DatasetNotFoundError(f"dataset source {dict(sources[0])!r}: is declared as a file and is none")
    is_single = len(found) == 1 and found[0].is_file
    files = _relative_files(found)
    if definition.get("kind") == "tabular":
        files = files if is_single else _with_extension(files, definition)
    else:
        files = _apply_steps(files, definition)
    return DatasetListing(files, is_single)


def _most_rows(definition: Definition) -> int | None:
    """Return how many rows of a table are wanted at most, where that follows without a look at them."""
    steps = cast(Sequence[Mapping[str, Json]], definition.get("steps") or ())
    return cast(int, steps[0]["count"]) if steps and steps[0]["op"] == "take" else None


def _find(source: Mapping[str, str], stores: Stores, most_rows: int | None) -> _Found:
    if "url" in source:
        return _find_on_web(source["url"], stores.web)
    if "query" in source:
        return _find_rows(source, stores, most_rows)
    datastore, path = source["datastore"], source["path"]
    store = stores(datastore)
    normal = normalise_path(path)
    if is_glob(normal):
        files = _unless_empty(glob_files(store, normal))
        if files is None:
            raise DatasetNotFoundError(f"datastore {datastore!r}: nothing matches {path!r}; check the pattern")
        return _Found(datastore, "", glob_root(normal), files, is_file=False)
    if normal and not path.endswith("/") and store.exists(normal):
        return _Found(datastore, "", normal.rpartition("/")[0], (store.stat(normal),), is_file=True)
    if store.is_folder(normal):
        return _Found(datastore, "", normal, store.list(normal), is_file=False)
    raise DatasetNotFoundError(
        f"datastore {datastore!r}: path {path!r} is not there; upload the data or correct the dataset's path"
    )


def _find_rows(source: Mapping[str, Json], stores: Stores, most_rows: int | None) -> _Found:
    # Only who has such a dataset pays for the import.
    from airflow_ml.storage.databases.query_store import QUERY_FILE, DatabaseStore, query_path

    datastore = str(source["datastore"])
    store = stores(datastore)
    if not isinstance(store, DatabaseStore):
        raise UserErrorException(
            f"datastore {datastore!r}: is no database, and cannot answer a query; register the database, or define the"
            " table from files"
        )
    info = store.stat(query_path(source, most_rows))
    return _Found(datastore, "", "", (info,), is_file=True, name=QUERY_FILE)


def _find_on_web(url: str, web: ReadableStore) -> _Found:
    if is_blob_address(url) and is_listed(url):
        return _find_blobs(url, web)
    host, path = host_and_path(url)
    try:
        info = web.stat(url)
    except FileNotFoundError as exc:
        if is_blob_address(url):
            return _find_blobs(url, web)
        raise DatasetNotFoundError(f"{exc}; correct the dataset's address") from exc
    return _Found(None, host, path.rpartition("/")[0], (info,), is_file=True)


def _find_blobs(url: str, web: ReadableStore) -> _Found:
    folder = BlobFolder.of(url)
    try:
        files = _unless_empty(folder.list(web.open_read))
    except FileNotFoundError as exc:
        raise DatasetNotFoundError(f"{exc}; correct the dataset's address") from exc
    if files is None:
        raise DatasetNotFoundError(
            f"address {shown(url)!r}: the container {folder.container!r} has no such file or folder, and nothing that"
            " matches; correct the dataset's address"
        )
    return _Found(None, urlsplit(url).hostname or "", folder.path, files, is_file=False)


def _unless_empty(files: Iterator[FileInfo]) -> Iterator[FileInfo] | None:
    """Return the same files, or None if there are none."""
    first = next(files, None)
    return None if first is None else chain((first,), files)


def _relative_files(found: Sequence[_Found]) -> Iterator[DatasetFile]:
    places = {(source.datastore, source.host) for source in found}
    root = _common_folder([source.base for source in found])
    seen: set[tuple[str | None, str]] = set()
    for index, source in enumerate(found):
        for info in source.files:
            if len(found) > 1:  # one source alone names no file twice, and may have millions
                if (source.datastore, info.path) in seen:
                    continue
                seen.add((source.datastore, info.path))
            path = source.name or (host_and_path(info.path)[1] if source.datastore is None else info.path)
            if len(places) > 1:
                relative = f"/{source.datastore or source.host}/{path}"
            else:
                relative = "/" + path[len(root) :].lstrip("/")
            yield DatasetFile(index, source.datastore, info, relative)


def _common_folder(folders: Sequence[str]) -> str:
    common = folders[0].split("/") if folders else []
    for folder in folders[1:]:
        elements = folder.split("/")
        same = [ours == theirs for ours, theirs in zip(common, elements, strict=False)]
        common = common[: same.index(False) if False in same else len(same)]
    return "/".join(common)


def _with_extension(files: Iterator[DatasetFile], definition: Definition) -> Iterator[DatasetFile]:
    parse = cast(Mapping[str, Json], definition.get("parse") or {})
    extension = parse.get("file_extension")
    if extension == "":  # v1: nothing given means what the separator makes likely
        extension = ".tsv" if parse.get("separator") == "\t" else ".csv"
    if extension is None:
        return files
    return (file for file in files if file.path.endswith(str(extension)))


def _apply_steps(files: Iterator[DatasetFile], definition: Definition) -> Iterator[DatasetFile]:
    text = definition.get("partition_format")
    partitions = PartitionFormat(str(text)) if text else None
    for number, step in enumerate(cast(Sequence[Mapping[str, Json]], definition.get("steps") or ())):
        files = _apply_step(files, step, number, partitions)
    return files


def _apply_step(
    files: Iterator[DatasetFile], step: Mapping[str, Json], number: int, partitions: PartitionFormat | None
) -> Iterator[DatasetFile]:
    operation = step["op"]
    if operation == "take":
        return islice(files, cast(int, step["count"]))
    if operation == "skip":
        return islice(files, cast(int, step["count"]), None)
    if operation == "sample":
        return (file for file in files if _draw(file, step, number) < cast(float, step["probability"]))
    if operation == "split":
        first = step.get("part", 0) == 0
        share = cast(float, step["percentage"])
        return (file for file in files if (_draw(file, step, number) < share) is first)
    if operation == "filter":
        condition = cast(dict[str, Json], step["expression"])
        return (file for file in files if matches(condition, _known_of(file, partitions)))
    raise UserErrorException(f"file dataset: step {operation!r} needs a table; a file dataset has no columns")


def _known_of(file: DatasetFile, partitions: PartitionFormat | None) -> dict[str, object]:
    """Return what a condition can ask of a file: v1's file attributes, its path, and the partition columns."""
    columns = {} if partitions is None else partitions.values(file.relative_path)
    return {
        "CanSeek": True,
        "Extension": PurePosixPath(file.relative_path).suffix.lstrip("."),
        "LastModifiedTime": file.info.modified,
        "Size": file.size,
        "Path": file.relative_path,
        **columns,
    }


def _draw(file: DatasetFile, step: Mapping[str, Json], number: int) -> float:
    """Return a number in [0, 1) from seed and path, so that a file's fate does not hang on the other files."""
    # The step's number makes two steps of one seed draw apart; both parts of a split have the same number.
    text = f"{step.get('seed') or 0}\n{number}\n{file.relative_path}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / 2**64


def stage_dataset(
    definition: Definition,
    stores: Stores,
    target: Path,
    mode: StagingMode,
    cache: Path,
    *,
    state: FilesState | None = None,
    binds: list[Bind] | None = None,
    lazy: LazyPlacing | None = None,
) -> StagedDataset:
    """
    Bring a dataset's files below `target`, at their paths inside the dataset.

    Args:
        definition: of a dataset of either kind.
        stores: gives the store of a datastore name.
        target: a folder of this input alone; made here.
        mode: `mount` for read-only files out of the cache, `download` for copies that may be written.
        cache: the folder of the host's cache.
        state: takes in the files that were staged.
        binds, lazy: as in `airflow_ml.storage.staging.place_files`.

    Raises:
        DatasetNotFoundError: as in `resolve`.
    """
    dataset = resolve(definition, stores)
    target.mkdir(parents=True, exist_ok=True)
    relative = tuple(file.relative_path.lstrip("/") for file in dataset.files)
    placements = [
        Placement(store_of(file, stores), file.info, target / path)
        for file, path in zip(dataset.files, relative, strict=True)
    ]
    place_files(placements, mode, cache, state, binds=binds, lazy=lazy)
    path = target / relative[0] if dataset.is_single_file else target
    return StagedDataset(target, path, relative, dataset.is_single_file)
