"""
How requests to Azure Storage are authorised: by account key, token (SAS), service principal, managed identity, or not.

Secrets are asked for at the first request, and again when the other side calls them expired: a transfer may outlive
what it began with.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_ml.exceptions import AuthenticationException, UserErrorException
from airflow_ml.graph.model import Json
from airflow_ml.storage.azure.addresses import parse_connection_string
from airflow_ml.storage.azure.authorisations import AccountKey, Anonymous, Authorisation, EntraToken, SasToken

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

__all__ = ["Credentials", "Identity"]

#: What tokens of Microsoft Entra ID are asked for.
_STORAGE_RESOURCE = "https://storage.azure.com/"


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
            return Anonymous()
        if auth in ("service_principal", "managed_identity"):
            return self._entra(auth)
        secrets = self._secrets()
        if auth == "account_key":
            return AccountKey(self.identity.account, self._secret(secrets, "account_key"))
        if auth == "sas":
            return SasToken(_sas_text(self._secret(secrets, "sas_token")))
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
            return AccountKey(self.identity.account, parts["AccountKey"])
        if parts.get("SharedAccessSignature"):
            return SasToken(_sas_text(parts["SharedAccessSignature"]))
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
        return EntraToken(credential, scope, who.name)


def _sas_text(token: str) -> str:
    """Return a token without the `?` that portals put in front of it, or the address that it was copied with."""
    return token.strip().rpartition("?")[2]
