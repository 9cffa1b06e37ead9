"""Reuse in a pipeline run: what is adopted, what waits, what runs all the same, and what is never offered."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from airflow_ml.core import Dataset, Datastore, Model, Workspace
from airflow_ml.data import OutputFileDatasetConfig
from airflow_ml.exceptions import StepFailedError, UserErrorException
from airflow_ml.execution.admission import Admitted
from airflow_ml.execution.attempt import Control
from airflow_ml.execution.model import Airflow
from airflow_ml.execution.reusing import Reused, Waiting, admit, decide_after, decide_first, mark_announced, plan
from airflow_ml.execution.step_attempt import run_step
from airflow_ml.pipeline.core import PipelineData, PipelineParameter

PLACE = Airflow("d", "r", "")

PREPARE = """
import sys
open(sys.argv[1], "w").write(sys.argv[2])
"""
TRAIN = """
import sys
open(sys.argv[2], "w").write(open(sys.argv[1]).read() + "!")
from azureml.core import Run
Run.get_context().log("loss", 0.5)
"""


@pytest.fixture
def chain(script, start):
    """Open a run of two steps in a chain; each has its own source directory."""

    def make(text="data", *, prepare=PREPARE, train=TRAIN, allow=True, **opening):
        clean, model = PipelineData("clean"), PipelineData("model")
        steps = [
            script(prepare, clean, text, name="prepare", outputs=[clean], source_directory="a", allow_reuse=allow),
            script(train, clean, model, name="train", inputs=[clean], outputs=[model], source_directory="b"),
        ]
        return start(*steps, **opening)

    return make


def look(started):
    """Decide the run as its first task does."""
    return decide_first(started.services, started.graph, started.record, PLACE)


def decisions(started):
    """Return action and reasons of each step of the same pipeline, were it started now."""
    found = plan(started.services, started.graph, {})
    return {name: decision.action for name, decision in found.items()}


def test_an_unchanged_chain_is_adopted_at_once(chain):
    """Every step of an unchanged pipeline takes the earlier result, before anything runs."""
    first = chain()
    first.run_all()

    second = chain()
    found = look(second)

    assert [item.step_id for item in found.reused] == ["prepare", "train"]
    assert found.is_whole
    assert second.output("model", "train").read_text() == "data!"
    assert second.last("train").status == "Completed"


def test_a_reused_step_shows_the_original(chain):
    """A reused step's run has the original's outputs at their old paths, its metrics, and v1's properties."""
    first = chain()
    first.run_all()
    original = first.last("train")

    second = chain()
    [_, train] = look(second).reused

    record = second.last("train")
    assert record.properties["azureml.reusedrunid"] == original.id
    assert record.properties["azureml.reusedpipeline"] == first.id
    assert record.properties["azureml.reusednodeid"] == "train"
    assert record.properties["azureml.isreused"] == "true"
    assert train.result.metrics == {"loss": 0.5}
    assert train.result.outputs["model"].path == f"azureml/{original.id}/model"
    assert train.sentence.startswith(f"reused from {original.id}, saved ")
    assert record.details["reuse"]["decision"] == "reused"


def test_a_reused_result_is_flattened(chain):
    """What is reused from a reused step names the run that really computed it."""
    first = chain()
    first.run_all()
    look(chain())

    third = chain()
    look(third)

    assert third.last("train").properties["azureml.reusedrunid"] == first.last("train").id


def test_a_changed_argument_runs_and_its_consumer_waits(chain):
    """A step whose argument changed runs, and what reads its output is decided when it has run."""
    chain().run_all()

    second = chain("other")
    found = look(second)

    assert found.reused == ()
    assert "decided when 'prepare' has run" in found.sentences[1]


def test_equal_bytes_let_the_consumer_be_reused(chain):
    """A step that ran again and wrote the same bytes lets its consumers be reused (early cut-off)."""
    first = chain()
    first.run_all()

    second = chain(prepare=PREPARE + "# a comment\n")
    assert look(second).reused == ()
    second.run("prepare")
    found = decide_after(second.services, second.graph, second.record, "prepare", PLACE)

    assert [item.step_id for item in found] == ["train"]
    assert second.last("train").properties["azureml.reusedrunid"] == first.last("train").id


def test_other_bytes_run_the_consumer(chain):
    """A step that ran again and wrote other bytes lets nothing behind it be reused."""
    chain().run_all()

    second = chain("other")
    second.run("prepare")

    assert decide_after(second.services, second.graph, second.record, "prepare", PLACE) == ()
    second.run("train")
    assert second.output("model", "train").read_text() == "other!"


def test_a_step_behind_another_waits_for_it(script, start):
    """`run_after` a step that runs: the result is taken when that step has completed, so that order holds behind it."""

    def make():
        gate = script("pass", name="gate", allow_reuse=False, source_directory="a")
        out = PipelineData("out")
        train = script(PREPARE, out, "x", name="train", outputs=[out], source_directory="b")
        train.run_after(gate)
        return start(train)

    make().run_all()
    second = make()

    assert look(second).reused == ()
    assert plan(second.services, second.graph, {})["train"].waits_for == ("gate",)
    second.run("gate")
    found = decide_after(second.services, second.graph, second.record, "gate", PLACE)
    assert [item.step_id for item in found] == ["train"]


def test_what_is_adopted_and_not_announced_is_returned_again(chain):
    """A check that died before it told Airflow finds its adopted steps again; told ones are not repeated."""
    chain().run_all()
    second = chain()
    found = look(second)

    again = look(second)
    assert [item.step_id for item in again.reused] == ["prepare", "train"]
    assert len(second.services.registry.runs.attempts(second.id, "train")) == 1
    mark_announced(second.services, found.reused)
    assert look(second).reused == ()


def test_a_lost_message_does_not_run_the_step(chain):
    """A step that starts because Airflow was never told takes the result that it has adopted."""
    chain().run_all()
    second = chain()
    look(second)

    taken = admit(second.services, second.task("prepare"), second.log.append)

    assert isinstance(taken, Reused)
    assert len(second.services.registry.runs.attempts(second.id, "prepare")) == 1


def test_a_cleared_step_really_runs(chain):
    """A reused step that Airflow starts after it was told to skip it was cleared: it runs, and its result is newer."""
    chain().run_all()
    second = chain()
    mark_announced(second.services, look(second).reused)

    second.run("prepare")

    assert "azureml.isreused" not in second.last("prepare").properties
    assert second.last("prepare").attempt == 2
    assert second.services.registry.results.of_run(second.last("prepare").id) is not None


@pytest.mark.parametrize(("cleared_after", "runs"), [(0, False), (1, True)])
def test_a_task_that_died_after_its_commit_finds_its_result(chain, cleared_after, runs):
    """Tried again by Airflow, it takes what its earlier try has completed; cleared by a person, it really runs."""
    first = chain()
    first.run("prepare")
    task = first.task("prepare")
    again = replace(task, task=replace(task.task, try_number=2, cleared_after=cleared_after))

    admission = admit(first.services, again, first.log.append)

    assert isinstance(admission, Admitted) is runs
    if not runs:
        assert admission.result.step_run_id == first.last("prepare").id


@pytest.mark.parametrize(("mode", "is_offered"), [("refresh", True), ("off", False)])
def test_modes_run_every_step(chain, mode, is_offered):
    """`refresh` and `off` run everything; only what `refresh` computes may be taken by later runs."""
    chain().run_all()

    second = chain(details={"reuse": mode})
    assert look(second).reused == ()
    second.run_all()

    result = second.services.registry.results.of_run(second.last("prepare").id)
    assert (result is not None) is is_offered


def test_a_step_without_reuse_runs_and_offers_nothing(chain):
    """allow_reuse=False runs the step each time, and its result is nobody's; what is behind it may be reused."""
    chain(allow=False).run_all()

    second = chain(allow=False)
    assert look(second).reused == ()
    second.run("prepare")

    assert second.services.registry.results.of_run(second.last("prepare").id) is None
    [train] = decide_after(second.services, second.graph, second.record, "prepare", PLACE)
    assert train.step_id == "train"


def test_a_failed_attempt_is_never_reused(chain):
    """A step that wrote its output and then failed offers nothing."""
    first = chain(prepare=PREPARE + "sys.exit(3)\n")
    with pytest.raises(StepFailedError):
        first.run("prepare")

    assert decisions(chain(prepare=PREPARE + "sys.exit(3)\n")) == {"prepare": "run", "train": "wait"}


def test_a_second_equal_step_waits_for_the_first(chain):
    """While one run computes a fingerprint, an equal step of another waits, and then takes the result."""
    first, second = chain(), chain()
    admitted = admit(first.services, first.task("prepare"), first.log.append)
    assert isinstance(admitted, Admitted)
    assert admitted.lease is not None

    waiting = admit(second.services, second.task("prepare"), second.log.append)

    assert isinstance(waiting, Waiting)
    assert admitted.run_id in waiting.sentence
    first.services.registry.fingerprint_leases.release(admitted.lease)
    first.run("prepare")
    assert isinstance(admit(second.services, second.task("prepare"), second.log.append), Reused)


def test_an_owner_that_fails_lets_the_next_one_compute(chain):
    """A lease is let go of when its holder fails, so the one that waits takes over."""
    first = chain(prepare=PREPARE + "raise SystemExit(3)\n")
    with pytest.raises(StepFailedError):
        first.run("prepare")

    second = chain(prepare=PREPARE + "raise SystemExit(3)\n")
    assert isinstance(admit(second.services, second.task("prepare"), second.log.append), Admitted)


def test_a_lease_that_nobody_renews_passes_on(chain, monkeypatch):
    """The lease of an owner that died without a word passes on when its time is over."""
    monkeypatch.setenv("AIRFLOW_ML_LEASE_SECONDS", "0.05")
    first, second = chain(), chain()
    assert isinstance(admit(first.services, first.task("prepare"), first.log.append), Admitted)

    until_free = threading.Event()
    for _ in range(200):
        admitted = admit(second.services, second.task("prepare"), second.log.append)
        if isinstance(admitted, Admitted):
            break
        until_free.wait(0.01)

    assert isinstance(admitted, Admitted)


def test_a_zombies_late_commit_is_rejected_and_it_takes_the_result(chain, gate, monkeypatch):
    """An owner whose lease passed on while it slept commits nothing; it asks anew and takes the other's result."""
    monkeypatch.setenv("AIRFLOW_ML_LEASE_SECONDS", "3600")  # nobody renews while the test runs
    slow = PREPARE + "import os\nif os.path.exists('/nonexistent'): pass\n"
    zombie, other = chain(prepare=slow), chain(prepare=slow)
    taken = []
    leases = zombie.services.registry.fingerprint_leases
    admitted = admit(zombie.services, zombie.task("prepare"), zombie.log.append)
    assert isinstance(admitted, Admitted)
    assert admitted.lease is not None
    leases.release(admitted.lease)  # as if it had expired
    other.run("prepare")

    from airflow_ml.registry import LeaseLostError

    control = Control(lambda: False, zombie.log.append, taken.append, lambda error: isinstance(error, LeaseLostError))
    with pytest.raises(LeaseLostError):
        run_step(zombie.services, zombie.task("prepare"), admitted, control)

    assert not zombie.services.registry.outputs.of(taken[0])
    assert zombie.run("prepare").outputs["clean"].path.startswith(f"azureml/{other.last('prepare').id}")


def test_an_input_that_changes_while_the_step_runs_is_not_offered(script, start, gate, services, workspace):
    """A result belongs to no fingerprint if what the step read may have changed under it."""
    store = Datastore.get(workspace, "workspaceblobstore")
    place = services.store("workspaceblobstore")
    place.write("raw/a.csv", b"1")
    data = Dataset.File.from_files((store, "raw"))

    def make():
        return start(script(gate.wait_here, data.as_named_input("raw").as_mount()))

    first = make()
    thread = threading.Thread(target=first.run)
    thread.start()
    gate.wait()
    place.write("raw/a.csv", b"2")
    gate.open()
    thread.join(30)

    assert services.registry.results.of_run(first.last().id) is None
    assert "raw" in first.last().details["reuse"]["withheld"]
    assert look(make()).reused == ()


def test_data_that_a_script_asks_for_counts(script, start, services, workspace):
    """A dataset that the script gets by name, without its being an input, is looked at before the result is taken."""
    store = Datastore.get(workspace, "workspaceblobstore")
    place = services.store("workspaceblobstore")
    place.write("raw/a.csv", b"x\n1")
    Dataset.Tabular.from_delimited_files((store, "raw/a.csv")).register(workspace, "raw")
    source = """
    from azureml.core import Dataset, Run
    Dataset.get_by_name(Run.get_context().experiment.workspace, "raw").to_pandas_dataframe()
    """
    start(script(source)).run_all()

    assert [item.step_id for item in look(start(script(source))).reused] == ["step"]
    place.write("raw/a.csv", b"x\n2")
    assert look(start(script(source))).reused == ()


def test_a_model_that_a_script_asks_for_counts(script, start, services, workspace, tmp_path):
    """A script that reads the newest model runs again when there is a newer one."""
    (tmp_path / "m.txt").write_text("1")
    Model.register(workspace, str(tmp_path / "m.txt"), "m")
    source = """
    from azureml.core import Model, Run
    Model(Run.get_context().experiment.workspace, "m")
    """
    start(script(source)).run_all()
    assert [item.step_id for item in look(start(script(source))).reused] == ["step"]

    Model.register(workspace, str(tmp_path / "m.txt"), "m")

    assert look(start(script(source))).reused == ()


def test_deleted_outputs_are_a_miss_with_a_reason(chain):
    """A result whose file is gone is not taken, and the reason says so."""
    first = chain()
    first.run_all()
    first.output("clean", "prepare").unlink()

    found = plan(first.services, chain().graph, {})

    assert found["prepare"].action == "run"
    assert found["prepare"].reasons[0].startswith("output deleted: ")


def test_a_reused_output_is_registered_again(script, start, workspace):
    """A hit registers its output, so that the newest version of the name is what the newest run stands for."""

    def make(text):
        out = OutputFileDatasetConfig("out").register_on_complete("made")
        source = "import sys, pathlib\npathlib.Path(sys.argv[1], 'f').write_text(sys.argv[2])"
        return start(script(source, out, text))

    make("1").run_all()
    make("2").run_all()
    look(make("1"))

    made = Dataset.get_by_name(Workspace.get("w"), "made")
    assert made.version == 3
    assert Path(made.download()[0]).read_text() == "1"


def test_a_parameter_counts_by_its_value(script, start):
    """A pipeline parameter's value counts, where it came from does not."""
    source = "import sys\nopen(sys.argv[1], 'w').write(sys.argv[2])"

    def make(default, **opening):
        out = PipelineData("out")
        return start(script(source, out, PipelineParameter("lr", default), outputs=[out]), **opening)

    make(0.1).run_all()

    assert look(make(0.1)).is_whole
    assert look(make(0.2, parameters={"lr": 0.1})).is_whole
    assert not look(make(0.1, parameters={"lr": 0.2})).is_whole


def test_what_lies_beside_a_shared_output_counts_for_who_reads_the_folder(script, start, services, workspace):
    """A script that gets an output in a fixed folder as a table reads the other files there: they count."""
    store = Datastore.get(workspace, "workspaceblobstore")
    write = "import sys, pathlib\npathlib.Path(sys.argv[1], 'f.csv').write_text('x\\n1')"
    read = """
    import sys
    from azureml.core import Run
    open(sys.argv[1], "w").write(str(len(Run.get_context().input_datasets["made"].to_pandas_dataframe())))
    """

    def make():
        made = OutputFileDatasetConfig("made", destination=(store, "shared")).read_delimited_files()
        out = PipelineData("out")
        writer = script(write, made, name="write", source_directory="a")
        reader = script(read, out, name="read", inputs=[made.as_input("made")], outputs=[out], source_directory="b")
        return start(writer, reader)

    make().run_all()
    assert look(make()).is_whole
    services.store("workspaceblobstore").write("shared/other.csv", b"x\n2")

    assert [item.step_id for item in look(make()).reused] == ["write"]


def test_an_attempt_that_cannot_begin_holds_no_lease(chain, monkeypatch):
    """Where an attempt cannot even be recorded, the lease that it was admitted with is free for others at once."""
    started = chain()
    admitted = admit(started.services, started.task("prepare"), started.log.append)
    started.services.registry.runs.create("e", "taken", kind="child", parent_id=started.id, id=admitted.run_id)

    control = Control(lambda: False, started.log.append, lambda _run_id: None)
    with pytest.raises(UserErrorException):
        run_step(started.services, started.task("prepare"), admitted, control)

    assert started.services.registry.fingerprint_leases.holder(admitted.fingerprint.digest) is None
