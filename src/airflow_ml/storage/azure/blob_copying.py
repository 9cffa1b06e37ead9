"""Copies that the service makes by itself, within an account and between accounts."""

from __future__ import annotations

import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from airflow_ml.exceptions import ServiceException, UserErrorException
from airflow_ml.storage.azure.blob_entries import digest_metadata
from airflow_ml.storage.azure.blocks import block_id
from airflow_ml.storage.azure.errors import ChangedError

if TYPE_CHECKING:
    from airflow_ml.storage.azure.blobs import Blobs, Condition
    from airflow_ml.storage.protocol import FileInfo

__all__ = ["copy_between", "copy_within"]

#: Of the ranges that a service reads from another account.
_RANGE = 64 << 20

_COPIERS = 4

_POLL_SECONDS = 0.5


def copy_within(blobs: Blobs, source: str, target: str, condition: Condition) -> FileInfo:
    """Copy a blob of a container to another name in it."""
    return _copy(_source(blobs, source), "", blobs, target, condition)


def copy_between(
    origin: Blobs, source: str, blobs: Blobs, target: str, *, etag: str, condition: Condition
) -> FileInfo | None:
    """
    Copy a blob between containers or accounts; None where the one service cannot reach the other.

    Raises:
        ChangedError: the source is another file than the ETag says.
    """
    ours, theirs = blobs.client.address, origin.client.address
    if ours.host != theirs.host and not (ours.is_azure and theirs.is_azure):
        return None
    try:
        if ours.server == theirs.server:
            return _copy(_source(origin, source), etag, blobs, target, condition)
        return _copy_ranges(origin, source, etag, blobs, target, condition)
    except ChangedError:
        raise
    except (ServiceException, UserErrorException, FileNotFoundError):
        # What the one service may not read of the other looks as if it were not there.
        origin.stat(source)
        return None


def _source(origin: Blobs, name: str) -> dict[str, str]:
    """Return the header that names a blob of an account to its own service."""
    token = origin.client.credentials.current.own_query
    return {"x-ms-copy-source": origin.url(name) + (f"?{token}" if token else "")}


def _copy(source: dict[str, str], etag: str, blobs: Blobs, target: str, condition: Condition) -> FileInfo:
    """Have the service copy within an account, with metadata and MD5; it does not move a byte for that."""
    if etag:
        source = {**source, "x-ms-source-if-match": f'"{etag}"'}
    status = blobs.copy(target, source, condition)
    while status == "pending":
        time.sleep(_POLL_SECONDS)
        status = blobs.copy_status(target)
    if status != "success":
        raise ServiceException(blobs.client.where(f"copy to {target!r}: the service says {status!r}; try again"))
    return blobs.stat(target)


def _copy_ranges(origin: Blobs, source: str, etag: str, blobs: Blobs, target: str, condition: Condition) -> FileInfo:
    """Have the service read the blob from the other account as blocks, which become the copy at once."""
    query, token = origin.client.credentials.current.for_copying(origin.client.address.container)
    headers = {"x-ms-copy-source": origin.url(source) + (f"?{query}" if query else "")}
    headers |= {"x-ms-copy-source-authorization": token} if token else {}
    info = origin.stat(source)
    if info.etag != etag:
        raise ChangedError(origin.client.where(f"path {source!r}: the file was changed meanwhile; try again"))
    headers["x-ms-source-if-match"] = f'"{etag}"'
    series, starts = secrets.token_hex(8), range(0, info.size, _RANGE)
    ids = [block_id(series, index) for index in range(len(starts))]
    with ThreadPoolExecutor(_COPIERS, thread_name_prefix="blob-copy") as pool:
        lengths = [min(_RANGE, info.size - start) for start in starts]
        for _ in pool.map(
            lambda *part: blobs.put_block_from(target, part[0], headers, *part[1:]), ids, starts, lengths
        ):
            pass
    algorithm, _, digest = info.digest.partition(":")
    noted = digest_metadata(digest, size=info.size) if algorithm == "sha256" else {}
    return blobs.put_block_list(target, ids, info.size, noted, condition)
