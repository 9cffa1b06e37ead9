import json
import os
import threading

import pytest

from airflow_ml.exceptions import ServiceException
from airflow_ml.runtime.events import EventReader, EventWriter
from airflow_ml.runtime.protocol import ProtocolError


def test_threads_and_forks_never_interleave(step, python):
    """Events of many threads and forked processes are whole lines, and none is lost."""
    step.python = python

    step.run("""
        import os, threading
        from azureml.core import Run
        run = Run.get_context()
        def log(who):
            for number in range(50):
                run.log(who, "x" * 3000)
        for child in range(3):
            if os.fork() == 0:
                log("child"); os._exit(0)
        threads = [threading.Thread(target=log, args=("thread",)) for _ in range(3)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        for child in range(3):
            assert os.wait()[1] == 0
        assert len(run.get_metrics("child")["child"]) == 150
    """)

    assert len(step.events("metric")) == 300
    assert len(step.events("closed")) == 1


def test_torn_last_line_is_left(tmp_path):
    """A line without its end is not read until it is complete."""
    path = tmp_path / "events.jsonl"
    writer, reader = EventWriter(str(path)), EventReader(path)
    writer.write("r", "tag", key="a", value="1")
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:10])

    assert len(reader.read()) == 1
    assert reader.read() == []
    path.write_bytes(whole + whole)
    assert len(reader.read()) == 1
    assert reader.damaged == 0


def test_reader_goes_on_from_an_offset(tmp_path):
    """A new reader goes on where another one stopped."""
    path = tmp_path / "events.jsonl"
    writer, reader = EventWriter(str(path)), EventReader(path)
    writer.write("r", "tag", key="a", value="1")
    reader.read()
    writer.write("r", "tag", key="b", value="2")

    assert [event["key"] for event in EventReader(path, reader.offset).read()] == ["b"]


def test_no_file_yet(tmp_path):
    """A file that is not there has no events."""
    assert EventReader(tmp_path / "events.jsonl").read() == []


def test_garbage_is_counted(tmp_path):
    """Lines that are no events are passed over and counted, and do not hide the others."""
    path = tmp_path / "events.jsonl"
    path.write_bytes(b'nonsense\n\xff\xfe\n[1]\n{"v": 1}\n')
    EventWriter(str(path)).write("r", "tag", key="a", value="1")
    reader = EventReader(path)

    assert [event["key"] for event in reader.read()] == ["a"]
    assert reader.damaged == 4


def test_other_version(tmp_path):
    """An event of another protocol version is an error that names both."""
    path = tmp_path / "events.jsonl"
    path.write_text(json.dumps({"v": 2, "time": 0, "run": "r", "event": "tag"}) + "\n")

    with pytest.raises(ProtocolError, match=r"'tag' is of step protocol 2, this side reads protocol 1"):
        EventReader(path).read()


def test_full_disk():
    """A metric that cannot be written is an error that names the file and the reason."""
    with pytest.raises(ServiceException, match=r"/dev/full: event 'tag' was not written: No space left on device"):
        EventWriter("/dev/full").write("r", "tag", key="a", value="1")


def test_line_after_a_torn_one(tmp_path):
    """After a line that was cut by a full disk the next event still is a line of its own."""
    import resource
    import signal

    path = tmp_path / "events.jsonl"
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        writer = EventWriter(str(path))
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
        try:
            writer.write("r", "tag", key="a", value="x" * 500)
        except ServiceException:
            resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
            writer.write("r", "tag", key="b", value="1")
        os._exit(0)
    os.waitpid(child, 0)
    reader = EventReader(path)

    assert [event["key"] for event in reader.read()] == ["b"]
    assert reader.damaged == 1


def test_reader_beside_a_writer(tmp_path):
    """Following a file that is being written gives every event once, in order."""
    path = tmp_path / "events.jsonl"
    writer, reader = EventWriter(str(path)), EventReader(path)

    def write():
        for number in range(300):
            writer.write("r", "tag", key=str(number), value="x" * 2000)

    thread = threading.Thread(target=write)
    thread.start()

    seen = []
    while len(seen) < 300:
        seen += [int(event["key"]) for event in reader.read()]
    thread.join()

    assert seen == list(range(300))
