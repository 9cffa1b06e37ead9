"""
Dataset definitions as data: from the arguments of the factories to the mapping that the registry keeps.

A definition holds only what differs from the defaults, so that two ways to write the same dataset, and versions of
airflow-ml that know more options, agree on one text and one id.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Mapping, Sequence

from airflow_ml.data.abstract_datastore import AbstractDatastore
from airflow_ml.data.data_reference import DataReference
from airflow_ml.data.datapath import DataPath
from airflow_ml.data.dataset_type_definitions import PromoteHeadersBehavior
from airflow_ml.exceptions import UserErrorException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from airflow_ml.data._workspace import WorkspaceLike
    from airflow_ml.graph.model import Json

__all__ = [
    "Definition",
    "PathLike",
    "checksum",
    "header_word",
    "partition_keys",
    "sources_of",
    "with_step",
    "without_defaults",
]

Definition: TypeAlias = "Mapping[str, Json]"

#: What the factories take as one path.
PathLike: TypeAlias = "str | DataPath | DataReference | tuple[AbstractDatastore, str | Sequence[str]]"

_HEADERS = {
    PromoteHeadersBehavior.NO_HEADERS: "none",
    PromoteHeadersBehavior.ONLY_FIRST_FILE_HAS_HEADERS: "first",
    PromoteHeadersBehavior.COMBINE_ALL_FILES_HEADERS: "combine",
    PromoteHeadersBehavior.ALL_FILES_HAVE_SAME_HEADERS: "all_same",
}
_PARTITION_KEY = re.compile(r"\{(\w+)(?::[^}]*)?\}")


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
    paths: Sequence[object] = [path] if _is_one_path(path) or not isinstance(path, Sequence) else path
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


def _is_one_path(path: object) -> bool:
    if isinstance(path, tuple):
        return bool(path) and isinstance(path[0], AbstractDatastore)
    return not isinstance(path, list)


def _source_of(path: object, *, where: str) -> tuple[list[Json], AbstractDatastore | None]:
    if isinstance(path, str):
        return [{"url": _web_address(path, where=where)}], None
    if isinstance(path, (DataPath, DataReference)):
        store, places = path.datastore, [path.path_on_datastore or ""]
    elif isinstance(path, tuple) and len(path) == 2 and isinstance(path[0], AbstractDatastore):
        store, places = path[0], [path[1]] if isinstance(path[1], str) else list(path[1])
    else:
        store, places = None, []
    if store is None or not all(isinstance(place, str) for place in places):
        raise UserErrorException(
            f"{where}: {path!r} is not a path of a dataset; give a (datastore, 'path') pair, a DataPath, "
            "a DataReference, a web address, or a list of them"
        )
    return [{"datastore": store.name, "path": _inside(place, where=where)} for place in places], store


def _web_address(text: str, *, where: str) -> str:
    if text.startswith(("http://", "https://")):
        return text
    raise UserErrorException(
        f"{where}: {text!r} is a local path, which steps on another machine cannot see; upload it to a datastore "
        "(datastore.upload, Dataset.File.upload_directory) and give the (datastore, 'path') pair"
    )


def _inside(path: str, *, where: str) -> str:
    clean = path.removeprefix("./").lstrip("/")
    if ".." in clean.split("/"):
        raise UserErrorException(f"{where}: path {path!r} leaves its datastore; give a path without '..'")
    return clean


def header_word(header: bool | PromoteHeadersBehavior, *, where: str) -> str:
    """Return the definition's word for v1's `header`; raises UserErrorException for another type."""
    if isinstance(header, bool):
        return "all_same" if header else "none"
    if isinstance(header, PromoteHeadersBehavior):
        return _HEADERS[header]
    raise UserErrorException(f"{where}: header {header!r} is neither a bool nor a PromoteHeadersBehavior")


def without_defaults(values: Mapping[str, Json], defaults: Mapping[str, Json]) -> dict[str, Json]:
    """Return the values that differ from their defaults."""
    return {key: value for key, value in values.items() if key not in defaults or value != defaults[key]}


def with_step(definition: Definition, step: dict[str, Json]) -> Definition:
    """Return the definition with one more operation at the end."""
    steps = definition.get("steps") or []
    assert isinstance(steps, list)
    return {**definition, "steps": [*steps, step]}


def partition_keys(definition: Definition) -> list[str]:
    """Return the names of a definition's partition columns, in order."""
    return _PARTITION_KEY.findall(str(definition.get("partition_format") or ""))


def checksum(value: object) -> int:
    """
    Return 32 bits that are the same for equal JSON values on every machine.

    For names and seeds that must come out equal on every parse; not an identity of anything.
    """
    return zlib.crc32(json.dumps(value, sort_keys=True, separators=(",", ":")).encode())
