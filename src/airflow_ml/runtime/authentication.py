"""
v1's ways to prove who one is, inside a step: accepted for `auth=` and without effect.

A script has no identity of its own: the operator, which it asks over the run directory, has one.
"""

from __future__ import annotations

from airflow_ml.exceptions import NotSupportedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = [
    "ArmTokenAuthentication",
    "AzureCliAuthentication",
    "AzureMLTokenAuthentication",
    "InteractiveLoginAuthentication",
    "MsiAuthentication",
    "ServicePrincipalAuthentication",
    "TokenAuthentication",
]


class _Authentication:
    """Keeps nothing of what it is given, least of all secrets."""

    def __init__(self, *_args: Any, **_kwargs: Any) -> None:
        pass

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def get_authentication_header(self) -> dict[str, str]:
        """Raise NotSupportedError: there is no token of Azure ML."""
        raise NotSupportedError(
            f"{type(self).__name__}.get_authentication_header is not available inside a step, which has no token; ask "
            "the workspace by run.experiment.workspace, or call services with credentials of your own"
        )

    get_token = get_authentication_header


class ArmTokenAuthentication(_Authentication):
    """A token of the Azure Resource Manager."""


class AzureCliAuthentication(_Authentication):
    """The identity of the Azure command line."""


class AzureMLTokenAuthentication(_Authentication):
    """The token of a run."""


class InteractiveLoginAuthentication(_Authentication):
    """A person at a browser."""


class MsiAuthentication(_Authentication):
    """The managed identity of a machine."""


class ServicePrincipalAuthentication(_Authentication):
    """A service principal with its password."""


class TokenAuthentication(_Authentication):
    """A function that gives tokens."""
