"""
The paths by which v1's REST clients start runs: of a published pipeline, and of a pipeline endpoint by id or name.

Official notebooks take such addresses apart: they cut that of an endpoint at its first `Id` and write `Name?name=...`
behind. So no name in front of it may have these two letters as they are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote, unquote

from airflow_ml.exceptions import UserErrorException

if TYPE_CHECKING:
    from airflow_ml.graph import WorkspaceRef

__all__ = [
    "DESCRIPTION_PATH",
    "ENDPOINT_NAME_PATH",
    "ENDPOINT_PATH",
    "ENDPOINT_VERSION_PATH",
    "SUBMIT_PATH",
    "RunTarget",
    "endpoint_path",
    "make_target",
    "read_target",
    "submit_path",
]

_RUNS = (
    "/pipelines/v1.0/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.MachineLearningServices"
    "/workspaces/{workspace}/PipelineRuns"
)

#: Starts a run of a published pipeline.
SUBMIT_PATH = f"{_RUNS}/PipelineSubmit/{{pipeline_id}}"

#: Start a run of an endpoint: of its default version, of the version that `pipelineVersion` of the query names, or of
#: the version in the path; the last one takes its name from the query.
ENDPOINT_PATH = f"{_RUNS}/PipelineEndpointSubmit/Id/{{endpoint_id}}"
ENDPOINT_VERSION_PATH = f"{ENDPOINT_PATH}/{{version}}"
ENDPOINT_NAME_PATH = f"{_RUNS}/PipelineEndpointSubmit/Name"

#: Gives the description of all of them.
DESCRIPTION_PATH = "/pipelines/v1.0/openapi.json"


@dataclass(frozen=True)
class RunTarget:
    """
    What a request is to start a run of.

    Attributes:
        pipeline_id: of a published pipeline; without one it is an endpoint, by `endpoint_id` or `endpoint_name`.
        version: of the endpoint; None means its default.
    """

    workspace: str
    pipeline_id: str | None = None
    endpoint_id: str | None = None
    endpoint_name: str | None = None
    version: str | None = None


def submit_path(workspace: WorkspaceRef, pipeline_id: str) -> str:
    """Return the path of a published pipeline, in v1's form; where Azure's names are not known stands `-`."""
    return _path(SUBMIT_PATH, workspace, pipeline_id=pipeline_id)


def endpoint_path(workspace: WorkspaceRef, endpoint_id: str) -> str:
    """Return the path of a pipeline endpoint's default version."""
    return _path(ENDPOINT_PATH, workspace, endpoint_id=endpoint_id)


def read_target(path: str, query: str = "") -> RunTarget | None:
    """
    Return what a path and its query ask for, or None for any other path.

    Raises:
        UserErrorException: the path of endpoints by name, without a name.
    """
    for pattern in _PATTERNS:
        found = pattern.fullmatch(path)
        if found is not None:
            named = {name: unquote(value) for name, value in found.groupdict().items()}
            asked = {name: values[-1] for name, values in parse_qs(query).items()}
            return make_target(named, asked)
    return None


def make_target(named: dict[str, str], asked: dict[str, str]) -> RunTarget:
    """
    Return what is asked for.

    Args:
        named: the names of the path, and their values.
        asked: those of the query.

    Raises:
        UserErrorException: neither of them names anything.
    """
    pipeline_id, endpoint_id = named.get("pipeline_id"), named.get("endpoint_id")
    name = None if pipeline_id or endpoint_id else asked.get("name")
    if not (pipeline_id or endpoint_id or name):
        raise UserErrorException(
            "name of the query: it is missing; write .../PipelineEndpointSubmit/Name?name= and the endpoint's name"
        )
    version = named.get("version") or asked.get("pipelineVersion") or asked.get("version")
    return RunTarget(named["workspace"], pipeline_id, endpoint_id, name, None if pipeline_id else version)


def _path(form: str, workspace: WorkspaceRef, **names: str) -> str:
    return form.format(
        subscription=_quoted(workspace.subscription_id or "-"),
        group=_quoted(workspace.resource_group or "-"),
        workspace=_quoted(workspace.name),
        **{name: quote(value, safe="") for name, value in names.items()},
    )


def _quoted(name: str) -> str:
    return quote(name, safe="").replace("Id", "%49d")


def _pattern(form: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(form)))


_PATTERNS = tuple(_pattern(form) for form in (SUBMIT_PATH, ENDPOINT_NAME_PATH, ENDPOINT_VERSION_PATH, ENDPOINT_PATH))
