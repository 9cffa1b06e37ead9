"""The part of v1's workspace that is about Azure's side of it: accounts, networks, keys."""

from __future__ import annotations

from airflow_ml.exceptions import NotSupportedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import NoReturn

__all__ = ["CloudSide"]

_NETWORK = "networks are set up where Airflow runs"
_CONNECTIONS = "keep connections in Airflow (airflow connections add)"
_KEYS = "there are no account keys; secrets belong into Airflow connections and variables"
_DEPLOY = "serve a registered model with a tool of your choice; Model.download gives its files"


class CloudSide:
    """Everything of a workspace that has no meaning on an own Airflow; each call says what to do instead."""

    name: str

    def _refuse(self, call: str, instead: str, *_arguments: object) -> NotSupportedError:
        return NotSupportedError(f"workspace {self.name!r}: {call} is not supported; {instead}")

    def add_private_endpoint(
        self,
        private_endpoint_config: object,
        private_endpoint_auto_approval: bool = True,
        location: str | None = None,
        show_output: bool = True,
        tags: Mapping[str, str] | None = None,
    ) -> NoReturn:
        """Not supported: networks are set up where Airflow runs."""
        given = private_endpoint_config, private_endpoint_auto_approval, location, show_output, tags
        raise self._refuse("add_private_endpoint", _NETWORK, *given)

    def delete_private_endpoint_connection(self, private_endpoint_connection_name: str) -> NoReturn:
        """Not supported: networks are set up where Airflow runs."""
        raise self._refuse("delete_private_endpoint_connection", _NETWORK, private_endpoint_connection_name)

    @property
    def private_endpoints(self) -> dict[str, object]:
        """Always empty."""
        return {}

    @property
    def linked_services(self) -> dict[str, object]:
        """Always empty."""
        return {}

    @property
    def images(self) -> NoReturn:
        """Not supported: models are not packed into images here."""
        raise self._refuse("images", _DEPLOY)

    @property
    def webservices(self) -> NoReturn:
        """Not supported: models are not served here."""
        raise self._refuse("webservices", _DEPLOY)

    @property
    def discovery_url(self) -> None:
        """Always None: there is no service to discover."""
        return

    @property
    def service_context(self) -> NoReturn:
        """Not supported: there is no service behind the workspace."""
        raise self._refuse("service_context", "use the workspace's own methods")

    def delete_connection(self, name: str) -> NoReturn:
        """Not supported: keep connections in Airflow."""
        raise self._refuse(f"delete_connection({name!r})", _CONNECTIONS)

    def get_connection(self, name: str) -> NoReturn:
        """Not supported: keep connections in Airflow."""
        raise self._refuse(f"get_connection({name!r})", _CONNECTIONS)

    def list_connections(self, category: str | None = None, target: str | None = None) -> NoReturn:
        """Not supported: keep connections in Airflow."""
        raise self._refuse("list_connections", _CONNECTIONS, category, target)

    def set_connection(self, name: str, category: str, target: str, authType: str, value: str) -> NoReturn:  # noqa: N803 - v1's name
        """Not supported: keep connections in Airflow."""
        raise self._refuse(f"set_connection({name!r})", _CONNECTIONS, category, target, authType, value)

    def diagnose_workspace(self, diagnose_parameters: object) -> NoReturn:
        """Not supported: there is no service to diagnose."""
        raise self._refuse("diagnose_workspace", "look at Airflow's own health page", diagnose_parameters)

    def list_keys(self) -> NoReturn:
        """Not supported: there are no account keys."""
        raise self._refuse("list_keys", _KEYS)

    def sync_keys(self, no_wait: bool = False) -> NoReturn:
        """Not supported: there are no account keys."""
        raise self._refuse("sync_keys", _KEYS, no_wait)

    def update_dependencies(self, container_registry: str | None = None, force: bool = False) -> NoReturn:
        """Not supported: a workspace has no accounts that could be exchanged."""
        raise self._refuse("update_dependencies", "name image registries per environment", container_registry, force)

    def get_mlflow_tracking_uri(self, _with_auth: bool = False) -> NoReturn:
        """Not supported yet: log with `Run.log`."""
        raise self._refuse("get_mlflow_tracking_uri", "log with Run.log", _with_auth)

    @staticmethod
    def setup() -> NoReturn:
        """Not supported: v1 deprecated it; use `Workspace.create` and `write_config`."""
        raise NotSupportedError("Workspace.setup is not supported; use Workspace.create(...).write_config()")
