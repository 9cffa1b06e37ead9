"""
Ways to log in at Azure (`azureml.core.authentication`), accepted where v1 accepts them.

A workspace here is opened by whoever can open its database, so nothing in here logs in anywhere, and no password is
kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_ml.exceptions import NotSupportedError

if TYPE_CHECKING:
    from typing import NoReturn

__all__ = [
    "AbstractAuthentication",
    "AzureCliAuthentication",
    "InteractiveLoginAuthentication",
    "MsiAuthentication",
    "ServicePrincipalAuthentication",
]


class AbstractAuthentication:
    """What the ways to log in have in common."""

    def get_authentication_header(self) -> NoReturn:
        """Not supported yet: REST endpoints of published pipelines come with a later version."""
        raise self._refuse("get_authentication_header", "call Airflow's REST API with a token of its own")

    def get_token(self) -> NoReturn:
        """Not supported: there is no Azure login."""
        raise self._refuse("get_token", "use the azure-identity package to call Azure")

    def signed_session(self, session: object = None) -> NoReturn:
        """Not supported: there is no Azure login."""
        raise self._refuse("signed_session", "use the azure-identity package to call Azure", session)

    def _refuse(self, call: str, instead: str, *_arguments: object) -> NotSupportedError:
        return NotSupportedError(f"{type(self).__name__}.{call} is not supported; {instead}")


class InteractiveLoginAuthentication(AbstractAuthentication):
    """Stands for a login by browser; asks for none."""

    def __init__(self, force: bool = False, tenant_id: str | None = None, cloud: str | None = None) -> None:
        self.force = force
        self.tenant_id = tenant_id
        self.cloud = cloud


class AzureCliAuthentication(AbstractAuthentication):
    """Stands for the login of the az tool; does not look for it."""

    def __init__(self, cloud: str | None = None) -> None:
        self.cloud = cloud


class MsiAuthentication(AbstractAuthentication):
    """Stands for a managed identity; does not look for it."""

    def __init__(self, cloud: str | None = None, **kwargs: object) -> None:
        del kwargs
        self.cloud = cloud


class ServicePrincipalAuthentication(AbstractAuthentication):
    """Stands for a login of an application; the password is not kept."""

    def __init__(
        self,
        tenant_id: str,
        service_principal_id: str,
        service_principal_password: str,
        cloud: str = "AzureCloud",
        _enable_caching: bool = True,
    ) -> None:
        del service_principal_password, _enable_caching
        self.tenant_id = tenant_id
        self.service_principal_id = service_principal_id
        self.cloud = cloud
