"""
How requests to Azure Storage are authorised: by account key, token (SAS), service principal, managed identity, or not.

Secrets are asked for at the first request, and again when the other side calls them expired: a transfer may outlive
what it began with.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Protocol
from urllib.parse import parse_qsl

from airflow_ml.exceptions import AuthenticationException, UserErrorException
from airflow_ml.graph.model import Json
from airflow_ml.storage.azure.addresses import parse_connection_string
from airflow_ml.storage.azure.signing import shared_key, sign_container

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

    from airflow_ml.storage.azure.wire import Request

__all__ = ["Authorisation", "Credentials", "Identity"]

#: What tokens of Microsoft Entra ID are asked for.
_STORAGE_RESOURCE = "https://storage.azure.com/"

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
class _AccountKey:
    account: str
    key: str
    expired = False
    own_query = ""

    def authorise(self, request: Request) -> Request:
        headers = request.headers
        signed = shared_key(self.account, self.key, request.method, request.path, request.query, headers)
        return replace(request, headers={**headers, "authorization": signed})

    def for_obstore(self) -> dict[str, str]:
        return {"account_key": self.key}

    def for_copying(self, container: str) -> tuple[str, str]:
        return sign_container(self.account, self.key, container, permissions="r", lifetime=_COPY_LIFETIME), ""


@dataclass(frozen=True, repr=False)
class _SasToken:
    token: str

    @property
    def expired(self) -> bool:
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
        return self.token

    def authorise(self, request: Request) -> Request:
        return replace(request, query={**request.query, **dict(parse_qsl(self.token, keep_blank_values=True))})

    def for_obstore(self) -> dict[str, str]:
        return {"sas_token": self.token}

    def for_copying(self, container: str) -> tuple[str, str]:  # noqa: ARG002 - the protocol's
        return self.token, ""


@dataclass(frozen=True, repr=False)
class _Anonymous:
    expired = False
    own_query = ""

    def authorise(self, request: Request) -> Request:
        return request

    def for_obstore(self) -> dict[str, str]:
        return {"skip_signature": "true"}

    def for_copying(self, container: str) -> tuple[str, str]:  # noqa: ARG002 - the protocol's
        return "", ""


@dataclass(frozen=True, repr=False, eq=False)
class _EntraToken:
    """A credential of `azure-identity`, which keeps its tokens and renews them before they end."""

    credential: TokenCredential
    scope: str
    name: str
    expired = False
    own_query = ""

    def authorise(self, request: Request) -> Request:
        return replace(request, headers={**request.headers, "authorization": f"Bearer {self._token()}"})

    def for_obstore(self) -> dict[str, str]:
        return {"bearer_token": self._token()}

    def for_copying(self, container: str) -> tuple[str, str]:  # noqa: ARG002 - the protocol's
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


@dataclass(frozen=True)
class Identity:
    """
    What a datastore's settings say of signing in; no secret.

    Attributes:
        name: of the datastore, for errors.
        auth: `account_key`, `sas`, `connection_string`, `service_principal`, `managed_identity` or `anonymous`.
        authority: the host that tokens come from; "" for Microsoft's.
        resource: what the tokens are for; "" for storage.
    """

    name: str
    account: str
    auth: str
    tenant: str = ""
    client: str = ""
    authority: str = ""
    resource: str = ""

    @classmethod
    def of(cls, settings: Mapping[str, Json], name: str) -> Identity:
        """Take it from a datastore's settings."""
        fields = {"account": "account", "auth": "auth", "tenant": "tenant_id", "client": "client_id"}
        fields |= {"authority": "authority_url", "resource": "resource_url"}
        return cls(name=name, **{field: str(settings.get(key) or "") for field, key in fields.items()})


class Credentials:
    """
    A datastore's authorisation as it is now; safe to use from several threads.

    Args:
        identity: how to sign in.
        secrets: returns the secrets as they are now, by v1's names.
    """

    def __init__(self, identity: Identity, secrets: Callable[[], Mapping[str, str]]) -> None:
        self.identity = identity
        self._secrets = secrets
        self._lock = threading.Lock()
        self._current: Authorisation | None = None

    def __repr__(self) -> str:
        return f"Credentials({self.identity!r})"

    @property
    def current(self) -> Authorisation:
        """What requests are to be authorised with."""
        with self._lock:
            if self._current is None:
                self._current = self._load()
            return self._current

    def renew(self, refused: Authorisation) -> bool:
        """Ask for the secrets again, unless another thread has; True if they are others than the ones refused."""
        with self._lock:
            if self._current is refused:
                self._current = self._load()
            return self._current != refused

    def _load(self) -> Authorisation:
        auth = self.identity.auth
        if auth == "anonymous":
            return _Anonymous()
        if auth in ("service_principal", "managed_identity"):
            return self._entra(auth)
        secrets = self._secrets()
        if auth == "account_key":
            return _AccountKey(self.identity.account, self._secret(secrets, "account_key"))
        if auth == "sas":
            return _SasToken(_sas_text(self._secret(secrets, "sas_token")))
        if auth == "connection_string":
            return self._from_connection_string(self._secret(secrets, "connection_string"))
        raise UserErrorException(
            f"datastore {self.identity.name!r}: auth is {auth!r}, expected account_key, sas, connection_string, "
            "service_principal, managed_identity or anonymous"
        )

    def _secret(self, secrets: Mapping[str, str], name: str) -> str:
        value = secrets.get(name)
        if not value:
            raise AuthenticationException(
                f"datastore {self.identity.name!r}: has no {name}; register it again with one, or name an Airflow "
                "connection that holds it"
            )
        return value

    def _from_connection_string(self, text: str) -> Authorisation:
        parts = parse_connection_string(text)
        if parts.get("AccountKey"):
            return _AccountKey(self.identity.account, parts["AccountKey"])
        if parts.get("SharedAccessSignature"):
            return _SasToken(_sas_text(parts["SharedAccessSignature"]))
        raise AuthenticationException(
            f"datastore {self.identity.name!r}: its connection string holds neither AccountKey nor "
            "SharedAccessSignature; copy it whole from the account's keys"
        )

    def _entra(self, auth: str) -> Authorisation:
        from azure.identity import ClientSecretCredential, ManagedIdentityCredential  # 0.3 s: for these two alone

        who = self.identity
        scope = f"{(who.resource or _STORAGE_RESOURCE).rstrip('/')}/.default"
        credential: TokenCredential
        if auth == "managed_identity":
            credential = ManagedIdentityCredential(client_id=who.client or None)
        else:
            more = {"authority": who.authority, "disable_instance_discovery": True} if who.authority else {}
            secret = self._secret(self._secrets(), "client_secret")
            credential = ClientSecretCredential(who.tenant, who.client, secret, **more)
        return _EntraToken(credential, scope, who.name)


def _sas_text(token: str) -> str:
    """Return a token without the `?` that portals put in front of it, or the address that it was copied with."""
    return token.strip().rpartition("?")[2]
