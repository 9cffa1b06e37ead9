"""One Azure file share as the SDK's client sees it, with its errors in our words and its secrets renewed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from azure.core.exceptions import (
    AzureError,
    HttpResponseError,
    ResourceExistsError,
    ResourceNotFoundError,
    ServiceRequestError,
    ServiceResponseError,
)
from azure.storage.fileshare import ShareClient

from airflow_ml.exceptions import AuthenticationException, ServiceException, UserErrorException
from airflow_ml.storage.azure.authorisations import AccountKey, SasToken
from airflow_ml.storage.retrying import RetryPolicy, TransientError, retry_after

if TYPE_CHECKING:
    from airflow_ml.storage.azure.addresses import StorageAddress
    from airflow_ml.storage.azure.authorisations import Authorisation
    from airflow_ml.storage.azure.credentials import Credentials

__all__ = ["FileShare"]

_Result = TypeVar("_Result")

#: Seconds without an answer until the service counts as lost.
_TIMEOUT_SECONDS = 60

#: Not there, whether a folder is missing on the way or a folder stands where a file was asked for.
_MISSING = {"ResourceNotFound", "ParentNotFound", "ResourceTypeMismatch"}

_TAKEN = {"ResourceAlreadyExists", "ShareAlreadyExists"}

#: Statuses of a service that is busy or has failed, and may answer the next time.
_BUSY = {408, 429, 500, 502, 503, 504}


class FileShare:
    """
    A share; safe for several threads.

    Args:
        address: of the share.
        credentials: an account key or a token; asked for again when the service refuses them.
        name: of the datastore, for errors.
        retries: how often to try.
    """

    def __init__(
        self, address: StorageAddress, credentials: Credentials, name: str, *, retries: RetryPolicy | None = None
    ) -> None:
        self.address = address
        self._credentials = credentials
        self._name = name
        self._retries = retries or RetryPolicy()
        self._lock = threading.Lock()
        self._opened: tuple[Authorisation, ShareClient] | None = None

    def ask(self, what: str, path: str, request: Callable[[ShareClient], _Result]) -> _Result:
        """
        Return what a request gives; it is tried again after losses of the network and while the service is busy.

        Args:
            what: is being done, for errors: `read`, `write`, ...
            path: what it is done to.
            request: made with a client of the share, perhaps several times: an answer may be lost.

        Raises:
            FileNotFoundError: there is no such file or folder.
            FileExistsError: the path is taken.
            AuthenticationException: the secret is refused, also after it was asked for again.
            UserErrorException: the service refuses the request.
            ServiceException: no answer, or the service stays busy.
        """
        where = f"datastore {self._name!r}: {what} of {path!r}"
        return self._retries.run(lambda: self._attempt(where, request))

    def rename(self, source: str, target: str, *, overwrite: bool) -> None:
        """
        Give a file that nobody else knows its place.

        Raises:
            FileExistsError: the place is taken, and `overwrite` is off.
        """
        tries = 0

        def request(client: ShareClient) -> None:
            nonlocal tries
            tries += 1
            file = client.get_file_client(source)
            try:
                file.rename_file(target, overwrite=overwrite)
            except (ResourceExistsError, ResourceNotFoundError):
                # What is gone was renamed by a try whose answer was lost.
                if tries == 1 or file.exists():
                    raise

        self.ask("write", target, request)

    def _attempt(self, where: str, request: Callable[[ShareClient], _Result]) -> _Result:
        used, client = self._client()
        try:
            return request(client)
        except HttpResponseError as exc:
            if exc.status_code not in (401, 403) or not self._credentials.renew(used):
                raise _told(exc, where) from exc
        except AzureError as exc:
            raise _told(exc, where) from exc
        try:
            return request(self._client()[1])
        except AzureError as exc:
            raise _told(exc, where) from exc

    def _client(self) -> tuple[Authorisation, ShareClient]:
        current = self._credentials.current
        with self._lock:
            if self._opened is None or self._opened[0] is not current:
                self._opened = current, self._open(current)
            return self._opened

    def _open(self, authorisation: Authorisation) -> ShareClient:
        options: dict[str, Any] = {"allow_trailing_dot": True, "allow_source_trailing_dot": True}
        # The SDK's own pauses begin with 15 seconds, and it gives up where an answer's body is cut.
        options["retry_total"] = 0
        options |= {"connection_timeout": _TIMEOUT_SECONDS, "read_timeout": _TIMEOUT_SECONDS}
        server, share = self.address.server, self.address.container
        if isinstance(authorisation, AccountKey):
            key = {"account_name": self.address.account, "account_key": authorisation.key}
            return ShareClient(server, share, credential=key, **options)
        if isinstance(authorisation, SasToken):
            return ShareClient(server, share, credential=authorisation.token, **options)
        raise UserErrorException(
            f"datastore {self._name!r}: file shares are opened by an account key or a token (SAS); register it with one"
        )


def _told(error: AzureError, where: str) -> Exception:
    """Return an error of the SDK in our words; its own text may hold the address with a token."""
    if isinstance(error, (ServiceRequestError, ServiceResponseError)):
        return TransientError(f"{where}: the service cannot be reached ({type(error).__name__}); try again")
    if not isinstance(error, HttpResponseError):
        return ServiceException(f"{where}: failed ({type(error).__name__}); try again")
    found = getattr(error, "error_code", None) or ""
    code, status = str(getattr(found, "value", found)), error.status_code or 0
    if status < 400:
        return TransientError(f"{where}: the answer was cut; try again")
    told = f"{where}: refused ({status} {code})".replace(" )", ")")
    if status in _BUSY or code == "Md5Mismatch":
        headers = getattr(error.response, "headers", None) or {}
        asked = retry_after(headers.get("Retry-After"))
        return TransientError(f"{told}: the service is busy or failed; try again", pause=asked)
    return _refusal(code, status, told, where)


def _refusal(code: str, status: int, told: str, where: str) -> Exception:
    if code == "ShareNotFound":
        return UserErrorException(f"{told}: the share is not there; create it, or correct its name")
    if code in _MISSING or (status == 404 and not code):
        return FileNotFoundError(f"{where}: there is no such file")
    if code in _TAKEN:
        return FileExistsError(f"{where}: the path is taken")
    if status in (401, 403):
        return AuthenticationException(
            f"{told}: the key or token is not the right one, or has expired; register the datastore with a new one"
        )
    if status >= 500:
        return ServiceException(f"{told}: the service failed; try again")
    return UserErrorException(f"{told}: the service does not take this; see the code in Microsoft's reference")
