"""
What scripts read of the workspace while they ran, without its being an input of their step.

It is known after a run alone, so it is no part of the fingerprint. It is kept with the result: what was asked for, and
what that came to. A result is taken by a later run if everything still comes to the same.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from airflow_ml.exceptions import DatasetNotFoundError, ModelNotFoundException, ServiceException, UserErrorException
from airflow_ml.reuse.input_identity import Identity, InputIdentities
from airflow_ml.storage.protocol import normalise_path

if TYPE_CHECKING:
    from airflow_ml.graph import Json
    from airflow_ml.reuse.model import ReuseContext

__all__ = ["changed_reads", "identify_read"]

#: What a question comes to whose answer is that nothing is there: a script may go on without it.
_NOTHING = "nothing"


def identify_read(context: ReuseContext, read: Mapping[str, Json]) -> Identity:
    """
    Return what a question of a script comes to now.

    Raises:
        UserErrorException: what it asks for has nothing to be compared by.
        ServiceException: registry or storage failed; trying again can help.
    """
    try:
        return _IDENTIFIERS[str(read["kind"])](context, cast("Mapping[str, Any]", read))
    except (DatasetNotFoundError, ModelNotFoundException):
        return Identity(_NOTHING)


def changed_reads(context: ReuseContext, reads: Sequence[Json] | None) -> str | None:
    """
    Return which of the things that a script read is not what it was, or None.

    Args:
        reads: each question with what it came to, as a result keeps them (`ResultRecord.discovered`); with the state
            of the files too where nobody may have touched them since.

    Raises:
        ServiceException: registry or storage failed; trying again can help.
    """
    for item in cast("Sequence[Mapping[str, Any]]", reads or ()):
        try:
            now = identify_read(context, item["read"])
        except ServiceException:
            raise
        except UserErrorException as error:
            return f"{_name(item['read'])}, which its script reads, cannot be compared: {error}"
        if now.value != item["identity"] or item.get("state", now.state) != now.state:
            change = "is not there" if now.value == _NOTHING else "changed"
            return f"{_name(item['read'])}, which its script reads, {change}"
    return None


def _name(read: Mapping[str, Any]) -> str:
    names = {
        "dataset": f"dataset {read.get('name')!r}",
        "model": f"model {read.get('name')!r}",
        "files": f"{read.get('prefix')!r} on datastore {read.get('datastore')!r}",
        "data": "data of a dataset",
        "datasets": "the list of datasets",
        "models": "the list of models",
    }
    return names[read["kind"]]


def _dataset(context: ReuseContext, read: Mapping[str, Any]) -> Identity:
    version = read["version"]
    record = context.registry.datasets.by_name(read["name"], version if version == "latest" else int(version))
    return Identity(record.id)


def _datasets(context: ReuseContext, _read: Mapping[str, Any]) -> Identity:
    # With the tags, here as of models, because a script may choose by them.
    found = context.registry.datasets.list()
    return _digest(sorted([str(item.name), item.version, item.id, sorted(item.tags.items())] for item in found))


def _data(context: ReuseContext, read: Mapping[str, Any]) -> Identity:
    return InputIdentities(context).of_definition(context.registry.datasets.get(read["id"]).definition)


def _files(context: ReuseContext, read: Mapping[str, Any]) -> Identity:
    """Return the identity of the files whose paths begin with a text (v1: `train` also takes `training/`)."""
    prefix = normalise_path(read["prefix"])
    store = context.store(read["datastore"])
    found = (info for info in store.list(prefix.rpartition("/")[0]) if info.path.startswith(prefix))
    return InputIdentities(context).of_files(store, found)


def _model(context: ReuseContext, read: Mapping[str, Any]) -> Identity:
    return Identity(context.registry.models.get(read["name"], read["version"]).id)


def _models(context: ReuseContext, read: Mapping[str, Any]) -> Identity:
    found = context.registry.models.list(name=read["name"], latest=read["latest"])
    return _digest(sorted([item.id, sorted(item.tags.items()), sorted(item.properties.items())] for item in found))


def _digest(value: object) -> Identity:
    return Identity(hashlib.sha256(json.dumps(value).encode()).hexdigest())


_IDENTIFIERS = {
    "data": _data,
    "dataset": _dataset,
    "datasets": _datasets,
    "files": _files,
    "model": _model,
    "models": _models,
}
