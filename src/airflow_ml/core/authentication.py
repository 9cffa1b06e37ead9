"""
Ways to log in at Azure (`azureml.core.authentication`), accepted where v1 accepts them.

A workspace here is opened by whoever can open its database, so nothing in here logs in at Azure, and no password is
kept. What each of them gives is the header that opens the endpoints of published pipelines.
"""

from __future__ import annotations

from airflow_ml._late import late
from airflow_ml.data._workspace import refuse_while_parsing
from airflow_ml.exceptions import AuthenticationException, NotSupportedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

# What serves published pipelines stands above this package.
_engine = late("airflow_ml.pipeline._engine")

__all__ = [
    "AbstractAuthentication",
    "ArmTokenAuthentication",
    "AzureCliAuthentication",
    "AzureMLTokenAuthentication",
    "InteractiveLoginAuthentication",
    "MsiAuthentication",
    "ServicePrincipalAuthentication",
    "TokenAuthentication",
]


class _NoLogin(NotSupportedError, AuthenticationException):
    """An AuthenticationException too, as in v1 where nobody has signed in: templates then try another way."""


class AbstractAuthentication:
    """
    What the ways to log in have in common.

    Args:
        cloud: kept; there is no cloud to choose.
    """

    def __init__(self, cloud: str | None = None) -> None:
        self.cloud = cloud

    def get_authentication_header(self) -> dict[str, str]:
        """
        Return the header that opens the endpoints of published pipelines, whatever the way to log in.

        It holds a token of the user of the Airflow that is configured or runs on this machine, or without one that of
        this process.

        Raises:
            UserErrorException: Airflow is parsing a DAG file.
            ServiceException: that Airflow does not answer.
        """
        refuse_while_parsing(f"{type(self).__name__}.get_authentication_header", "ask for it in a task or a script")
        header: dict[str, str] = _engine.authentication_header()
        return header

    def get_token(self, *scopes: str, **kwargs: object) -> NoReturn:
        """Not supported: there is no Azure login."""
        raise self._refuse("get_token", "use the azure-identity package to call Azure", scopes, kwargs)

    def signed_session(self, session: object = None) -> NoReturn:
        """Not supported: there is no Azure login."""
        raise self._refuse("signed_session", "use the azure-identity package to call Azure", session)

    def _refuse(self, call: str, instead: str, *_arguments: object) -> NotSupportedError:
        return _NoLogin(f"{type(self).__name__}.{call} is not supported; {instead}")


class InteractiveLoginAuthentication(AbstractAuthentication):
    """Stands for a login by browser; asks for none."""

    def __init__(self, force: bool = False, tenant_id: str | None = None, cloud: str | None = None) -> None:
        super().__init__(cloud)
        self.force = force
        self.tenant_id = tenant_id


class AzureCliAuthentication(AbstractAuthentication):
    """Stands for the login of the az tool; does not look for it."""


class MsiAuthentication(AbstractAuthentication):
    """
    Stands for a managed identity; does not look for it.

    Args:
        kwargs: which identity; not used.
    """

    def __init__(self, cloud: str | None = None, **kwargs: object) -> None:
        del kwargs
        super().__init__(cloud)


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
        super().__init__(cloud)
        self.tenant_id = tenant_id
        self.service_principal_id = service_principal_id


class ArmTokenAuthentication(AbstractAuthentication):
    """Stands for a login by a token of Azure's; the token is not kept."""

    def __init__(self, arm_access_token: str, cloud: str = "None") -> None:
        del arm_access_token
        super().__init__(cloud)

    def update_arm_access_token(self, new_arm_access_token: str) -> None:
        """Do nothing: no token is kept."""


class TokenAuthentication(AbstractAuthentication):
    """Stands for a login by tokens that a function gives; it is never called."""

    def __init__(self, get_token_for_audience: Callable[[str], str], cloud: str | None = None) -> None:
        del get_token_for_audience
        super().__init__(cloud)


class AzureMLTokenAuthentication(AbstractAuthentication):
    """Stands for the login of a run at Azure; the token is not kept."""

    def __init__(
        self,
        azureml_access_token: str,
        expiry_time: object = None,
        host: str | None = None,
        subscription_id: str | None = None,
        resource_group_name: str | None = None,
        workspace_name: str | None = None,
        experiment_name: str | None = None,
        run_id: str | None = None,
        user_email: str | None = None,
        experiment_id: str | None = None,
        cloud: str = "AzureCloud",
    ) -> None:
        del azureml_access_token, expiry_time, host, subscription_id, resource_group_name, workspace_name
        del experiment_name, run_id, user_email, experiment_id
        super().__init__(cloud)
