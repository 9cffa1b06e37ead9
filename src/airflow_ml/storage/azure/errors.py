"""
What Azure Storage answers, told apart: try again, sign in again, not there, taken, changed, forbidden, wrong.

By status and error code ("Common REST API error codes" and "Blob service error codes" of Microsoft's reference).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from airflow_ml.exceptions import AuthenticationException, AzureMLException, ServiceException, UserErrorException
from airflow_ml.storage.retrying import TransientError, retry_after

if TYPE_CHECKING:
    from airflow_ml.storage.azure.wire import Answer

__all__ = ["ChangedError", "LostPartsError", "TakenError", "error_code", "error_of", "is_stale"]

_CODE = re.compile(rb"<Code>([A-Za-z0-9]+)</Code>|<m:code>([A-Za-z0-9]+)", re.IGNORECASE)

#: Codes that may not come again, whatever their status.
_TRANSIENT_CODES = {
    "ContainerBeingDeleted",
    "InternalError",
    "Md5Mismatch",
    "OperationTimedOut",
    "ServerBusy",
    "ShareBeingDeleted",
}

_STALE_CODES = {"AuthenticationFailed", "AuthorizationFailure", "InvalidAuthenticationInfo", ""}

_TRANSIENT_STATUS = {408, 429, 500, 502, 503, 504}

_TAKEN_CODES = {"BlobAlreadyExists", "ContainerAlreadyExists", "ResourceAlreadyExists", "UnauthorizedBlobOverwrite"}

#: What the service calls blocks that a list names and that are not there.
_LOST_PARTS_CODES = {"InvalidBlockList", "InvalidBlockId"}

#: Refusals that name their reason; the way out for each.
_REASONS = {
    "AccountIsDisabled": "the storage account is disabled; ask its owner",
    "AuthorizationFailure": "the key or token is not the right one, or the account's firewall does not let this "
    "machine in; check both",
    "AuthorizationPermissionMismatch": "the identity or token lacks the permission; give it the role Storage Blob Data "
    "Contributor, or a token with the letter for this operation",
    "AuthorizationResourceTypeMismatch": "the token is not for this type of resource; make one for containers and "
    "objects (srt=co)",
    "AuthorizationServiceMismatch": "the token is not for this service; make one for blobs (ss=b)",
    "BlobArchived": "the blob is in the archive tier; rehydrate it first",
    "BlobBeingRehydrated": "the blob is on its way out of the archive tier; try again in some hours",
    "BlobImmutableDueToPolicy": "a policy keeps the blob from being changed; write to another path",
    "ContainerNotFound": "the container is not there; create it, or correct its name",
    "FilesystemNotFound": "the file system is not there; create it, or correct its name",
    "InsufficientAccountPermissions": "the token or identity may not do this; ask the account's owner",
    "InvalidResourceName": "the service takes no such name; names of containers have 3 to 63 small letters, digits and "
    "single hyphens",
    "KeyBasedAuthenticationNotPermitted": "the account takes no keys; use a service principal or managed identity",
    "LeaseIdMissing": "somebody holds a lease on it; release that first",
    "NoAuthenticationInformation": "the container is not public; register the datastore with a key or token",
    "OutOfRangeInput": "the service takes no such name or value; names of containers have 3 to 63 characters",
    "PublicAccessNotPermitted": "the account allows no public access; register the datastore with a key or token",
    "ResourceNotFound": "there is no such container, or it is not public; correct its name, or register the datastore "
    "with a key or token",
    "RequestTimeTooSkewed": "this machine's clock differs from the service's by more than 15 minutes; set it",
    "SnapshotsPresent": "it has snapshots; delete those first",
}


class ChangedError(ServiceException):
    """The file is another one than the ETag says."""


class TakenError(FileExistsError):
    """
    The path is taken.

    Attributes:
        is_doubtful: an earlier try of the same write got no answer; it may be what took the path.
    """

    is_doubtful = False


class LostPartsError(ServiceException):
    """Parts that had arrived are gone: another writer has finished the same file meanwhile."""


def error_code(answer: Answer) -> str:
    """Return the service's own word for what went wrong; "" where it gave none."""
    code = answer.header("x-ms-error-code")
    found = None if code else _CODE.search(answer.body[:4096])
    return code if found is None else (found[1] or found[2]).decode()


def is_stale(answer: Answer) -> bool:
    """Tell whether what authorised the request may be of no use any more, rather than of too little."""
    if answer.status == 401:
        return error_code(answer) != "NoAuthenticationInformation"
    # Expired tokens, renewed keys and firewalls have one code in the emulator, the first two also in the service.
    return answer.status == 403 and error_code(answer) in _STALE_CODES


def error_of(answer: Answer, where: str, *, condition: str = "", expired: bool = False) -> Exception:
    """
    Return the error that an answer stands for.

    Args:
        where: datastore, path and what was being done.
        condition: `create` if the file must not have been there, `etag` if it must have been a certain one, or "".
        expired: the token that was sent is past its end.
    """
    code = error_code(answer)
    if code in _TRANSIENT_CODES or answer.status in _TRANSIENT_STATUS:
        return _transient(answer, where, code)
    if code in _LOST_PARTS_CODES:
        return LostPartsError(f"{where}: another writer has finished the file meanwhile, and parts are gone; try again")
    if code == "SourceConditionNotMet":
        return ChangedError(f"{where}: the source was changed meanwhile; try again")
    if code not in _REASONS:
        if answer.status == 404:
            return FileNotFoundError(f"{where}: there is no such file")
        if answer.status in (409, 412) and condition == "create" and code != "LeaseIdMissing":
            return TakenError(f"{where}: the path is taken")
        if answer.status == 412 and condition != "create":
            return ChangedError(f"{where}: the file was changed meanwhile; try again")
    return _refusal(answer, where, code, expired=expired)


def _transient(answer: Answer, where: str, code: str) -> TransientError:
    word = {429: "asks to slow down", 503: "is busy"}.get(answer.status, "failed")
    return TransientError(
        f"{where}: the service {word} ({answer.status} {code})".replace(" )", ")"),
        pause=retry_after(answer.header("retry-after")),
    )


def _refusal(answer: Answer, where: str, code: str, *, expired: bool) -> AzureMLException:
    told = f"{where}: refused ({answer.status} {code})".replace(" )", ")")
    if expired:
        return ServiceException(
            f"{told}: the token (SAS) has expired; register the datastore with a new one, or renew it where it is kept"
        )
    if code in _REASONS:
        return UserErrorException(f"{told}: {_REASONS[code]}")
    if answer.status in (401, 403):
        return AuthenticationException(
            f"{told}: the key or token is not the right one for this account; register the datastore again"
        )
    return UserErrorException(f"{told}: the service does not take this; see the code in Microsoft's reference")
