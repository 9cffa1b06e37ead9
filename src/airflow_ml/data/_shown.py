"""What printing a dataset shows: v1's JSON, which templates read back for the paths in it."""

from __future__ import annotations

import json
from collections.abc import Mapping

from airflow_ml._late import late

TYPE_CHECKING = False
if TYPE_CHECKING:
    from airflow_ml.data._definition import Definition
    from airflow_ml.data._workspace import WorkspaceLike
    from airflow_ml.data.abstract_dataset import AbstractDataset
    from airflow_ml.graph.model import Json
    from airflow_ml.storage import web
else:
    web = late("airflow_ml.storage.web")

__all__ = ["as_json"]


def as_json(dataset: AbstractDataset, definition: Definition | None, workspace: WorkspaceLike | None) -> str:
    """
    Return sources, operations (by our names) and registration of a dataset as v1's indented JSON.

    Args:
        definition: the dataset's, if it is known; nothing is looked up for it.
        workspace: where it is registered.
    """
    shown: dict[str, Json] = {}
    if definition is not None:
        shown["source"] = [_source(source) for source in _list(definition.get("sources"))]
        shown["definition"] = [step["op"] for step in _list(definition.get("steps")) if isinstance(step, dict)]
    if dataset.name is not None:
        registration: dict[str, Json] = {"id": dataset.id, "name": dataset.name, "version": dataset.version}
        if dataset.description:
            registration["description"] = dataset.description
        if dataset.tags:
            registration["tags"] = dict(dataset.tags)
        shown["registration"] = {**registration, "workspace": repr(workspace)}
    return json.dumps(shown, indent=2)


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def _source(source: Json) -> str:
    if not isinstance(source, Mapping):
        return str(source)
    if "datastore" in source:
        return f"('{source['datastore']}', '{source.get('path', source.get('query', ''))}')"
    # Without its query and password: a token in an address must not land in logs and notebooks (v1 printed it).
    return web.shown(str(source["url"])) if "url" in source else str(dict(source))
