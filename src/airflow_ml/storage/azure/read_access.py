"""
Addresses by which another program may read a container and nothing else: for rclone, which mounts it.

Account keys never leave this process for that: a token is made from them. A service principal or the machine's identity
asks the service for a key of its own first ("Get User Delegation Key", "Create a user delegation SAS").
"""

from __future__ import annotations

import ipaddress
import xml.etree.ElementTree as ElementTree
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from airflow_ml.exceptions import ServiceException, UserErrorException
from airflow_ml.storage.azure.authorisations import AccountKey, EntraToken
from airflow_ml.storage.azure.signing import DelegationKey, sign_container, sign_delegated
from airflow_ml.storage.azure.wire import Request

if TYPE_CHECKING:
    from airflow_ml.storage.azure.client import AzureClient

__all__ = ["address_for_reading"]

#: The service gives an identity seven days at most, and clocks differ; a key could sign for longer.
_LIFETIME = timedelta(days=6, hours=23)

_LETTERS = "rl"


def address_for_reading(client: AzureClient) -> str:
    """
    Return an address of the container that opens it for reading and listing for up to a week; a secret.

    Raises:
        UserErrorException: a server whose address other programs read in another way, or a right that is missing.
        ServiceException: the service gave no key.
    """
    address = client.address
    if address.base and not _is_number(address.host):
        raise UserErrorException(
            client.where(
                f"server {address.host!r} has the account in its path, which rclone knows of IP addresses alone; write"
                " the endpoint with one, or take AIRFLOW_ML_MOUNT=fuse away"
            )
        )
    token = _token(client)
    place = f"{address.scheme}://{address.host}{address.container_path}"
    return f"{place}?{token}" if token else place


def _token(client: AzureClient) -> str:
    used, address = client.credentials.current, client.address
    if isinstance(used, AccountKey):
        return sign_container(address.account, used.key, address.container, permissions=_LETTERS, lifetime=_LIFETIME)
    if isinstance(used, EntraToken):
        return sign_delegated(address.account, _delegation_key(client), address.container, permissions=_LETTERS)
    return used.own_query


def _delegation_key(client: AzureClient) -> DelegationKey:
    now = datetime.now(timezone.utc)
    start, end = (f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in (now - timedelta(minutes=5), now + _LIFETIME))
    body = f"<KeyInfo><Start>{start}</Start><Expiry>{end}</Expiry></KeyInfo>".encode()
    query = {"restype": "service", "comp": "userdelegationkey"}
    request = Request("POST", client.address.base or "/", query, {"content-type": "application/xml"}, body)
    answer = client.send(request, "a key to read with")
    try:
        root = ElementTree.fromstring(answer.body)  # noqa: S314 - of the service itself, over its own connection
    except ElementTree.ParseError as exc:
        raise ServiceException(client.where("the service's key to read with cannot be read; try again")) from exc
    names = ("SignedOid", "SignedTid", "SignedStart", "SignedExpiry", "SignedService", "SignedVersion", "Value")
    return DelegationKey(*[root.findtext(name) or "" for name in names])


def _is_number(host: str) -> bool:
    name = host.rpartition(":")[0] if host.count(":") == 1 or "]:" in host else host
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True
