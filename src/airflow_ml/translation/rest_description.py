"""The OpenAPI description of the addresses that start runs; whoever changes an answer changes it here too."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from airflow_ml._version import __version__
from airflow_ml.translation.rest_paths import (
    DESCRIPTION_PATH,
    ENDPOINT_NAME_PATH,
    ENDPOINT_PATH,
    ENDPOINT_VERSION_PATH,
    SUBMIT_PATH,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_ml.graph import Json

__all__ = ["description"]

_ASSIGNED = "Values of the pipeline's parameters by name"

_BODY: Mapping[str, Json] = {
    "type": "object",
    "required": ["ExperimentName"],
    "description": "Names of fields are taken in any case; a field that is not listed is refused.",
    "properties": {
        "ExperimentName": {"type": "string", "description": "The experiment that the run is of; made if it is new."},
        "Description": {"type": ["string", "null"]},
        "RunSource": {"type": ["string", "null"], "description": "Who asks; `HTTP` unless given."},
        "RunType": {"type": ["string", "null"], "description": "How the run is started; `HTTP` unless given."},
        "ParameterAssignments": {
            "type": ["object", "null"],
            "description": f"{_ASSIGNED}. Text stands for the number or truth value that it says; data is"
            " `datastore://NAME/PATH`, `dataset://NAME@VERSION` or `dataset://id/ID`. Where a pipeline declares"
            " parameters, another name is an error; where it declares none, names are without effect.",
            "additionalProperties": {"type": ["string", "number", "boolean", "null"]},
        },
        "DataPathAssignments": {
            "type": ["object", "null"],
            "description": f"{_ASSIGNED}, for those that are data paths.",
            "additionalProperties": {
                "type": "object",
                "required": ["DataStoreName", "RelativePath"],
                "properties": {"DataStoreName": {"type": "string"}, "RelativePath": {"type": "string"}},
            },
        },
        "DataSetDefinitionValueAssignments": {
            "type": ["object", "null"],
            "description": f"{_ASSIGNED}, for those that are datasets.",
            "additionalProperties": {
                "type": "object",
                "properties": {
                    "SavedDataSetReference": {
                        "type": "object",
                        "required": ["Id"],
                        "properties": {"Id": {"type": "string"}},
                    },
                    "DataSetReference": {
                        "type": "object",
                        "required": ["Name"],
                        "properties": {"Name": {"type": "string"}, "Version": {"type": ["string", "integer", "null"]}},
                    },
                },
            },
        },
        "Tags": {"type": ["object", "null"], "description": "Tags of the run."},
        "Properties": {"type": ["object", "null"], "description": "Properties of the run."},
        "ContinueRunOnStepFailure": {
            "type": ["boolean", "null"],
            "description": "Whether steps go on that do not need a failed one; as published unless given.",
        },
        "Reuse": {
            "type": ["string", "null"],
            "description": "How results of earlier runs are used: `normal` unless given, `off` or `refresh`.",
        },
    },
}

_STARTED: Mapping[str, Json] = {
    "type": "object",
    "required": ["Id"],
    "properties": {
        "Id": {"type": "string", "description": "The run's id."},
        "Warnings": {"type": "array", "items": {"type": "string"}},
    },
}

_ERROR: Mapping[str, Json] = {
    "type": "object",
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message"],
            "properties": {"code": {"type": "string"}, "message": {"type": "string"}},
        },
        "detail": {"type": "string", "description": "In the place of `error`, where Airflow answers."},
    },
}

_REFUSALS = {
    "400": "The body is not right, what it asks for is disabled, or a parameter is.",
    "401": "No token, or one that is not valid.",
    "403": "The user may not start runs of the pipeline's DAG.",
    "404": "No such workspace, published pipeline, endpoint or version.",
    "411": "No Content-Length (where a process serves its own addresses).",
    "413": "The body is too long.",
    "415": "The body is not sent as application/json.",
    "501": "This Airflow does not run published pipelines.",
    "503": "The run could not be started; trying again may help.",
}

_QUERY_VERSION: Mapping[str, Json] = {
    "name": "pipelineVersion",
    "in": "query",
    "schema": {"type": "string"},
    "description": "The version to run; the default one unless given.",
}

#: Path, name of the operation, what it starts, parameters of the query.
_STARTING: tuple[tuple[str, str, str, tuple[Mapping[str, Json], ...]], ...] = (
    (SUBMIT_PATH, "submit_pipeline", "Start a run of a published pipeline.", ()),
    (ENDPOINT_PATH, "submit_endpoint", "Start a run of a pipeline endpoint.", (_QUERY_VERSION,)),
    (ENDPOINT_VERSION_PATH, "submit_endpoint_version", "Start a run of a version of a pipeline endpoint.", ()),
    (
        ENDPOINT_NAME_PATH,
        "submit_endpoint_by_name",
        "Start a run of the pipeline endpoint of a name.",
        ({"name": "name", "in": "query", "required": True, "schema": {"type": "string"}}, _QUERY_VERSION),
    ),
)


def description(server: str) -> dict[str, Json]:
    """
    Return the description.

    Args:
        server: what stands in front of the paths.
    """
    paths: dict[str, Json] = {path: {"post": _starting(path, *rest)} for path, *rest in _STARTING}  # type: ignore[arg-type]
    paths[DESCRIPTION_PATH] = {
        "get": {
            "operationId": "description",
            "summary": "This description.",
            "responses": {
                "200": {"description": "OpenAPI.", "content": _json({"type": "object"})},
                "401": _refusal("401"),
            },
        }
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "airflow-ml: runs of published pipelines", "version": __version__},
        "servers": [{"url": server or "/"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A token of Airflow, such as `get_authentication_header()` gives.",
                }
            },
            "schemas": cast("Json", {"Run": _BODY, "Started": _STARTED, "Error": _ERROR}),
        },
    }


def _starting(path: str, name: str, summary: str, query: tuple[Mapping[str, Json], ...]) -> Json:
    in_path = [part.strip("{}") for part in path.split("/") if part.startswith("{")]
    parameters = [
        *({"name": part, "in": "path", "required": True, "schema": {"type": "string"}} for part in in_path),
        *query,
    ]
    return {
        "operationId": name,
        "summary": summary,
        "parameters": cast("Json", parameters),
        "requestBody": {"required": True, "content": _json({"$ref": "#/components/schemas/Run"})},
        "responses": {
            "200": {"description": "The run was started.", "content": _json({"$ref": "#/components/schemas/Started"})},
            **{status: _refusal(status) for status in _REFUSALS},
        },
    }


def _refusal(status: str) -> Json:
    return {"description": _REFUSALS[status], "content": _json({"$ref": "#/components/schemas/Error"})}


def _json(schema: Json) -> Json:
    return {"application/json": {"schema": schema}}
