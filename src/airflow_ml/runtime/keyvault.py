"""Secrets inside a step, by way of the operator: a script names one, and no other reaches its process."""

from __future__ import annotations

from airflow_ml.runtime import context as contexts
from airflow_ml.runtime.unavailable import WorkspaceSide

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_ml.runtime.workspace import Workspace

__all__ = ["Keyvault"]

_INSTEAD = "set the environment variable AIRFLOW_ML_SECRET_<NAME> for the worker"


class Keyvault(WorkspaceSide):
    """The workspace's secrets, read alone; `execution/secrets.py` says where they are kept."""

    _elsewhere = ("delete_secret", "delete_secrets", "list_secrets", "set_secret", "set_secrets")
    _instead = dict.fromkeys(_elsewhere, _INSTEAD)

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace

    def get_secret(self, name: str) -> str:
        """Return a secret's value; raises UserErrorException if there is none of that name."""
        value: str = contexts.required("Keyvault.get_secret").request("secret.get", name=name)["value"]
        return value

    def get_secrets(self, secrets: Sequence[str]) -> dict[str, str | None]:
        """Return several secrets by name; None for those that are not there, as v1 does."""
        context = contexts.required("Keyvault.get_secrets")
        return {name: context.request("secret.get", name=name, missing_ok=True)["value"] for name in secrets}

    def get_secret_content_type(self, name: str) -> str:
        """Return an empty text: no kind of content is kept with a secret."""
        self.get_secret(name)
        return ""
