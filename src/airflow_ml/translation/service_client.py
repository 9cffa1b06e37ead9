"""Airflow's REST API, as far as we call it ourselves; the standard library's HTTP is imported fastest."""

from __future__ import annotations

import fcntl
import json
import urllib.error
import urllib.parse
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

from airflow_ml.exceptions import ServiceException

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_ml.graph import Json

__all__ = ["AirflowClient", "AirflowError"]

#: Seconds that one request may take; a busy SQLite database lets writers wait for long.
_TIMEOUT_SECONDS = 150.0


class AirflowError(ServiceException):
    """
    Airflow has not done what it was asked.

    Attributes:
        status: the answer's HTTP status; None if there was no answer.
    """

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class AirflowClient:
    """
    Asks one Airflow.

    Attributes:
        url: of its API server, without `/api`.
        log: where to look when it does not answer; part of error texts.
        write_lock: a file by which the clients of an Airflow on SQLite write one after the other. Airflow 3.3's API
            server writes its audit log inside its event loop: two writers at once block each other until the
            database gives up, after a minute.
    """

    url: str
    token: str | None = None
    log: str | None = None
    timeout_seconds: float = _TIMEOUT_SECONDS
    write_lock: Path | None = None

    def log_in(self, user: str, password: str) -> AirflowClient:
        """Return a client that is that user."""
        answer = self.ask("POST", "/auth/token", {"username": user, "password": password})
        return replace(self, token=str(cast("dict[str, Json]", answer)["access_token"]))

    def ask(self, method: str, path: str, body: Json = None) -> Json:
        """
        Send one request and return the answer's JSON; None for an empty one.

        Raises:
            AirflowError: no answer, or one that is not a success.
        """
        headers = {"Accept": "application/json"}
        if self.token is not None:
            headers["Authorization"] = f"Bearer {self.token}"
        data = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            data = json.dumps(body).encode()
        address = urllib.parse.urljoin(f"{self.url.rstrip('/')}/", path.lstrip("/"))
        if not address.startswith(("http://", "https://")):
            raise AirflowError(f"Airflow at {self.url!r}: the address must begin with http:// or https://")
        request = urllib.request.Request(address, data, headers, method=method)  # noqa: S310 - checked above
        try:
            with self._turn(method), _opener.open(request, timeout=self.timeout_seconds) as answer:
                text = answer.read()
            return cast("Json", json.loads(text)) if text else None
        except urllib.error.HTTPError as error:
            raise self._refusal(method, path, error) from error
        except (OSError, ValueError) as error:
            said = getattr(error, "reason", error)
            raise AirflowError(f"Airflow at {self.url}: no answer to {method} {path} ({said}){self._hint()}") from error

    @contextmanager
    def _turn(self, method: str) -> Iterator[None]:
        """Wait until no other client writes, if this request does."""
        if self.write_lock is None or method == "GET":
            yield
            return
        with self.write_lock.open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _refusal(self, method: str, path: str, error: urllib.error.HTTPError) -> AirflowError:
        with error:
            text = error.read().decode(errors="replace")
        try:
            detail = json.dumps(json.loads(text)["detail"])
        except (ValueError, KeyError, TypeError):
            detail = text[:300]
        return AirflowError(
            f"Airflow at {self.url}: {method} {path} was answered with {error.code}: {detail}{self._hint()}", error.code
        )

    def _hint(self) -> str:
        return f"; see its log {self.log}" if self.log else ""


# The service is on this machine: a proxy that the environment names must not be asked for it. For Airflow elsewhere
# the standard library's rules apply.
class _LocalFirst(urllib.request.ProxyHandler):
    def proxy_open(self, req: urllib.request.Request, proxy: str, type: str) -> object:  # noqa: A002 - its parent's
        if urllib.parse.urlsplit(req.full_url).hostname in ("127.0.0.1", "localhost", "::1"):
            return None
        return super().proxy_open(req, proxy, type)


_opener = urllib.request.build_opener(_LocalFirst())
