"""
What a step's inputs are compared by: their content, or their definition.

Content is found out without reading what did not change: files of this machine by the cache of digests, blobs by what
their store says of them. However many files there are, they are gone through one by one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple, cast

from airflow_ml.exceptions import AzureMLException, ServiceException, UserErrorException
from airflow_ml.graph import (
    DatabaseSource,
    DataReferenceSource,
    DatasetSource,
    InputPort,
    ParameterSource,
    Source,
    StepOutputSource,
    TaskSource,
    parameter_source,
)
from airflow_ml.reuse.addresses import stable_sources
from airflow_ml.reuse.environment_records import Environments
from airflow_ml.reuse.listings import ListingWriter
from airflow_ml.reuse.policy import combined, workspace_policy
from airflow_ml.reuse.records import canonical, digest_of
from airflow_ml.storage.datasets import list_files, store_of
from airflow_ml.storage.files_state import FilesState
from airflow_ml.storage.protocol import normalise_path
from airflow_ml.storage.web import shown

if TYPE_CHECKING:
    from airflow_ml.graph import Graph, Json, ReusePolicy, Step
    from airflow_ml.graph.model import InputIdentity
    from airflow_ml.reuse.fingerprint import StepFacts
    from airflow_ml.reuse.model import ReuseContext
    from airflow_ml.storage.protocol import FileInfo, ReadableStore

__all__ = ["STATE", "Identity", "InputIdentities"]

#: In the note of an identity by content: the `FilesState` of the files.
STATE = "state"

#: So many files are held in memory.
_CHUNK = 4096


@dataclass(frozen=True)
class Identity:
    """
    What one input is compared by.

    Attributes:
        note: for explanations: number of files and bytes, the digest of the list of files, the producer's run; and
            the `STATE` of the files, for those who have to know that nobody touched them.
    """

    value: Json
    note: Json = None

    @property
    def state(self) -> Json:
        """The `STATE` of the files; None where nothing was looked at."""
        return self.note.get(STATE) if isinstance(self.note, Mapping) else None


class _Entry(NamedTuple):
    """
    A file as the step sees it.

    Attributes:
        store: where it can be read; `info` says what is known of it there.
    """

    path: str
    info: FileInfo
    store: ReadableStore


@dataclass(frozen=True)
class _Content:
    """What many files are together."""

    digest: str
    files: int
    size: int
    listing: str | None
    state: str

    @property
    def note(self) -> dict[str, Json]:
        return {"files": self.files, "bytes": self.size, "listing": self.listing, STATE: self.state}


class InputIdentities:
    """
    Identities of inputs as they are now; what was found out once is not looked at again, so take a new one each time.

    Args:
        keep_listings: store the lists of files behind inputs in the workspace, for later explanations.

    Attributes:
        environments: the records of environment definitions.
    """

    def __init__(self, context: ReuseContext, *, keep_listings: bool = False) -> None:
        self.environments = Environments(context.registry, context.digests)
        self._context = context
        self._keep_listings = keep_listings
        self._found: dict[tuple[object, ...], Identity] = {}
        self._named: dict[tuple[str, str], tuple[Mapping[str, Json], int | None]] = {}
        self._roots: dict[int, tuple[ReadableStore, str | None]] = {}
        self._workspace_policy: ReusePolicy | None = None
        self._default_datastore: str | None = None

    def policy(self, step: Step, graph: Graph) -> ReusePolicy:
        """
        Return the step's policy, with the workspace's as it was at the first question.

        Raises:
            UserErrorException: the workspace's policy cannot be read.
        """
        if self._workspace_policy is None:
            self._workspace_policy = workspace_policy(self._context.registry)
        return combined(step.reuse, graph.reuse, self._workspace_policy)

    def default_datastore(self, graph: Graph) -> str:
        """Return the name of the datastore of outputs that name none."""
        if graph.default_datastore is not None:
            return graph.default_datastore
        if self._default_datastore is None:
            self._default_datastore = self._context.registry.datastores.default().name
        return self._default_datastore

    def of(self, port: InputPort, graph: Graph, facts: StepFacts, rule: InputIdentity) -> Identity:
        """
        Return the identity of one input.

        Args:
            rule: whether data counts by its content or by its definition; outputs of steps always by their content.

        Raises:
            UserErrorException: the data cannot be found, changes while it is read, or has nothing to be compared by.
        """
        try:
            return self._of(port.source, port, graph, facts, rule)
        except AzureMLException as error:
            raise error.at(f"input {port.name!r}") from error

    def of_definition(self, definition: Mapping[str, Json]) -> Identity:
        """
        Return what the data of a dataset is compared by that a script asked for while it ran, as a digest.

        Raises:
            UserErrorException: as `of`.
        """
        key = ("dataset", canonical(cast("Json", definition)), True)
        found = self._once(key, lambda: self._of_dataset(definition, is_direct=True))
        return Identity(digest_of(found.value), found.note)

    def of_files(self, store: ReadableStore, files: Iterable[FileInfo]) -> Identity:
        """
        Return what files of a store are compared by that a script asked for while it ran.

        Raises:
            UserErrorException: as `of`.
        """
        content = self._content(_Entry(info.path, info, store) for info in files)
        return Identity(content.digest, content.note)

    def _of(self, source: Source, port: InputPort, graph: Graph, facts: StepFacts, rule: InputIdentity) -> Identity:
        if isinstance(source, ParameterSource):
            named = parameter_source(graph.parameter(source.parameter), facts.parameters.get(source.parameter))
            return self._of(named, port, graph, facts, rule)
        if isinstance(source, TaskSource):
            return self._of(_handed_on(source, facts), port, graph, facts, rule)
        if isinstance(source, StepOutputSource):
            return self._of_output(source, port, facts)
        if isinstance(source, DatabaseSource):
            return _of_rows(source, rule)
        if isinstance(source, DataReferenceSource):
            place = ("reference", source.datastore, source.path, rule)
            return self._once(place, lambda: self._of_reference(source, rule))
        definition, version = self._dataset(source)
        if rule == "definition":
            return _of_definition(definition, version)
        key = ("dataset", canonical(cast("Json", definition)), port.mode == "direct")
        return self._once(key, lambda: self._of_dataset(definition, is_direct=port.mode == "direct"))

    def _of_output(self, source: StepOutputSource, port: InputPort, facts: StepFacts) -> Identity:
        output = facts.upstream.get((source.step, source.output))
        if output is None:
            raise UserErrorException(
                f"the output {source.output!r} of step {source.step!r} is not there; let that step run first"
            )
        value: dict[str, Json] = {"kind": "output", "content": output.identity}
        note: dict[str, Json] = {"run_id": output.run_id, "step": source.step, "output": source.output}
        if output.is_file:
            value |= {"is_file": True, "file_name": output.file_name}
        if output.shared_folder is not None and port.mode == "direct":
            # Staging takes what the manifest lists; a script that gets the dataset reads whatever lies there.
            folder = DataReferenceSource(*output.shared_folder)
            beside = self._once(("folder", folder), lambda: self._of_reference(folder, "content"))
            value["folder"], note[STATE] = beside.value, beside.state
        return Identity(value, note)

    def _once(self, key: tuple[object, ...], find: Callable[[], Identity]) -> Identity:
        if key not in self._found:
            self._found[key] = find()
        return self._found[key]

    def _dataset(self, source: DatasetSource) -> tuple[Mapping[str, Json], int | None]:
        """Return a dataset's definition, and its version where it was asked for by name."""
        if source.name is None and source.definition is not None:
            return source.definition, None
        key = (source.name, source.version) if source.name is not None else ("", str(source.saved_id))
        if key not in self._named:
            datasets = self._context.registry.datasets
            record = datasets.by_name(*key) if source.name is not None else datasets.get(key[1])
            self._named[key] = record.definition, record.version if source.name is not None else None
        return self._named[key]

    def _of_dataset(self, definition: Mapping[str, Json], *, is_direct: bool) -> Identity:
        if definition.get("kind") != "tabular" and not definition.get("steps") and not is_direct:
            # In which order the folders were named shows in nothing that a script sees of mounted files.
            definition = {**definition, "sources": sorted(cast("list[Json]", definition["sources"]), key=canonical)}
        listing = list_files(definition, self._context.store)
        content = self._content(
            _Entry(file.relative_path, file.info, store_of(file, self._context.store)) for file in listing.files
        )
        value: dict[str, Json] = {name: item for name, item in definition.items() if name != "sources"}
        value["content"] = content.digest
        if listing.is_single_source and content.files:
            value["is_file"] = True
        # A script that gets a dataset of files may ask where they lie; a table tells only if it has a column for it.
        if (is_direct and definition.get("kind") != "tabular") or _shows_paths(definition):
            value["sources"] = stable_sources(definition["sources"])
        return Identity(value, content.note)

    def _of_reference(self, source: DataReferenceSource, rule: InputIdentity) -> Identity:
        if rule == "definition":
            return Identity({"datastore": source.datastore, "path": source.path})
        store = self._context.store(source.datastore)
        path = normalise_path(source.path)
        if path and store.exists(path):
            name = path.rpartition("/")[2]
            content = self._content([_Entry(name, store.stat(path), store)])
            return Identity({"kind": "reference", "is_file": True, "content": content.digest}, content.note)
        if not store.is_folder(path):
            return Identity({"kind": "reference", "content": None})
        content = self._content(_Entry(info.path[len(path) :].lstrip("/"), info, store) for info in store.list(path))
        return Identity({"kind": "reference", "content": content.digest}, content.note)

    def _content(self, entries: Iterable[_Entry]) -> _Content:
        """Return what the files are together: the digest over path, size and content of each, in their order."""
        digest, state, count, size = hashlib.sha256(), FilesState(), 0, 0
        with ListingWriter(self._context, is_shared=self._keep_listings) as listing:
            for entry, content in self._digests(entries):
                line = f"{canonical([entry.path, entry.info.size, content])}\n".encode("ascii")
                digest.update(line)
                state.add(entry.info)
                listing.add(entry.path, line)
                count += 1
                size += max(entry.info.size, 0)
            total = digest.hexdigest()
            return _Content(total, count, size, listing.keep(total), str(state))

    def _digests(self, entries: Iterable[_Entry]) -> Iterator[tuple[_Entry, str]]:
        """Yield the files with what their content is compared by; those of this machine are read many at once."""
        remaining = iter(entries)
        while chunk := list(islice(remaining, _CHUNK)):
            places = [self._local_place(entry) for entry in chunk]
            read = self._context.digests.digest_files(place for place in places if place is not None)
            try:
                for entry, place in zip(chunk, places, strict=True):
                    yield entry, _known_digest(entry.info) if place is None else next(read).digest
            except OSError as error:
                raise _unreadable(error) from error

    def _local_place(self, entry: _Entry) -> str | None:
        # The listing has looked at links already, so one question about a store's root answers for all its files.
        if id(entry.store) not in self._roots:
            root = entry.store.local_path("")
            self._roots[id(entry.store)] = entry.store, None if root is None else str(root)
        root_path = self._roots[id(entry.store)][1]
        return None if root_path is None else f"{root_path}/{entry.info.path}"


def _known_digest(info: FileInfo) -> str:
    known = info.digest or (f"etag:{info.etag}" if info.etag else "")
    if not known:
        raise UserErrorException(
            f"the server of {shown(info.path)!r} gives neither an ETag nor a time of change, so nobody can tell whether"
            " the file changed; copy it to a datastore, or compare inputs by their definition"
        )
    return known


def _unreadable(error: OSError) -> AzureMLException:
    where = f"file {error.filename!r}" if error.filename else "a file"
    if isinstance(error, FileNotFoundError):
        return UserErrorException(f"{where} was deleted while it was looked at; let nothing change data that is in use")
    if isinstance(error, PermissionError):
        return UserErrorException(f"{where} cannot be read: {error.strerror}; give this user the right to read it")
    return ServiceException(f"{where} cannot be read: {error}")


def _of_definition(definition: Mapping[str, Json], version: int | None) -> Identity:
    stable = {**definition, "sources": stable_sources(definition["sources"])}
    value: dict[str, Json] = {"kind": "definition", "definition": digest_of(stable)}
    return Identity(value if version is None else {**value, "version": version})


def _of_rows(source: DatabaseSource, rule: InputIdentity) -> Identity:
    """Return what rows are compared by that a transfer reads: only by what is asked for, never by asking."""
    if rule != "definition":
        raise UserErrorException(
            "whether rows of a database have changed is known only when they are read, so they are copied each time;"
            " compare inputs by their definition to copy them once"
        )
    given = {"table": source.table, "query": source.query, "procedure": source.procedure}
    value: dict[str, Json] = {name: text for name, text in given.items() if text is not None}
    parameters: list[Json] = [[*parameter] for parameter in source.parameters]
    return Identity({"datastore": source.datastore, **value, **({"parameters": parameters} if parameters else {})})


def _handed_on(source: TaskSource, facts: StepFacts) -> DatasetSource:
    value = facts.handed_on.get(source.task_id)
    if not isinstance(value, Mapping) or "dataset_id" not in value:
        raise UserErrorException(f"task {source.task_id!r} has handed on no dataset; let it run first")
    return DatasetSource(saved_id=str(value["dataset_id"]))


def _shows_paths(definition: Mapping[str, Json]) -> bool:
    """Tell whether a script sees where files lie, in columns of the table."""
    parse = definition.get("parse")
    return bool(definition.get("partition_format")) or (isinstance(parse, Mapping) and bool(parse.get("include_path")))
