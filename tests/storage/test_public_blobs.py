"""Folders of public Azure Blob containers, from a server of our own that answers like one."""

import base64
import hashlib
import http.server
import threading
from urllib.parse import parse_qs, urlsplit

import pytest
from servers.web import WEB_ONLY

from airflow_ml.exceptions import DatasetNotFoundError, ServiceException
from airflow_ml.storage import public_blobs
from airflow_ml.storage.datasets import resolve, stage_dataset
from airflow_ml.storage.public_blobs import is_blob_address

BLOBS = {"images/a 1.csv": b"a", "images/b.txt": b"bb", "images/deep/c.csv": b"ccc", "images2/d.csv": b"d"}
ENTRY = (
    "<Blob><Name>{name}</Name><Properties><Last-Modified>Tue, 03 Mar 2026 10:00:00 GMT</Last-Modified>"
    "<Etag>0x{size}</Etag><Content-Length>{size}</Content-Length>"
    "<Content-MD5>{md5}</Content-MD5></Properties></Blob>"
)
FOLDER = (
    "<Blob><Name>images/deep</Name><Properties><Last-Modified>Tue, 03 Mar 2026 10:00:00 GMT</Last-Modified>"
    "<ResourceType>directory</ResourceType></Properties></Blob>"
)


def _entry(name):
    md5 = base64.b64encode(hashlib.md5(BLOBS[name]).digest()).decode()
    return ENTRY.format(name=name, size=len(BLOBS[name]), md5=md5)


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        parts = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if asked.get("comp") == "list":
            status, etag, body = self._listing(parts.path.strip("/"), asked)
        else:
            content = BLOBS.get(parts.path.removeprefix("/demo/").replace("%20", " "))
            status, etag, body = (404, "", b"") if content is None else (200, f'"0x{len(content)}"', content)
        self.send_response(status)
        self.send_header("ETag", etag)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def _listing(self, container, asked):
        if container == "broken":
            return 200, "", b"<html>welcome"
        if container == "bomb":
            return 200, "", b'<!DOCTYPE x [<!ENTITY a "a">]><x>&a;</x>'
        if container != "demo" and asked.get("sig") != "s3cret":
            return 404, "", b""
        names = sorted(name for name in BLOBS if name.startswith(asked.get("prefix", "")))
        page, more = (names[2:], "") if asked.get("marker") else (names[:2], "next" if names[2:] else "")
        entries = FOLDER + "".join(_entry(name) for name in page)
        text = f"\ufeff<?xml version='1.0'?><EnumerationResults><Blobs>{entries}</Blobs><NextMarker>{more}</NextMarker>"
        return 200, "", f"{text}</EnumerationResults>".encode()

    do_HEAD = do_GET  # noqa: N815 - the base class's names

    def log_message(self, *arguments):
        """Keep the tests' output clean."""


@pytest.fixture
def server(monkeypatch):
    """The address of a server that counts as one of Azure's."""
    monkeypatch.setattr(public_blobs, "HOSTS", ("127.0.0.1",))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_address[1]}"
        running.shutdown()


def paths(url):
    """Return the paths inside the dataset of one address."""
    return [file.relative_path for file in resolve({"kind": "file", "sources": [{"url": url}]}, WEB_ONLY).files]


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("demo/images", ["/a 1.csv", "/b.txt", "/deep/c.csv"]),
        ("demo/images/", ["/a 1.csv", "/b.txt", "/deep/c.csv"]),
        ("demo/images/*.csv", ["/a 1.csv"]),
        ("demo/images/**/*.csv", ["/a 1.csv", "/deep/c.csv"]),
        ("demo/", ["/images/a 1.csv", "/images/b.txt", "/images/deep/c.csv", "/images2/d.csv"]),
        ("demo/images/b.txt", ["/b.txt"]),
    ],
)
def test_a_folder_or_pattern_of_a_container_is_listed(server, address, found):
    """A folder stands for all blobs below it, a pattern for those that match; entries of folders are no files."""
    assert paths(f"{server}/{address}") == found


def test_blobs_say_what_they_hold(server):
    """A listing tells the MD5 of each blob, by which content is compared without a download."""
    files = resolve({"kind": "file", "sources": [{"url": f"{server}/demo/images"}]}, WEB_ONLY).files

    assert [file.info.digest for file in files][:1] == [f"md5:{hashlib.md5(b'a').hexdigest()}"]


def test_listed_blobs_are_staged(server, tmp_path, cache):
    """The files of a folder come to the script under their paths, and their ETags agree with the listing."""
    definition = {"kind": "file", "sources": [{"url": f"{server}/demo/images"}]}

    staged = stage_dataset(definition, WEB_ONLY, tmp_path / "x", "mount", cache)

    assert staged.path == tmp_path / "x"
    assert (tmp_path / "x/a 1.csv").read_bytes() == b"a"
    assert (tmp_path / "x/deep/c.csv").read_bytes() == b"ccc"


def test_a_token_in_the_address_opens_the_container(server):
    """A token goes with the listing and with each blob, and into no error."""
    assert paths(f"{server}/closed/images?sig=s3cret") == ["/a 1.csv", "/b.txt", "/deep/c.csv"]
    with pytest.raises(DatasetNotFoundError, match="the server says 404") as error:
        paths(f"{server}/closed/images?sig=other")
    assert "other" not in str(error.value)


def test_nothing_behind_an_address_is_a_dataset_not_found(server):
    """A folder without blobs does not exist, and the error says so."""
    with pytest.raises(DatasetNotFoundError, match=r"'demo' has no such file or folder"):
        paths(f"{server}/demo/nothing")


@pytest.mark.parametrize("container", ["broken", "bomb"])
def test_an_answer_that_is_no_listing_is_an_error(server, container):
    """What is no XML, or declares entities, is refused."""
    with pytest.raises(ServiceException, match=f"/{container}': the answer is no listing of a container"):
        paths(f"{server}/{container}/images/")


def test_blob_servers_are_told_by_their_names():
    """The host decides, and not what stands elsewhere in the address."""
    assert is_blob_address("https://data.blob.core.windows.net/demo/x")
    assert not is_blob_address("https://example.org/data.blob.core.windows.net/x")
