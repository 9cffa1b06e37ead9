"""
Encrypting what the registry must not hold in plain text.

Whoever puts a secret seals it, whoever uses it unseals it, in a worker or in the process that asks; pages and REST
routes of Airflow's API server do neither. Fingerprints and other digests are made of the plain values before, so they
do not depend on keys.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from airflow_ml.exceptions import UserErrorException
from airflow_ml.registry.fernet_keys import fernet_keys

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

__all__ = ["reseal", "seal", "seal_secrets", "unseal", "unseal_secrets"]


def seal(text: str) -> bytes:
    """Return the text encrypted; never the same twice."""
    return _fernet().encrypt(text.encode("utf-8", "surrogatepass"))


def unseal(token: bytes, *, where: str) -> str:
    """
    Return the text that was sealed.

    Args:
        where: whose secret it is, for the error.

    Raises:
        UserErrorException: no key that this process finds opens it.
    """
    from cryptography.fernet import InvalidToken

    try:
        return _fernet().decrypt(token).decode("utf-8", "surrogatepass")
    except InvalidToken:
        # Not chained: the token has no place in a log.
        raise UserErrorException(
            f"{where}: its secrets were encrypted with another Fernet key; set AIRFLOW__CORE__FERNET_KEY to Airflow's "
            "key here too (after a rotation the old one behind a comma), or register it again"
        ) from None


def seal_secrets(secrets: Mapping[str, str]) -> bytes | None:
    """Return secrets by name, encrypted together; None if there are none."""
    return seal(json.dumps(dict(secrets))) if secrets else None


def unseal_secrets(token: bytes | None, *, where: str) -> Mapping[str, str]:
    """Return what `seal_secrets` was given; raises UserErrorException if no key opens it."""
    if token is None:
        return {}
    opened: dict[str, str] = json.loads(unseal(token, where=where))
    return opened


def reseal(token: bytes, *, where: str) -> bytes:
    """Return the same secret encrypted with the first key; raises UserErrorException if no key opens it."""
    return seal(unseal(token, where=where))


def _fernet() -> MultiFernet:
    from cryptography.fernet import Fernet, MultiFernet  # only who has secrets pays for the import

    try:
        return MultiFernet([Fernet(key) for key in fernet_keys()])
    except ValueError as error:
        raise UserErrorException(
            "Airflow's fernet_key is no Fernet key (32 bytes in URL-safe base64); correct it in the environment, in "
            "airflow.cfg or in AIRFLOW_ML_HOME/fernet.key"
        ) from error
