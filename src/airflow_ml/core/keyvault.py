"""
The workspace's key vault (`azureml.core.keyvault`).

Secrets are not kept in a workspace: whoever can read its database would read them. They are read from the environment,
by the same rule as for the scripts of steps; what would keep one says where secrets belong.
"""

from __future__ import annotations

from airflow_ml._late import late
from airflow_ml.exceptions import NotSupportedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import NoReturn

    from airflow_ml.execution import secrets as environment_secrets
else:
    environment_secrets = late("airflow_ml.execution.secrets")

__all__ = ["Keyvault"]


class Keyvault:
    """
    Secrets by name: of this process's environment, as `AIRFLOW_ML_SECRET_<NAME>`.

    Args:
        workspace: whose vault it is.
    """

    def __init__(self, workspace: object) -> None:
        self.workspace = workspace

    def _refusal(self, call: str) -> NotSupportedError:
        return NotSupportedError(
            f"key vault of {getattr(self.workspace, 'name', None)!r}: {call} is not supported, a workspace keeps no "
            "secrets; set the environment variable AIRFLOW_ML_SECRET_<NAME> where it is asked for, or keep it in an "
            "Airflow connection or variable"
        )

    def get_secret(self, name: str) -> str:
        """Return a secret's value; raises UserErrorException if there is none of that name."""
        return str(environment_secrets.read_secret(name))

    def get_secrets(self, secrets: Sequence[str]) -> dict[str, str | None]:
        """Return several secrets by name; None for those that are not there, as v1 does."""
        return {name: environment_secrets.read_secret(name, missing_ok=True) for name in secrets}

    def get_secret_content_type(self, name: str) -> str:
        """Return an empty text: no kind of content is kept with a secret."""
        self.get_secret(name)
        return ""

    def list_secrets(self) -> NoReturn:
        """Not supported: the environment does not tell secrets from other names."""
        raise self._refusal("list_secrets()")

    def set_secret(self, name: str, value: str, content_type: object = None) -> NoReturn:
        """Not supported: keep it in an Airflow connection or variable."""
        del value, content_type  # not shown
        raise self._refusal(f"set_secret({name!r})")

    def set_secrets(self, secrets_batch: Mapping[str, str]) -> NoReturn:
        """Not supported: keep them in Airflow connections or variables."""
        raise self._refusal(f"set_secrets of {sorted(secrets_batch)!r}")

    def delete_secret(self, name: str) -> NoReturn:
        """Not supported: take it out of the environment."""
        raise self._refusal(f"delete_secret({name!r})")

    def delete_secrets(self, secrets: Sequence[str]) -> NoReturn:
        """Not supported: take it out of the environment."""
        raise self._refusal(f"delete_secrets({list(secrets)!r})")

    def __repr__(self) -> str:
        return f"Keyvault(workspace={getattr(self.workspace, 'name', None)!r})"
