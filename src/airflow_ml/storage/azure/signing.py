"""
Signatures of Azure Storage: of single requests with the account's key, and tokens (SAS) made from that key.

Both as Microsoft documents them ("Authorize with Shared Key", "Create a service SAS"; version 2020-12-06).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from datetime import datetime, timedelta, timezone
from urllib.parse import urlencode

from airflow_ml.exceptions import UserErrorException

__all__ = ["DelegationKey", "shared_key", "sign_container", "sign_delegated"]

#: The standard headers that a signature covers, in its order.
_SIGNED_HEADERS = (
    "content-encoding",
    "content-language",
    "content-length",
    "content-md5",
    "content-type",
    "date",
    "if-modified-since",
    "if-match",
    "if-none-match",
    "if-unmodified-since",
    "range",
)

_SAS_VERSION = "2020-12-06"

#: Clocks differ: a token is valid from a while ago.
_SKEW = timedelta(minutes=15)


def shared_key(
    account: str, key: str, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str]
) -> str:
    """
    Return the `Authorization` header of a request.

    Args:
        path: as it is sent, encoded.
        query: decoded.
        headers: all that are sent, with names in lower case.
    """
    standard = [headers.get(name, "") for name in _SIGNED_HEADERS]
    standard[_SIGNED_HEADERS.index("content-length")] = headers.get("content-length", "0").lstrip("0")
    ours = [f"{name}:{value.strip()}" for name, value in sorted(headers.items()) if name.startswith("x-ms-")]
    resource = [f"/{account}{path}", *(f"{name.lower()}:{value}" for name, value in sorted(query.items()))]
    return f"SharedKey {account}:{_signature(account, key, [method, *standard, *ours, *resource])}"


def sign_container(account: str, key: str, container: str, *, permissions: str, lifetime: timedelta) -> str:
    """
    Return a token for one container, without a leading `?`.

    Args:
        permissions: letters in the order that the service demands: `racwdl`.
        lifetime: from now.
    """
    now = datetime.now(timezone.utc)
    start, end = (f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in (now - _SKEW, now + lifetime))
    resource = f"/blob/{account}/{container}"
    # Empty are, in this order: identifier, IP, protocol; after the resource type: snapshot, scope, five headers.
    fields = [permissions, start, end, resource, "", "", "", _SAS_VERSION, "c", "", "", "", "", "", "", ""]
    signature = _signature(account, key, fields)
    return urlencode({"sv": _SAS_VERSION, "sr": "c", "sp": permissions, "st": start, "se": end, "sig": signature})


@dataclass(frozen=True, repr=False)
class DelegationKey:
    """
    What the service gives an identity to sign tokens with, in the order in which signatures cover it.

    Attributes:
        start, end: when it can be used; tokens that it signs are given the same time.
        value: the secret.
    """

    identity: str
    tenant: str
    start: str
    end: str
    service: str
    version: str
    value: str


def sign_delegated(account: str, key: DelegationKey, container: str, *, permissions: str) -> str:
    """Return a token for one container, signed by an identity's key ("Create a user delegation SAS")."""
    who = astuple(key)[:-1]
    place = f"/blob/{account}/{container}"
    # Empty are: two identities, correlation, IP, protocol; after the resource type: snapshot, scope, five headers.
    fields = [permissions, key.start, key.end, place, *who, "", "", "", "", "", _SAS_VERSION, "c", *[""] * 7]
    names = ("skoid", "sktid", "skt", "ske", "sks", "skv")
    signed = {"sv": _SAS_VERSION, "sr": "c", "sp": permissions, "st": key.start, "se": key.end}
    signature = _signature(account, key.value, fields)
    return urlencode({**signed, **dict(zip(names, who, strict=True)), "sig": signature})


def _signature(account: str, key: str, lines: list[str]) -> str:
    try:
        secret = base64.b64decode(key, validate=True)
    except (binascii.Error, ValueError) as exc:
        raise UserErrorException(
            f"account {account!r}: its key is not base64; copy it whole from the account's access keys"
        ) from exc
    return base64.b64encode(hmac.new(secret, "\n".join(lines).encode(), hashlib.sha256).digest()).decode()
