"""The ways to authorise a request to Azure Storage: account key, token (SAS), token of Entra ID, or nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Protocol
from urllib.parse import parse_qsl

from airflow_ml.exceptions import AuthenticationException
from airflow_ml.storage.azure.signing import shared_key, sign_container

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

    from airflow_ml.storage.azure.wire import Request

__all__ = ["AccountKey", "Anonymous", "Authorisation", "EntraToken", "SasToken"]

#: How long another account's server may read from ours, for a copy that it makes by itself.
_COPY_LIFETIME = timedelta(hours=24)


class Authorisation(Protocol):
    """One way to authorise requests."""

    @property
    def expired(self) -> bool:
        """Whether it is known to be of no use any more."""
        ...

    @property
    def own_query(self) -> str:
        """What an address must have for the account's own service to read from it, when it copies."""
        ...

    def authorise(self, request: Request) -> Request:
        """Return the request with what proves that it may be made."""
        ...

    def for_obstore(self) -> dict[str, str]:
        """Return the settings by which obstore does the same."""
        ...

    def for_copying(self, container: str) -> tuple[str, str]:
        """Return the query and the header by which another account's server may read."""
        ...


@dataclass(frozen=True, repr=False)
class AccountKey:
    """Every request is signed with the account's key."""

    account: str
    key: str
    expired = False
    own_query = ""

    def authorise(self, request: Request) -> Request:
        """See `Authorisation`."""
        headers = request.headers
        signed = shared_key(self.account, self.key, request.method, request.path, request.query, headers)
        return replace(request, headers={**headers, "authorization": signed})

    def for_obstore(self) -> dict[str, str]:
        """See `Authorisation`."""
        return {"account_key": self.key}

    def for_copying(self, container: str) -> tuple[str, str]:
        """See `Authorisation`."""
        return sign_container(self.account, self.key, container, permissions="r", lifetime=_COPY_LIFETIME), ""


@dataclass(frozen=True, repr=False)
class SasToken:
    """A token stands in every request."""

    token: str

    @property
    def expired(self) -> bool:
        """See `Authorisation`."""
        end = dict(parse_qsl(self.token)).get("se", "")
        try:
            moment = datetime.fromisoformat(end.replace("Z", "+00:00"))
        except ValueError:
            return False
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=timezone.utc)
        return moment <= datetime.now(timezone.utc)

    @property
    def own_query(self) -> str:
        """See `Authorisation`."""
        return self.token

    def authorise(self, request: Request) -> Request:
        """See `Authorisation`."""
        return replace(request, query={**request.query, **dict(parse_qsl(self.token, keep_blank_values=True))})

    def for_obstore(self) -> dict[str, str]:
        """See `Authorisation`."""
        return {"sas_token": self.token}

    def for_copying(self, container: str) -> tuple[str, str]:  # noqa: ARG002 - the protocol's
        """See `Authorisation`."""
        return self.token, ""


@dataclass(frozen=True, repr=False)
class Anonymous:
    """Nothing is proven; public containers alone can be read."""

    expired = False
    own_query = ""

    def authorise(self, request: Request) -> Request:
        """See `Authorisation`."""
        return request

    def for_obstore(self) -> dict[str, str]:
        """See `Authorisation`."""
        return {"skip_signature": "true"}

    def for_copying(self, container: str) -> tuple[str, str]:  # noqa: ARG002 - the protocol's
        """See `Authorisation`."""
        return "", ""


@dataclass(frozen=True, repr=False, eq=False)
class EntraToken:
    """A credential of `azure-identity`, which keeps its tokens and renews them before they end."""

    credential: TokenCredential
    scope: str
    name: str
    expired = False
    own_query = ""

    def authorise(self, request: Request) -> Request:
        """See `Authorisation`."""
        return replace(request, headers={**request.headers, "authorization": f"Bearer {self._token()}"})

    def for_obstore(self) -> dict[str, str]:
        """See `Authorisation`."""
        return {"bearer_token": self._token()}

    def for_copying(self, container: str) -> tuple[str, str]:  # noqa: ARG002 - the protocol's
        """See `Authorisation`."""
        return "", f"Bearer {self._token()}"

    def _token(self) -> str:
        from azure.core.exceptions import AzureError  # only who signs in this way pays for the import

        try:
            return self.credential.get_token(self.scope).token
        except AzureError as exc:
            reason = (str(exc).splitlines() or [type(exc).__name__])[0]
            raise AuthenticationException(
                f"datastore {self.name!r}: signing in to Azure failed: {reason}; check tenant_id, client_id and the "
                "secret, or that this machine has an identity"
            ) from exc
