"""Attempts that failed, and data that changed under others: none of it is ever reused."""

from __future__ import annotations

import subprocess
import threading
from pathlib import Path

import pytest

from airflow_ml.core import Dataset, Datastore
from airflow_ml.core.runconfig import RunConfiguration
from airflow_ml.exceptions import AzureMLException
from airflow_ml.execution import step_attempt
from airflow_ml.execution.model import Airflow
from airflow_ml.execution.reusing import decide_first
from airflow_ml.pipeline.core import PipelineData

PLACE = Airflow("d", "r", "")

WRITE = "import sys; open(sys.argv[1], 'w').write('whole')\n"
COPY = "import sys; open(sys.argv[2], 'w').write(open(sys.argv[1]).read() + '!')\n"


@pytest.mark.parametrize(
    "end",
    [
        "sys.exit(3)",
        "import os; os.kill(os.getpid(), 9)",
        "1 / 0",
        "import os; os.remove(sys.argv[1])",
        "import signal; signal.pause()",
    ],
    ids=["failed", "killed", "raised", "without output", "over time"],
)
def test_a_failed_attempt_is_not_reused(one, end):
    """A script that wrote its output and then failed, in whatever way, has no result, and runs again."""
    config = RunConfiguration()
    config.max_run_duration_seconds = 1
    first = one(WRITE + end, runconfig=config)
    with pytest.raises(AzureMLException):
        first.run()

    assert not first.offers()
    assert one(WRITE + end, runconfig=config).foreseen() == "run"


def test_a_canceled_attempt_is_not_reused(one, gate):
    """A step that was stopped after it wrote its output has no result."""
    source = f"{WRITE}{gate.wait_here}; import signal; signal.pause()"
    first = one(source)

    def run():
        with pytest.raises(AzureMLException):
            first.run()

    runner = threading.Thread(target=run)
    runner.start()
    gate.wait()
    first.is_stopped = True
    gate.open()
    runner.join(30)

    assert first.last().status == "Canceled"
    assert not first.offers()
    assert one(source).foreseen() == "run"


def test_a_full_disk_offers_nothing(one, small_disk):
    """A script whose disk is full has no result, also when it does not notice that half of its output is missing."""
    first = one(
        "import sys\nfile = open(sys.argv[1], 'wb', buffering=0)\nwhile file.write(b'x' * 4096) == 4096: pass\n"
    )
    with pytest.raises(AzureMLException):
        first.run()

    assert not first.offers()


def test_a_full_datastore_offers_nothing(one, services):
    """An output that does not fit onto its datastore is no result, and the next attempt writes it whole."""
    services.store("workspaceblobstore")  # made before the disk
    root = services.registry.home.store("workspaceblobstore")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", root], check=False).returncode:
        pytest.skip("mounting a small disk needs root")
    source = "import sys; open(sys.argv[1], 'wb').write(b'x' * (2 << 20))"
    first = one(source)
    try:
        with pytest.raises(AzureMLException):
            first.run()
    finally:
        subprocess.run(["umount", "-l", root], check=True)

    assert not first.offers()
    again = one(source)
    again.run()
    assert again.output("out").stat().st_size == 2 << 20


def test_a_child_that_still_writes_keeps_the_result_from_others(one):
    """Where the script's end leaves a process that had to be ended, half of the output may be missing."""
    source = """
    import subprocess, sys
    child = "import sys, time\\nwhile True: print('more', file=open(sys.argv[1], 'a')); time.sleep(0.01)"
    open(sys.argv[1], "w").write("whole")
    subprocess.Popen([sys.executable, "-c", child, sys.argv[1]], start_new_session=True)
    """
    first = one(source)
    first.run()

    assert not first.offers()
    assert "left processes running" in first.last().details["reuse"]["withheld"]
    assert one(source).foreseen() == "run"


def test_a_child_that_leaves_by_itself_does_no_harm(one):
    """A process that ends right after the script, as multiprocessing's own does, has been waited for."""
    source = """
    import subprocess, sys
    child = "import sys, time; time.sleep(0.1); open(sys.argv[1], 'a').write(' and more')"
    open(sys.argv[1], "w").write("whole")
    subprocess.Popen([sys.executable, "-c", child, sys.argv[1]])
    """
    first = one(source)
    first.run()

    assert first.offers()
    assert first.output("out").read_text() == "whole and more"


def test_an_edited_output_of_the_producer_is_not_computed_with_for_others(script, start):
    """A step that read an output which somebody had edited on the datastore has a result for its own run alone."""

    def make():
        out, copy = PipelineData("out"), PipelineData("copy")
        producer = script(WRITE, out, outputs=[out], name="make", source_directory="a")
        return start(producer, script(COPY, out, copy, inputs=[out], outputs=[copy], name="copy", source_directory="b"))

    first = make()
    first.run("make")
    first.output("out", "make").write_text("WHOLE")
    first.run("copy")

    assert first.output("copy", "copy").read_text() == "WHOLE!"
    assert first.last("copy").details["reuse"]["withheld"].startswith("output changed: out")
    second = make()
    assert decide_first(second.services, second.graph, second.record, PLACE).reused == ()
    second.run_all()
    assert second.output("copy", "copy").read_text() == "whole!"


def test_data_that_was_changed_and_put_back_meanwhile(script, start, gate, services, workspace):
    """What a step read is not known if its data was another for a moment, whatever it is at the end."""
    place = services.store("workspaceblobstore")
    place.write("raw/a.csv", b"1")
    data = Dataset.File.from_files((Datastore.get(workspace, "workspaceblobstore"), "raw"))
    first = start(script(gate.wait_here, data.as_named_input("raw").as_mount()))
    runner = threading.Thread(target=first.run)
    runner.start()
    gate.wait()
    place.write("raw/a.csv", b"2")
    place.write("raw/a.csv", b"1")
    gate.open()
    runner.join(30)

    assert first.last().status == "Completed"
    assert not first.offers()
    assert "input data raw changed while the step ran" in first.last().details["reuse"]["withheld"]


def test_data_that_was_staged_with_a_file_that_was_there_for_a_moment(script, start, services, workspace, monkeypatch):
    """What counts is what was staged: a file that came after the admission, and went before the end, shows nowhere."""
    place = services.store("workspaceblobstore")
    place.write("raw/a.csv", b"1")
    data = Dataset.File.from_files((Datastore.get(workspace, "workspaceblobstore"), "raw"))
    first = start(script("pass", data.as_named_input("raw").as_mount()))
    begin, prepare = step_attempt.begin_attempt, step_attempt.prepare

    def begin_with_a_file(*given):
        place.write("raw/b.csv", b"2")
        return begin(*given)

    def prepare_and_remove(*given):
        prepared = prepare(*given)
        place.local_path("raw/b.csv").unlink()
        return prepared

    monkeypatch.setattr(step_attempt, "begin_attempt", begin_with_a_file)
    monkeypatch.setattr(step_attempt, "prepare", prepare_and_remove)
    first.run()

    assert not first.offers()
    assert first.last().details["reuse"]["withheld"] == "input data raw changed before the step read it"


def test_a_producer_that_was_cleared_before_its_output_was_read(script, start, services, monkeypatch):
    """A step that was admitted with one output of its producer and read another one offers nothing."""
    flag = Path("flag").resolve()
    flag.write_text("1")
    source = f"import sys; open(sys.argv[1], 'w').write(open({str(flag)!r}).read())"

    def make():
        out, copy = PipelineData("out"), PipelineData("copy")
        producer = script(source, out, outputs=[out], name="make", source_directory="a")
        return start(producer, script(COPY, out, copy, inputs=[out], outputs=[copy], name="copy", source_directory="b"))

    first = make()
    first.run("make")
    begin = step_attempt.begin_attempt

    def clear_producer(services, task, *rest):
        if task.step.id == "copy":
            flag.write_text("2")
            first.run("make")
        return begin(services, task, *rest)

    monkeypatch.setattr(step_attempt, "begin_attempt", clear_producer)
    first.run("copy")

    assert first.output("copy", "copy").read_text() == "2!"
    assert not first.offers("copy")
