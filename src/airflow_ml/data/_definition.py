"""
Dataset definitions as data: from the arguments of the factories to the mapping that the registry keeps.

A definition holds only what differs from the defaults, so that two ways to write the same dataset, and versions of
airflow-ml that know more options, agree on one text and one id.
"""

from __future__ import annotations

import zlib

from airflow_ml._late import late
from airflow_ml.data.abstract_datastore import AbstractDatastore
from airflow_ml.data.data_reference import DataReference
from airflow_ml.data.datapath import DataPath
from airflow_ml.exceptions import UserErrorException
from airflow_ml.runtime.sources import not_a_path, query_source, store_sources, web_source

TYPE_CHECKING = False
if TYPE_CHECKING:
    import json
    from collections.abc import Mapping, Sequence
    from typing import TypeAlias

    from airflow_ml.data._workspace import WorkspaceLike
    from airflow_ml.graph.model import Json
    from airflow_ml.runtime import partitions
else:
    json = late("json")
    partitions = late("airflow_ml.runtime.partitions")

__all__ = [
    "Definition",
    "PathLike",
    "checksum",
    "partition_keys",
    "query_source_of",
    "sources_of",
    "with_step",
]

Definition: TypeAlias = "Mapping[str, Json]"

#: What the factories take as one path.
PathLike: TypeAlias = "str | DataPath | DataReference | tuple[AbstractDatastore, str | Sequence[str]]"


def sources_of(path: PathLike | Sequence[PathLike], *, where: str) -> tuple[list[Json], WorkspaceLike | None]:
    """
    Turn what a factory takes as `path` into the definition's sources.

    Returns:
        The sources in the order given, and the workspace of their datastores (None for web addresses alone).

    Raises:
        UserErrorException: a local path, another type, a path that leaves the store, no path at all, or stores of
            two workspaces.
    """
    sources: list[Json] = []
    workspace: WorkspaceLike | None = None
    paths: Sequence[object] = path if isinstance(path, (list, tuple)) and not _is_one_path(path) else [path]
    for item in paths:
        source, store = _source_of(item, where=where)
        sources.extend(source)
        if store is None:
            continue
        if workspace is not None and workspace.ref != store.workspace.ref:
            raise UserErrorException(
                f"{where}: paths are on datastores of two workspaces, {workspace.name!r} and "
                f"{store.workspace.name!r}; a dataset belongs to one"
            )
        workspace = store.workspace
    if not sources:
        raise UserErrorException(f"{where}: no path was given; give a (datastore, path) pair or a web address")
    return sources, workspace


def query_source_of(
    query: object, timeout: object, parameters: Mapping[str, object] | None, *, where: str
) -> tuple[dict[str, Json], WorkspaceLike]:
    """
    Turn what `from_sql_query` takes into the definition's one source.

    Returns:
        The source, and the workspace of its datastore.

    Raises:
        UserErrorException: something else than a pair of datastore and query, or a DataPath made of them.
    """
    if isinstance(query, DataPath):
        store, text = query.datastore, query.path_on_datastore
    elif isinstance(query, tuple) and len(query) == 2 and isinstance(query[0], AbstractDatastore):
        store, text = query
    else:
        raise UserErrorException(
            f"{where}: {query!r} is no query of a datastore; give a (datastore, 'SELECT ...') pair or a DataPath"
        )
    return query_source(store.name, text, timeout, parameters, where=where), store.workspace


def _is_one_path(path: object) -> bool:
    if isinstance(path, tuple):
        return bool(path) and isinstance(path[0], AbstractDatastore)
    return not isinstance(path, list)


def _source_of(path: object, *, where: str) -> tuple[list[dict[str, Json]], AbstractDatastore | None]:
    if isinstance(path, str):
        return [web_source(path, where=where)], None
    if isinstance(path, (DataPath, DataReference)):
        store, places = path.datastore, [path.path_on_datastore or ""]
    elif isinstance(path, tuple) and len(path) == 2 and isinstance(path[0], AbstractDatastore):
        store, places = path[0], list(path[1]) if isinstance(path[1], (list, tuple)) else [path[1]]
    else:
        store, places = None, []
    if store is None or not all(isinstance(place, str) for place in places):
        raise not_a_path(path, where=where)
    return store_sources(store.name, places, where=where), store


def with_step(definition: Definition, step: dict[str, Json]) -> Definition:
    """Return the definition with one more operation at the end."""
    steps = definition.get("steps") or []
    assert isinstance(steps, list)
    return {**definition, "steps": [*steps, step]}


def partition_keys(definition: Definition) -> list[str]:
    """Return the names of a definition's partition columns, in order."""
    text = definition.get("partition_format")
    return partitions.PartitionFormat(str(text)).names if text else []


def checksum(value: object) -> int:
    """
    Return 32 bits that are the same for equal JSON values on every machine.

    For names and seeds that must come out equal on every parse; not an identity of anything.
    """
    return zlib.crc32(json.dumps(value, sort_keys=True, separators=(",", ":")).encode())
