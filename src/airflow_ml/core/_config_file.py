"""The workspace's `config.json`: v1's places and keys, and two keys more."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from airflow_ml._service_addresses import note_address
from airflow_ml.core._caller import base_directory
from airflow_ml.exceptions import UserErrorException
from airflow_ml.graph.model import WorkspaceRef

__all__ = ["find_config", "read_config", "write_config"]

_FOLDERS = (".azureml", "aml_config", ".")
_PASSWORD = re.compile(r"://[^/@:]*:[^/@]+@")


def find_config(path: str | None, file_name: str | None) -> Path:
    """
    Return the configuration file that v1 would read.

    Args:
        path: a file, or the folder to start from; None starts from the folder of the DAG file that is being parsed,
            then from the current folder.

    Raises:
        UserErrorException: there is none there or in any folder above.
    """
    name = file_name or "config.json"
    base = Path(base_directory())
    if path is not None and (base / path).is_file():
        return base / path
    starts = [base / path] if path is not None else list(dict.fromkeys([base, Path.cwd()]))
    for start in starts:
        for candidate in _candidates(start, name):
            if candidate.is_file():
                return candidate
    raise UserErrorException(
        f"workspace configuration: no {name!r} in {str(starts[0])!r} or a folder above it (also looked for in "
        "'.azureml' and 'aml_config'); write one with Workspace.create(...).write_config(), or give path="
    )


def _candidates(start: Path, name: str) -> Iterator[Path]:
    folder = start.resolve()
    for place in (folder, *folder.parents):
        for inside in _FOLDERS:
            yield place / inside / name


def read_config(file: Path) -> WorkspaceRef:
    """
    Read a configuration file: `workspace_name`, `subscription_id`, `resource_group`, `registry_url` and `airflow_url`.

    The last two are ours. One names the workspace's database; without it the workspace lives under the home folder of
    this machine. The other one is the address of the Airflow that runs the workspace's pipelines.

    Raises:
        UserErrorException: the file is not such JSON, or has a secret in it.
    """
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise UserErrorException(f"workspace configuration {str(file)!r}: cannot be read as JSON: {exc}") from exc
    if not isinstance(content, dict) or not isinstance(content.get("workspace_name"), str):
        raise UserErrorException(
            f"workspace configuration {str(file)!r}: has no text 'workspace_name'; add it, for instance "
            '{"workspace_name": "ml"}'
        )
    values = {key: content.get(key) for key in ("subscription_id", "resource_group", "registry_url", "airflow_url")}
    for key, value in values.items():
        if value is not None and not isinstance(value, str):
            raise UserErrorException(f"workspace configuration {str(file)!r}: {key!r} is {value!r}, expected text")
    if values["registry_url"] and _PASSWORD.search(values["registry_url"]):
        raise UserErrorException(
            f"workspace configuration {str(file)!r}: 'registry_url' holds a password; leave it out of the file and "
            "put it into the environment as AIRFLOW_ML_REGISTRY_PASSWORD"
        )
    if "airflow_token" in content or "airflow_password" in content:
        raise UserErrorException(
            f"workspace configuration {str(file)!r}: a token or password of Airflow is in it; remove it, make a new one"
            " and put that into the environment as AIRFLOW_ML_AIRFLOW_TOKEN"
        )
    address = values.pop("airflow_url")
    ref = WorkspaceRef(name=content["workspace_name"], **values)
    note_address(ref, address)
    return ref


def write_config(ref: WorkspaceRef, path: str | None, file_name: str | None) -> Path:
    """Write the configuration file `.azureml/config.json` below a folder (default: here) and return its path."""
    folder = Path(path) if path is not None else Path.cwd()
    file = (folder if folder.name == ".azureml" else folder / ".azureml") / (file_name or "config.json")
    content = {
        "subscription_id": ref.subscription_id,
        "resource_group": ref.resource_group,
        "workspace_name": ref.name,
    }
    if ref.registry_url is not None:
        content["registry_url"] = ref.registry_url
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content, indent=4) + "\n", encoding="utf-8")
    return file
