"""Big blobs go in blocks: several on their way at once, a bounded number in memory, none seen before the last."""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from airflow_ml.storage.azure.blobs import Blobs

__all__ = ["BLOCK_SIZE", "BlockLane", "SentBlocks", "block_id", "block_lane", "send_blocks"]

#: Of a block in bytes, and of the largest blob that goes in one request: twice the SDK's, which halves the requests.
BLOCK_SIZE = 8 << 20

_SENDERS = 4


@dataclass(frozen=True)
class SentBlocks:
    """Blocks that wait to become a blob, and what they consist of."""

    ids: tuple[str, ...]
    size: int
    sha256: str


@dataclass(frozen=True)
class BlockLane:
    """
    Threads that send blocks, for any number of files.

    Attributes:
        room: is taken for every block that is in memory.
    """

    pool: ThreadPoolExecutor
    room: threading.Semaphore


@contextmanager
def block_lane() -> Iterator[BlockLane]:
    """Give threads that send blocks; what waits when the block fails is not sent any more."""
    with ThreadPoolExecutor(_SENDERS, thread_name_prefix="blob-blocks") as pool:
        try:
            yield BlockLane(pool, threading.Semaphore(_SENDERS + 2))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def block_id(series: str, index: int) -> str:
    """
    Return a block's name: the service wants names of one length within a blob.

    Args:
        series: 16 characters that tell one undertaking's blocks from another's.
    """
    return base64.b64encode(f"{series}{index:08}".encode()).decode()


def send_blocks(blobs: Blobs, name: str, stream: BinaryIO, series: str, lane: BlockLane) -> SentBlocks:
    """Send the rest of a stream as blocks of a blob, hashing it on the way."""
    digest, size = hashlib.sha256(), 0
    ids: list[str] = []
    pending: list[Future[None]] = []
    while True:
        lane.room.acquire()
        chunk = _read_block(stream, lane)
        if not chunk:
            break
        ids.append(block_id(series, len(ids)))
        sent = lane.pool.submit(blobs.put_block, name, ids[-1], chunk)
        sent.add_done_callback(lambda _: lane.room.release())
        digest.update(chunk)
        size += len(chunk)
        pending = [future for future in [*pending, sent] if not _is_sent(future)]
    for future in pending:
        future.result()
    return SentBlocks(tuple(ids), size, digest.hexdigest())


def _read_block(stream: BinaryIO, lane: BlockLane) -> bytes:
    """Return the next block, shorter at the end only; room that was taken for none is given back."""
    try:
        chunk = stream.read(BLOCK_SIZE)
        while chunk and len(chunk) < BLOCK_SIZE and (piece := stream.read(BLOCK_SIZE - len(chunk))):
            chunk += piece
    except BaseException:
        lane.room.release()
        raise
    if not chunk:
        lane.room.release()
    return chunk


def _is_sent(future: Future[None]) -> bool:
    if future.done():
        future.result()
        return True
    return False
