"""
Which Airflow runs a workspace's pipelines, and who its user is.

The address comes from `AIRFLOW_ML_AIRFLOW_URL`, else from `airflow_url` in the workspace's configuration file, else
from Airflow's own configuration (`[airflow_ml] airflow_url`), else from the service of this machine if one runs.
Without any, runs are driven by processes of their own.

Secrets are in no file of ours. The user is who `AIRFLOW_ML_AIRFLOW_TOKEN` is a token of, or
`AIRFLOW_ML_AIRFLOW_USER` with `AIRFLOW_ML_AIRFLOW_PASSWORD`, or whom `~/.netrc` names for the address.
"""

from __future__ import annotations

import configparser
import netrc
import os
import time
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from airflow_ml._late import late
from airflow_ml._service_addresses import noted_address
from airflow_ml.exceptions import UserErrorException
from airflow_ml.translation.service_runs import AirflowService

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_ml.graph import WorkspaceRef
    from airflow_ml.translation import service, service_client
    from airflow_ml.translation.service_client import AirflowClient
else:
    service = late("airflow_ml.translation.service")
    service_client = late("airflow_ml.translation.service_client")

__all__ = ["RemoteService", "check_address", "find_service", "serving"]

#: Seconds for which a log-in is used again; Airflow's tokens live for a day unless it is configured otherwise.
_LOGGED_IN = 300.0

_serving: ContextVar[AirflowService | None] = ContextVar("airflow_ml_serving", default=None)
_clients: dict[tuple[str, str | None], tuple[float, AirflowClient]] = {}


@dataclass(frozen=True)
class RemoteService(AirflowService):
    """An Airflow at an address."""

    address: str

    @property
    def url(self) -> str:
        """The address."""
        return self.address

    def client(self) -> AirflowClient:
        """
        Return a client with the user's token.

        Raises:
            UserErrorException: nothing says who the user is.
            AirflowError: Airflow does not let the user in.
        """
        token = os.environ.get("AIRFLOW_ML_AIRFLOW_TOKEN")
        if token:
            return service_client.AirflowClient(self.address, token=token)
        user, password = _user_of(self.address)
        until, client = _clients.get((self.address, user), (0.0, None))
        if client is None or time.monotonic() > until:
            client = service_client.AirflowClient(self.address).log_in(user, password)
            _clients[self.address, user] = (time.monotonic() + _LOGGED_IN, client)
        return client


def find_service(workspace: WorkspaceRef) -> AirflowService | None:
    """
    Return the Airflow that runs the workspace's pipelines, or None if there is none.

    Raises:
        UserErrorException: its address is not one.
    """
    within = _serving.get()
    if within is not None:
        return within
    address = os.environ.get("AIRFLOW_ML_AIRFLOW_URL") or noted_address(workspace) or _configured_address()
    if address:
        return RemoteService(check_address(address))
    return service.find_running()


@contextmanager
def serving(within: AirflowService) -> Iterator[None]:
    """Let the block's submits run in the Airflow that this process is a part of."""
    token = _serving.set(within)
    try:
        yield
    finally:
        _serving.reset(token)


def check_address(text: str) -> str:
    """
    Return an Airflow's address without a slash at its end.

    Raises:
        UserErrorException: it is none, or has a password in it.
    """
    try:
        parts = urlsplit(text)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        is_address = False
    if not is_address:
        raise UserErrorException(
            f"Airflow's address {text.rpartition('@')[2]!r} is not one; expected something like"
            " 'https://airflow.example.org', from AIRFLOW_ML_AIRFLOW_URL or 'airflow_url' of the workspace's file"
        )
    if "@" in parts.netloc:
        raise UserErrorException(
            f"Airflow's address of host {parts.hostname!r} holds a user or a password; leave them out and set"
            " AIRFLOW_ML_AIRFLOW_TOKEN, or AIRFLOW_ML_AIRFLOW_USER and AIRFLOW_ML_AIRFLOW_PASSWORD"
        )
    return text.rstrip("/")


def _configured_address() -> str | None:
    """Return what Airflow's configuration says, without importing Airflow."""
    given = os.environ.get("AIRFLOW__AIRFLOW_ML__AIRFLOW_URL")
    if given:
        return given
    home = Path(os.environ.get("AIRFLOW_HOME") or "~/airflow").expanduser()
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read(os.environ.get("AIRFLOW_CONFIG") or home / "airflow.cfg", encoding="utf-8")
    except (OSError, configparser.Error, ValueError):
        return None
    return parser.get("airflow_ml", "airflow_url", fallback=None) or None


def _user_of(address: str) -> tuple[str, str]:
    user, password = (os.environ.get(f"AIRFLOW_ML_AIRFLOW_{name}") for name in ("USER", "PASSWORD"))
    if user and password:
        return user, password
    known = _netrc_entry(urlsplit(address).hostname or "")
    if known is None:
        raise UserErrorException(
            f"Airflow at {address}: nothing says who you are; set AIRFLOW_ML_AIRFLOW_TOKEN, or"
            " AIRFLOW_ML_AIRFLOW_USER and AIRFLOW_ML_AIRFLOW_PASSWORD, or add the host to ~/.netrc"
        )
    return known


def _netrc_entry(host: str) -> tuple[str, str] | None:
    try:
        found = netrc.netrc(os.environ.get("NETRC")).authenticators(host)
    except (OSError, netrc.NetrcParseError):
        return None
    return None if found is None or not found[2] else (found[0], found[2])
