"""The sources of a dataset's definition: web addresses, and paths on datastores."""

from __future__ import annotations

from airflow_ml._late import late
from airflow_ml.exceptions import UserErrorException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from airflow_ml.runtime import partitions
else:
    partitions = late("airflow_ml.runtime.partitions")

__all__ = [
    "QUERY_SECONDS",
    "folder_sources",
    "not_a_path",
    "query_source",
    "store_sources",
    "web_source",
    "with_partitions",
]

#: Seconds that a database has for a query unless somebody says otherwise (v1's `query_timeout`).
QUERY_SECONDS = 30


def web_source(text: str, *, where: str) -> dict[str, Any]:
    """Return the source of a web address; raises UserErrorException for a local path, as v1 does, or another scheme."""
    if text.startswith(("http://", "https://")):
        return {"url": text}
    if "://" in text and not text.startswith("file:"):
        raise UserErrorException(
            f"{where}: {text!r} is no web address that can be read here, only http and https are; register the store"
            " as a datastore and give the (datastore, 'path') pair"
        )
    raise UserErrorException(
        f"{where}: {text!r} is a local path, which steps on another machine cannot see; upload it to a datastore "
        "(datastore.upload, Dataset.File.upload_directory) and give the (datastore, 'path') pair"
    )


def store_sources(datastore: str, places: Iterable[str], *, where: str) -> list[dict[str, Any]]:
    """Return the sources of paths on one datastore; raises UserErrorException for one that leaves it."""
    return [{"datastore": datastore, "path": _inside(place, where=where)} for place in places]


def query_source(
    datastore: str, query: Any, timeout: Any, parameters: Mapping[str, Any] | None, *, where: str
) -> dict[str, Any]:
    """
    Return the source of a query of a database.

    Args:
        timeout: seconds that the database may take to answer; 0 is no limit, as in v1.
        parameters: values for the `:name`s in the query; they are bound and never become part of its text.

    Raises:
        UserErrorException: no query, a timeout that is no number of seconds, or a value that no parameter can have.
    """
    if not isinstance(query, str) or not query.strip():
        raise UserErrorException(f"{where}: {query!r} is no query; give a (datastore, 'SELECT ...') pair or a DataPath")
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or not 0 <= timeout < 1e6:
        raise UserErrorException(f"{where}: query_timeout {timeout!r} is no number of seconds; give 0 for no limit")
    source: dict[str, Any] = {"datastore": datastore, "query": query}
    if timeout != QUERY_SECONDS:
        source["timeout"] = timeout
    if parameters:
        source["parameters"] = _checked_parameters(parameters, where=where)
    return source


def _checked_parameters(parameters: Mapping[str, Any], *, where: str) -> dict[str, Any]:
    for name, value in parameters.items():
        if not isinstance(name, str) or not (value is None or isinstance(value, (bool, int, float, str))):
            raise UserErrorException(
                f"{where}: parameter {name!r} is {type(value).__name__}; give text, a number, True, False or None"
                " (a date as text)"
            )
    return dict(parameters)


def _inside(path: str, *, where: str) -> str:
    clean = (path[2:] if path.startswith("./") else path).lstrip("/")
    if ".." in clean.split("/"):
        raise UserErrorException(f"{where}: path {path!r} leaves its datastore; give a path without '..'")
    return clean


def not_a_path(path: object, *, where: str) -> UserErrorException:
    """Return the error for something that no dataset can be made of."""
    return UserErrorException(
        f"{where}: {path!r} is not a path of a dataset; give a (datastore, 'path') pair, a DataPath, a DataReference, "
        "a web address, or a list of them"
    )


def folder_sources(sources: Iterable[Any], *, where: str) -> list[Any]:
    """Return the sources with a `/` at the end of each path, which says that it is a folder."""
    folders = []
    for source in sources:
        if "datastore" not in source:
            raise UserErrorException(f"{where}: target is a web address; give a datastore path")
        path = source["path"].rstrip("/")
        folders.append({**source, "path": f"{path}/" if path else ""})
    return folders


def with_partitions(definition: dict[str, Any], partition_format: str | None) -> dict[str, Any]:
    """
    Return the definition with a partition format.

    Raises:
        UserErrorException: a format that names no column, one twice, or a time without a year.
    """
    if partition_format is None:
        return definition
    if not isinstance(partition_format, str):
        raise UserErrorException(f"partition format {partition_format!r} is no text; write it as '{{column}}/file.csv'")
    partitions.PartitionFormat(partition_format)
    return {**definition, "partition_format": partition_format}
