"""The operations of the Blob service that a store is made of, one method for each ("Blob service REST API")."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from airflow_ml.exceptions import ServiceException
from airflow_ml.storage.azure.blob_entries import FOLDER_MARK, Page, info_of_headers, is_folder_mark, parse_page
from airflow_ml.storage.azure.blob_names import encoded
from airflow_ml.storage.azure.client import content_md5
from airflow_ml.storage.azure.errors import TakenError
from airflow_ml.storage.azure.wire import Answer, Request, Sink
from airflow_ml.storage.protocol import FileInfo

if TYPE_CHECKING:
    from airflow_ml.storage.azure.client import AzureClient

__all__ = ["ANY", "CREATE", "Blobs", "Condition", "if_match"]


#: How many blobs a listing asks for at a time: the most that the service gives.
PAGE = 5000


class Condition(dict[str, str]):
    """The headers of a conditional request; `kind` says what it means when the condition does not hold."""

    def __init__(self, kind: str, headers: Mapping[str, str]) -> None:
        super().__init__(headers)
        self.kind = kind


ANY = Condition("", {})

#: Only if nothing is there.
CREATE = Condition("create", {"if-none-match": "*"})


def if_match(etag: str | None) -> Condition:
    """Only if it is still that file; always, where the ETag is not known."""
    return Condition("etag", {"if-match": f'"{etag}"'}) if etag else ANY


class Blobs:
    """The blobs of one container; names are taken literally, and nothing is cached."""

    def __init__(self, client: AzureClient) -> None:
        self.client = client

    def url(self, name: str) -> str:
        """Return a blob's address, without what opens it."""
        return self.client.address.url(encoded(name))

    def _send(
        self,
        method: str,
        name: str,
        what: str,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | memoryview = b"",
        condition: Condition = ANY,
        accept: Collection[int] = (),
        sink: Sink | None = None,
    ) -> Answer:
        address = self.client.address
        path = address.path(encoded(name)) if name else address.container_path
        request = Request(method, path, query or {}, {**(headers or {}), **condition}, body)
        return self.client.send(request, what, condition=condition.kind, accept=accept, sink=sink)

    def create_container(self) -> bool:
        """Make the container; False if it is there already."""
        try:
            self._send("PUT", "", "creation", query={"restype": "container"}, condition=Condition("create", {}))
        except FileExistsError:
            return False
        return True

    def allow_public(self) -> None:
        """Let everybody list and read the container, if the account allows that."""
        headers = {"x-ms-blob-public-access": "container"}
        self._send("PUT", "", "access", query={"restype": "container", "comp": "acl"}, headers=headers)

    def delete_container(self) -> None:
        """Delete the container with all that is in it."""
        self._send("DELETE", "", "deletion", query={"restype": "container"}, accept=[404])

    def stat(self, name: str) -> FileInfo:
        """Return what is known of a blob."""
        return self._file(name, self._send("HEAD", name, f"path {name!r}"))

    def is_mark(self, name: str) -> bool:
        """Tell whether a blob is there that only stands for a folder."""
        answer = self._send("HEAD", name, f"path {name!r}", accept=[404])
        return answer.status != 404 and is_folder_mark(answer.headers)

    def make_mark(self, name: str) -> None:
        """Write a blob that only stands for a folder, unless something is there."""
        headers = {"x-ms-blob-type": "BlockBlob", **FOLDER_MARK}
        with suppress(FileExistsError):
            self._send("PUT", name, f"write of folder {name!r}", headers=headers, condition=CREATE)

    def _file(self, name: str, answer: Answer, *, size: int | None = None) -> FileInfo:
        """Return what an answer says of a blob that is a file, and not the mark of a folder."""
        if is_folder_mark(answer.headers):
            raise FileNotFoundError(self.client.where(f"path {name!r}: is a folder, where a file was expected"))
        return info_of_headers(name, answer.headers, size=size)

    def read(
        self, name: str, start: int, length: int, *, etag: str | None = None, what: str = ""
    ) -> tuple[bytes, FileInfo]:
        """Return bytes of a blob from `start` on, fewer at its end, and what is known of it."""
        headers = {"range": f"bytes={start}-{start + length - 1}"}
        what = what or f"path {name!r}"
        answer = self._send("GET", name, what, headers=headers, condition=if_match(etag), accept=[416])
        if answer.status == 416:
            # Nothing begins there: behind the end, or the blob is empty.
            info = self.stat(name)
            if info.etag != (etag or info.etag) or start < info.size:
                raise ServiceException(self.client.where(f"{what}: the file was changed meanwhile; try again"))
            return b"", info
        if answer.status == 200:
            return answer.body[start : start + length], self._file(name, answer)
        total = answer.header("content-range").rpartition("/")[2]
        return answer.body, self._file(name, answer, size=int(total))

    def read_to(self, name: str, start: int, length: int, sink: Sink, *, etag: str) -> int:
        """Hand bytes of a blob to a sink as they come, and return how many there were; fewer only at its end."""
        headers, condition, what = {"range": f"bytes={start}-{start + length - 1}"}, if_match(etag), f"path {name!r}"
        done = 0

        def count(position: int, content: memoryview) -> None:
            nonlocal done
            sink(position, content)
            done = position + len(content)

        answer = self._send("GET", name, what, headers=headers, condition=condition, accept=[416], sink=count)
        if answer.status == 200:  # the whole blob
            count(0, memoryview(answer.body)[start : start + length])
        return done

    def put(
        self,
        name: str,
        content: bytes | memoryview,
        noted: Mapping[str, str],
        condition: Condition,
        *,
        is_doubtful: bool = False,
    ) -> FileInfo:
        """
        Write a blob in one request; the service checks the MD5 and keeps it.

        Args:
            noted: headers that give the blob metadata.
            condition: on which alone it is written.
            is_doubtful: an earlier try may have written the blob.
        """
        headers = {"x-ms-blob-type": "BlockBlob", "content-md5": content_md5(content), **noted, **_BYTES}
        try:
            answer = self._send("PUT", name, f"write of {name!r}", headers=headers, body=content, condition=condition)
        except TakenError as exc:
            exc.is_doubtful |= is_doubtful
            return self._own(name, noted, exc)
        return info_of_headers(name, {**answer.headers, **headers}, size=len(content))

    def _own(self, name: str, noted: Mapping[str, str], taken: TakenError) -> FileInfo:
        """Return what is there if it is what this write has made without being told; raise otherwise."""
        if taken.is_doubtful and noted:
            headers = self._send("HEAD", name, f"path {name!r}").headers
            if noted.items() <= headers.items():
                return info_of_headers(name, headers)
        raise taken

    def put_block(self, name: str, block: str, content: bytes | memoryview) -> None:
        """Send one block of a blob, which is not seen before `put_block_list`; the service checks its MD5."""
        headers = {"content-md5": content_md5(content), **_BYTES}
        query = {"comp": "block", "blockid": block}
        self._send("PUT", name, f"write of {name!r}", query=query, headers=headers, body=content)

    def put_block_from(self, name: str, block: str, source: Mapping[str, str], start: int, length: int) -> None:
        """Have the service read one block from another blob."""
        headers = {**source, "x-ms-source-range": f"bytes={start}-{start + length - 1}"}
        self._send("PUT", name, f"copy to {name!r}", query={"comp": "block", "blockid": block}, headers=headers)

    def uncommitted(self, name: str) -> dict[str, int]:
        """Return the blocks that have arrived and belong to no blob yet, with their sizes."""
        query = {"comp": "blocklist", "blocklisttype": "uncommitted"}
        answer = self._send("GET", name, f"parts of {name!r}", query=query, accept=[404])
        if answer.status == 404:
            return {}
        blocks = _parsed(answer.body, self.client.where(f"parts of {name!r}")).iterfind("UncommittedBlocks/Block")
        return {block.findtext("Name", ""): int(block.findtext("Size", "0")) for block in blocks}

    def put_block_list(
        self, name: str, blocks: Sequence[str], size: int, noted: Mapping[str, str], condition: Condition
    ) -> FileInfo:
        """Make the blob of its blocks, at once; made already, of the same ones, it stays."""
        listed = "".join(f"<Latest>{block}</Latest>" for block in blocks)
        body = f'<?xml version="1.0" encoding="utf-8"?><BlockList>{listed}</BlockList>'.encode()
        headers = {"content-type": "application/xml", "content-md5": content_md5(body), **noted}
        query, what = {"comp": "blocklist"}, f"write of {name!r}"
        try:
            answer = self._send("PUT", name, what, query=query, headers=headers, body=body, condition=condition)
        except TakenError as exc:
            return self._own(name, noted, exc)
        # Here Content-MD5 is that of the list.
        told = {"etag": answer.header("etag"), "last-modified": answer.header("last-modified")}
        return info_of_headers(name, {**told, **noted}, size=size)

    def copy(self, name: str, source: Mapping[str, str], condition: Condition) -> str:
        """Have the service copy another blob of the account, and return how far it is (`success`, `pending`)."""
        answer = self._send("PUT", name, f"copy to {name!r}", headers=source, condition=condition)
        return answer.header("x-ms-copy-status") or "success"

    def copy_status(self, name: str) -> str:
        """Return how far a copy is."""
        return self._send("HEAD", name, f"copy to {name!r}").header("x-ms-copy-status") or "success"

    def delete(self, name: str, condition: Condition = ANY) -> None:
        """Delete a blob with its snapshots; what is not there, or meets no condition, is left."""
        headers = {"x-ms-delete-snapshots": "include"}
        accept = [404, 412] if condition else [404]
        self._send("DELETE", name, f"deletion of {name!r}", headers=headers, condition=condition, accept=accept)

    def page(self, prefix: str, *, marker: str = "", delimiter: str = "", limit: int = PAGE) -> Page:
        """Return a part of the listing of the blobs whose names begin with a prefix, in the service's order."""
        query = {"restype": "container", "comp": "list", "include": "metadata", "prefix": encoded(prefix)}
        query |= {"marker": marker} if marker else {}
        query |= {"delimiter": delimiter} if delimiter else {}
        query |= {"maxresults": str(limit)}
        answer = self._send("GET", "", f"listing of {prefix!r}", query=query)
        try:
            return parse_page(answer.body)
        except (ElementTree.ParseError, ValueError) as exc:
            where = self.client.where(f"listing of {prefix!r}")
            raise ServiceException(f"{where}: the answer is no listing of a container ({exc})") from exc


#: What is written is bytes to us; without this, the service keeps a type that clients guess.
_BYTES = {"content-type": "application/octet-stream"}


def _parsed(text: bytes, where: str) -> ElementTree.Element:
    try:
        return ElementTree.fromstring(text)  # noqa: S314 - a list of blocks, from the service that signs us in
    except ElementTree.ParseError as exc:
        raise ServiceException(f"{where}: the answer is no list of blocks ({exc})") from exc
