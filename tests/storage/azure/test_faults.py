"""Single requests to Azure Blob that fail: what is tried again, how, and what is told in the end."""

from dataclasses import replace
from functools import partial

import pytest

from airflow_ml.exceptions import ServiceException, UserErrorException
from airflow_ml.storage.azure.blob_store import BlobStore
from airflow_ml.storage.azure.blobs import CREATE
from airflow_ml.storage.azure.blocks import BLOCK_SIZE
from airflow_ml.storage.azure.client import AzureClient
from airflow_ml.storage.azure.wire import Answer, Wire
from airflow_ml.storage.protocol import Upload
from airflow_ml.storage.retrying import RetryPolicy, TransientError

pytestmark = pytest.mark.azurite


def refused(status, code="", **headers):
    """A request that never gets to the server, and is answered so."""
    return lambda exchange, request: Answer(status, {"x-ms-error-code": code, **headers}, b"")


def lost(exchange, request):
    """A request that the server does, and whose answer is lost."""
    exchange(request)
    raise TransientError("the connection was cut")


def cut(exchange, request):
    """A request that does not get to the server."""
    raise TransientError("the connection was cut")


class FaultyWire(Wire):
    """Connections on which the first requests fare as they are told to."""

    faults = ()

    def exchange(self, request, sink=None):
        """Have the next fault, or none."""
        fault, *self.faults = self.faults or (None,)
        passed_on = partial(super().exchange, sink=sink)
        return fault(passed_on, request) if fault else passed_on(request)


@pytest.fixture
def pauses():
    """The seconds that have been waited for between tries."""
    return []


@pytest.fixture
def faulty(blob_store, pauses):
    """Function that opens the container of `blob_store` over connections that have faults."""

    def faulty(*faults):
        address, wire = blob_store.client.address, FaultyWire(blob_store.client.address)
        wire.faults = faults
        retries = RetryPolicy(tries=4, sleep=pauses.append)
        return BlobStore(AzureClient(address, blob_store.client.credentials, name="blobs", retries=retries, wire=wire))

    return faulty


@pytest.mark.parametrize(
    "fault",
    [refused(status) for status in (408, 429, 500, 502, 503, 504)]
    + [refused(409, "ContainerBeingDeleted"), refused(400, "Md5Mismatch"), cut, lost],
)
def test_what_may_not_come_again_is_tried_again(blob_store, faulty, pauses, fault):
    """After a pause that grows, each time; the caller notices nothing."""
    blob_store.write("f", b"x")

    assert faulty(fault, fault).stat("f").size == 1
    assert len(pauses) == 2
    assert pauses[0] <= 0.4 < pauses[1] <= 0.8


def test_the_pause_that_is_asked_for_is_made(blob_store, faulty, pauses):
    """A server that is busy says when to come back; an hour is too long."""
    blob_store.write("f", b"x")

    faulty(refused(503, "ServerBusy", **{"retry-after": "3"}), refused(429, **{"retry-after": "3600"})).stat("f")

    assert pauses == [3, 20]


def test_a_connection_that_was_idle_too_long_costs_no_pause(azurite, blob_store, pauses, faulty):
    """Servers close connections that nothing is sent on; the next request finds out."""
    store = faulty()
    store.exists("f")
    for connection in store.client._wire._idle:
        connection.sock.close()

    assert not store.exists("f")
    assert pauses == []


def test_what_does_not_end_is_told(faulty):
    """Where, what, and how often it was tried."""
    with pytest.raises(
        ServiceException, match=r"'blobs', .*'f': the service is busy \(503 ServerBusy\); gave up after 4"
    ):
        faulty(*[refused(503, "ServerBusy")] * 4).stat("f")
    with pytest.raises(ServiceException, match=r"'blobs', .*listing of 'd/': the connection was cut; gave up after 4"):
        list(faulty(*[cut] * 4).list("d"))


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (refused(403, "AuthorizationPermissionMismatch"), "Storage Blob Data Contributor"),
        (refused(403, "RequestTimeTooSkewed"), "this machine's clock"),
        (refused(409, "BlobArchived"), "archive tier; rehydrate it first"),
        (refused(412, "LeaseIdMissing"), "somebody holds a lease on it"),
        (refused(400, "SomethingNew"), "the service does not take this"),
    ],
)
def test_a_refusal_is_told_at_once_with_the_way_out(faulty, pauses, answer, told):
    """What the caller has to correct is not tried again."""
    with pytest.raises(UserErrorException, match=f"write of 'f': refused .*{told}"):
        faulty(answer).blobs.put("f", b"x", {}, CREATE)
    assert pauses == []


@pytest.mark.parametrize("content", [b"ours", b"o" * (BLOCK_SIZE + 1)], ids=["small", "in blocks"])
def test_a_file_that_was_made_although_the_answer_was_lost_is_ours(blob_store, faulty, content):
    """The second try finds the path taken, by the first one."""
    store = faulty(*([None, None] if len(content) > BLOCK_SIZE else []), lost)

    info = store.write("with + sign", content, overwrite=False)

    assert info.etag == blob_store.stat("with + sign").etag
    assert blob_store.open_read("with + sign").read() == content


def test_a_file_that_another_one_made_meanwhile_is_not_ours(blob_store, faulty):
    """It is there with other content when the second try comes."""

    def overtaken(exchange, request):
        blob_store.write("with + sign", b"theirs")
        raise TransientError("the connection was cut")

    with pytest.raises(FileExistsError):
        faulty(overtaken).write("with + sign", b"ours", overwrite=False)
    assert blob_store.open_read("with + sign").read() == b"theirs"


def test_blocks_that_have_become_a_blob_although_the_answer_was_lost(blob_store, faulty):
    """Making the blob again of the same blocks is making it once."""
    writer = faulty(None, None, lost).begin("f", size=3, part_size=3, token="t")
    writer.put(0, b"abc")

    assert writer.finish().etag == blob_store.stat("f").etag


def test_a_commit_whose_every_answer_is_lost_once_is_whole(blob_store, faulty, tmp_path):
    """Many files, each of which was written although nobody was told."""
    uploads = []
    for number in range(10):
        (tmp_path / f"{number}").write_bytes(b"x" * number)
        uploads.append(Upload(tmp_path / f"{number}", f"d/{number}"))

    stored = faulty(*[lost] * 3, *[None] * 3, *[lost] * 3).put_files(uploads, token="t")

    assert [(info.size, info.etag) for info in blob_store.list()] == [(file.size, file.etag) for file in stored]


def test_a_range_that_is_cut_is_read_again(blob_store, faulty, tmp_path):
    """A copy goes on where it was, under the ETag that it began with."""
    content = bytes(range(256)) * (3 * BLOCK_SIZE // 256)
    blob_store.write("f", content)

    faulty(None, cut, refused(503), None, cut).get("f", tmp_path / "f")

    assert (tmp_path / "f").read_bytes() == content


def test_content_that_was_damaged_on_the_way_is_sent_again(blob_store, faulty):
    """The service finds by its MD5 that it is not what was sent."""

    def damaged(exchange, request):
        return exchange(replace(request, body=b"Xamaged"))

    store = faulty(damaged)
    store.write("with + sign", b"damaged")

    assert blob_store.open_read("with + sign").read() == b"damaged"
