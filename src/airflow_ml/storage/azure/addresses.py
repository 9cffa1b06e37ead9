"""
Where a container lies: from a datastore's settings to the parts of a web address.

Azure's public clouds have the account in the host's name. Emulators, and servers that stand in for Azure, have it in
the path, as Microsoft's own SDK does for an IP address, `localhost`, or a host with a port.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from airflow_ml.exceptions import UserErrorException
from airflow_ml.graph.model import Json

__all__ = ["PUBLIC_ENDPOINT", "StorageAddress", "parse_connection_string", "settings_in"]

#: The end of the host names of Azure's public cloud (v1's default for `endpoint`).
PUBLIC_ENDPOINT = "core.windows.net"

#: The ends of host names that are Azure itself: one account there can read from another.
_CLOUDS = (PUBLIC_ENDPOINT, "core.usgovcloudapi.net", "core.chinacloudapi.cn")


@dataclass(frozen=True)
class StorageAddress:
    """
    An account's server, and the container in it.

    Attributes:
        scheme: `https`, or `http`.
        host: with its port, if that is not the scheme's own.
        base: what every path begins with: "", or `/account` where the account is in the path.
    """

    account: str
    container: str
    scheme: str
    host: str
    base: str

    @classmethod
    def of(cls, settings: Mapping[str, Json], *, container: str, service: str = "blob") -> StorageAddress:
        """
        Take the address from a datastore's settings.

        Args:
            settings: `account`, the container under the key that `container` names, and perhaps `protocol` and
                `endpoint`.
            container: `container`, `filesystem` or `share`.
            service: `blob` or `file`, as it stands in the host's name.
        """
        account, name = _text(settings, "account"), _text(settings, container)
        endpoint = settings.get("endpoint") or PUBLIC_ENDPOINT
        scheme = settings.get("protocol") or "https"
        if not isinstance(endpoint, str) or not isinstance(scheme, str):
            raise UserErrorException(f"endpoint {endpoint!r} with protocol {scheme!r}: expected text for both")
        if "://" in endpoint:
            return cls.of_server(account, name, endpoint)
        if _names_a_server(endpoint):
            return cls.of_server(account, name, f"{scheme}://{endpoint}")
        return cls(account, name, scheme, f"{account}.{service}.{endpoint}", "")

    @classmethod
    def of_server(cls, account: str, container: str, url: str) -> StorageAddress:
        """Take the address from that of a server, with or without the account in its path."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.username:
            raise UserErrorException(
                f"endpoint of account {account!r}: is no address of a server; write https://host or https://host:port"
            )
        is_in_host = parts.hostname.split(".", 1)[0] == account
        base = parts.path.rstrip("/") or ("" if is_in_host else f"/{account}")
        return cls(account, container, parts.scheme, parts.netloc, base)

    @property
    def server(self) -> str:
        """The address of the account."""
        return f"{self.scheme}://{self.host}{self.base}"

    @property
    def is_azure(self) -> bool:
        """Whether this is Microsoft's service, and not a server that stands in for it."""
        return self.host.endswith(_CLOUDS)

    @property
    def container_path(self) -> str:
        """The path of the container on its host, encoded."""
        return f"{self.base}/{quote(self.container)}"

    def path(self, name: str) -> str:
        """Return the path of a file on its host: every character of the name stands for itself."""
        return f"{self.container_path}/{quote(name)}"

    def url(self, name: str) -> str:
        """Return a file's whole address."""
        return f"{self.scheme}://{self.host}{self.path(name)}"


def _text(settings: Mapping[str, Json], key: str) -> str:
    value = settings.get(key)
    if not isinstance(value, str) or not value:
        raise UserErrorException(f"datastore settings: {key} is {value!r}, expected a name")
    return value


def _names_a_server(endpoint: str) -> bool:
    """Whether an endpoint is a host itself, and not the end of the names of many."""
    host, _, port = endpoint.rpartition(":") if endpoint.count(":") == 1 else (endpoint, "", "")
    host = host.strip("[]")
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return bool(port) or "." not in host
    return True


#: What `UseDevelopmentStorage=true` stands for: the emulator's account and key, the same on every machine.
_EMULATOR = {
    "AccountName": "devstoreaccount1",
    "AccountKey": "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==",
    "BlobEndpoint": "http://127.0.0.1:10000/devstoreaccount1",
}


def settings_in(connection_string: str) -> dict[str, Json]:
    """Return what a connection string says of an account's place, as datastores' settings have it."""
    parts = parse_connection_string(connection_string)
    found: dict[str, Json] = {
        "account": parts.get("AccountName"),
        "protocol": parts.get("DefaultEndpointsProtocol"),
        "endpoint": parts.get("BlobEndpoint") or parts.get("EndpointSuffix"),
    }
    return {key: value for key, value in found.items() if value}


def parse_connection_string(text: str) -> dict[str, str]:
    """
    Return the parts of a storage account's connection string.

    Raises:
        UserErrorException: it is none; the text, which holds the account's key, is not repeated.
    """
    parts = dict(item.strip().split("=", 1) for item in text.split(";") if "=" in item)
    if parts.get("UseDevelopmentStorage", "").lower() == "true":
        return dict(_EMULATOR)
    if "AccountName" not in parts and "BlobEndpoint" not in parts:
        raise UserErrorException(
            "connection string: names neither AccountName nor BlobEndpoint; copy it whole from the account's keys"
        )
    return parts
