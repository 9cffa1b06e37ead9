"""
The workspace's key vault (`azureml.core.keyvault`).

Secrets are not kept in a workspace: whoever can read its database would read them. The object is there, because v1
code takes it in one place and uses it in another; using it says where secrets belong.
"""

from __future__ import annotations

from airflow_ml.exceptions import NotSupportedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import NoReturn

__all__ = ["Keyvault"]


class Keyvault:
    """
    A key vault without secrets.

    Args:
        workspace: whose vault it is.
    """

    def __init__(self, workspace: object) -> None:
        self.workspace = workspace

    def _refusal(self, call: str) -> NotSupportedError:
        return NotSupportedError(
            f"key vault of {getattr(self.workspace, 'name', None)!r}: {call} is not supported, a workspace keeps no "
            "secrets; keep them in an Airflow connection or variable, or in the environment of the worker, and read "
            "them there (os.environ)"
        )

    def get_secret(self, name: str) -> NoReturn:
        """Not supported: read the environment of the worker."""
        raise self._refusal(f"get_secret({name!r})")

    def get_secrets(self, secrets: Sequence[str]) -> NoReturn:
        """Not supported: read the environment of the worker."""
        raise self._refusal(f"get_secrets({list(secrets)!r})")

    def get_secret_content_type(self, name: str) -> NoReturn:
        """Not supported: there are no secrets."""
        raise self._refusal(f"get_secret_content_type({name!r})")

    def list_secrets(self) -> NoReturn:
        """Not supported: there are no secrets."""
        raise self._refusal("list_secrets()")

    def set_secret(self, name: str, value: str, content_type: object = None) -> NoReturn:
        """Not supported: keep it in an Airflow connection or variable."""
        del value, content_type  # not shown
        raise self._refusal(f"set_secret({name!r})")

    def set_secrets(self, secrets_batch: Mapping[str, str]) -> NoReturn:
        """Not supported: keep them in Airflow connections or variables."""
        raise self._refusal(f"set_secrets of {sorted(secrets_batch)!r}")

    def delete_secret(self, name: str) -> NoReturn:
        """Not supported: there are no secrets."""
        raise self._refusal(f"delete_secret({name!r})")

    def delete_secrets(self, secrets: Sequence[str]) -> NoReturn:
        """Not supported: there are no secrets."""
        raise self._refusal(f"delete_secrets({list(secrets)!r})")

    def __repr__(self) -> str:
        return f"Keyvault(workspace={getattr(self.workspace, 'name', None)!r})"
