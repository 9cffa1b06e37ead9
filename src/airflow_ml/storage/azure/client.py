"""Requests to Azure Storage that get their answer: authorised, tried again, and with errors in our words."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Collection
from email.utils import formatdate
from typing import TYPE_CHECKING

from airflow_ml.storage.azure.errors import TakenError, error_of, is_stale
from airflow_ml.storage.azure.wire import Answer, Request, Sink, Wire
from airflow_ml.storage.retrying import RetryPolicy, TransientError

if TYPE_CHECKING:
    from airflow_ml.storage.azure.addresses import StorageAddress
    from airflow_ml.storage.azure.authorisations import Authorisation
    from airflow_ml.storage.azure.credentials import Credentials

__all__ = ["API_VERSION", "AzureClient", "content_md5"]

#: Of the REST interface; old enough for every emulator and stand-in, new enough for names of any characters.
API_VERSION = "2023-11-03"


class AzureClient:
    """
    Sends requests about one container or share; safe to use from several threads.

    Attributes:
        address: of the container.
        credentials: what requests are authorised with.

    Args:
        name: of the datastore, for errors.
        retries: how often to try.
        wire: the connections; made when it is left out.
    """

    def __init__(
        self,
        address: StorageAddress,
        credentials: Credentials,
        *,
        name: str,
        retries: RetryPolicy | None = None,
        wire: Wire | None = None,
    ) -> None:
        self.address = address
        self.credentials = credentials
        self._name = name
        self._retries = retries or RetryPolicy()
        self._wire = wire or Wire(address)

    def where(self, what: str) -> str:
        """Return the place for an error's text."""
        return f"datastore {self._name!r}, container {self.address.container!r}: {what}"

    def send(
        self,
        request: Request,
        what: str,
        *,
        condition: str = "",
        accept: Collection[int] = (),
        sink: Sink | None = None,
    ) -> Answer:
        """
        Send a request until it succeeds.

        Args:
            request: without date, version, length and authorisation.
            what: is being done, for errors.
            condition: what a 409 or 412 means (`airflow_ml.storage.azure.errors.error_of`).
            accept: statuses besides 200 to 299 that are no errors.
            sink: gets the bytes of a range, from the beginning again with every try.

        Raises:
            FileNotFoundError: as the answer says.
            TakenError: the same; says whether an earlier try may have done it.
            UserErrorException: refused, with the way out.
            ServiceException: all tries failed, the file was changed meanwhile, or a token has expired.
        """
        tries = 0

        def attempt() -> Answer:
            nonlocal tries
            tries += 1
            try:
                return self._attempt(request, what, condition, accept, sink)
            except TakenError as exc:
                exc.is_doubtful = tries > 1
                raise

        return self._retries.run(attempt)

    def _attempt(
        self, request: Request, what: str, condition: str, accept: Collection[int], sink: Sink | None
    ) -> Answer:
        for _ in range(2):
            used = self.credentials.current
            answer = self._exchange(request, used, what, sink)
            if 200 <= answer.status < 300 or answer.status in accept:
                return answer
            if not is_stale(answer) or not self.credentials.renew(used):
                break
        raise error_of(answer, self.where(what), condition=condition, expired=used.expired)

    def _exchange(self, request: Request, authorisation: Authorisation, what: str, sink: Sink | None) -> Answer:
        headers = {
            **request.headers,
            "x-ms-date": formatdate(usegmt=True),
            "x-ms-version": API_VERSION,
            "content-length": str(len(request.body)),
        }
        complete = Request(request.method, request.path, request.query, headers, request.body)
        try:
            return self._wire.exchange(authorisation.authorise(complete), sink)
        except TransientError as exc:
            raise TransientError(f"{self.where(what)}: {exc}", pause=exc.pause) from exc


def content_md5(content: bytes | memoryview) -> str:
    """Return the header by which the service checks what it received."""
    return base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()
