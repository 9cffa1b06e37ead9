"""Runs outside of a step: what they log, keep, say and end like."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import pytest

from airflow_ml.core import Experiment, Run, Workspace
from airflow_ml.core import run as azureml_run
from airflow_ml.core.script_run import ScriptRun
from airflow_ml.exceptions import ActivityFailedException, NotSupportedError, SnapshotException, UserErrorException
from airflow_ml.pipeline.core import PipelineRun, StepRun
from airflow_ml.registry import MetricPoint, RunInputRecord, RunStateError


@pytest.fixture
def experiment(workspace: Workspace) -> Experiment:
    """Return an experiment that is not recorded yet."""
    return Experiment(workspace, "e")


@pytest.fixture
def run(experiment: Experiment) -> Run:
    """Start an interactive run without code and outputs."""
    return experiment.start_logging(outputs=False, snapshot_directory=None)


def record_kind(experiment: Experiment, kind: str, **options: object) -> Run:
    """Record a run of any kind, as who drives it does."""
    record = experiment.workspace.registry().runs.create("e", kind, kind=kind, **options)
    return Run.get(experiment.workspace, record.id)


def test_every_kind_of_metric_is_read_back_as_in_v1(run):
    """One value is a scalar, more a list; rows and tables are columns; documents come back whole."""
    matrix = {
        "schema_type": "confusion_matrix",
        "schema_version": "1.0.0",
        "data": {"class_labels": ["a"], "matrix": [[1]]},
    }
    run.log("once", 1)
    for value in (0.5, "x"):
        run.log("twice", value, description="d", step=3)
    run.log_list("list", [1, 2])
    for x in (1, 2):
        run.log_row("rows", x=x, y="z")
    run.log_table("table", {"x": [1, 2], "y": [3, 4]})
    run.log_confusion_matrix("matrix", matrix)

    assert run.get_metrics() == {
        "once": 1,
        "twice": [0.5, "x"],
        "list": [1, 2],
        "rows": {"x": [1, 2], "y": ["z", "z"]},
        "table": {"x": [1, 2], "y": [3, 4]},
        "matrix": matrix,
    }
    assert run.get_metrics("once") == {"once": 1}
    assert run.get_metrics("never") == {}


@pytest.mark.parametrize(
    "log",
    [
        lambda run: run.log("m", [1]),
        lambda run: run.log("m", range(3)),
        lambda run: run.log("", 1),
        lambda run: run.log_list("m", 1),
        lambda run: run.log_table("m", {"x": [1], "y": [1, 2]}),
        lambda run: run.log_accuracy_table("m", "no json"),
        lambda run: run.log_image("m"),
        lambda run: run.log_image("m", "a.png", object()),
    ],
)
def test_what_v1_does_not_log_is_refused(run, log):
    """Values of a wrong type are the caller's error, and nothing is recorded."""
    with pytest.raises(UserErrorException):
        log(run)

    assert run.get_metrics() == {}


class Plot:
    """A plot as matplotlib's."""

    def savefig(self, path: str, **options: object) -> None:
        """Draw."""
        Path(path).write_text(str(options))


def test_images_are_files_with_the_time_in_their_names(run, work):
    """A plot becomes `<name>_<unix time>.png`, a file keeps its ending; no two share a name."""
    (work / "a.jpg").write_bytes(b"jpg")
    run.log_image("roc", plot=Plot())
    run.log_image("roc", plot=Plot())
    run.log_image("photo", path="a.jpg")

    names = run.get_file_names()

    assert [(name.rpartition("_")[0], name.rpartition(".")[2]) for name in names] == [
        ("photo", "jpg"),
        ("roc", "png"),
        ("roc", "png"),
    ]
    assert run.get_metrics()["roc"] == names[1:]
    run.download_file(names[1], "back.png")
    assert (work / "back.png").read_text() == "{'format': 'png'}"


def test_tags_and_properties(run):
    """Tags change and go, a property never changes; both are copies."""
    run.tag("a")
    run.set_tags({"b": "1", "c": 2})
    run.add_properties({"p": 1})
    run.tags["z"] = "not kept"

    assert run.remove_tags(["c", "d"]) == ["c", "d"]
    assert run.get_tags() == {"a": "", "b": "1"}
    assert run.get_properties() == {"p": "1"}
    with pytest.raises(UserErrorException, match="'p' is '1' and properties never change"):
        run.add_properties({"p": "2"})


def test_a_final_run_keeps_its_record_and_takes_what_people_say(run):
    """After the end metrics, snapshots and other files of a name are refused; what people say and add is taken."""
    run.upload_file("a", __file__)
    run.complete()
    run.complete()

    for change in (
        lambda: run.log("m", 1),
        lambda: run.upload_file("a", __file__),
        lambda: run.take_snapshot(__file__),
        run.start,
        run.fail,
    ):
        with pytest.raises(RunStateError, match="its record is final"):
            change()
    run.tag("a", "b")
    run.display_name, run.description = "best", "of all"
    run.add_properties({"p": "1"})
    run.upload_file("report.py", __file__)
    run.cancel()
    assert run.get_file_names() == ["a", "report.py"]
    assert (run.status, run.display_name, run.description) == ("Completed", "best", "of all")


def test_failing_says_why(run):
    """The error is in the details in v1's form, and waiting raises it as JSON, unless it is not to be raised."""
    run.fail(ValueError("no data"), error_code="NoData")

    error = {"error": {"code": "NoData", "message": "no data"}}
    assert run.get_details()["error"] == error
    assert run.get_detailed_status() == {"status": "Failed", "details": "no data"}
    with pytest.raises(ActivityFailedException, match="failed: no data") as caught:
        run.wait_for_completion()
    assert '"code": "NoData"' in caught.value.error_details
    assert run.wait_for_completion(raise_on_error=False)["status"] == "Failed"


def test_a_with_block_ends_the_run(experiment):
    """It completes; an error in it is the run's failure and goes on; sys.exit(0) is no error (v1)."""
    with experiment.start_logging(snapshot_directory=None) as good:
        good.log("a", 1)
    with experiment.start_logging(snapshot_directory=None) as left:
        raise SystemExit(0)
    with pytest.raises(KeyError), experiment.start_logging(snapshot_directory=None) as bad:
        raise KeyError("k")

    assert [good.status, left.status, bad.status] == ["Completed", "Completed", "Failed"]
    assert bad.get_details()["error"]["error"] == {"code": "KeyError", "message": "'k'"}


def test_children_are_listed_newest_first(run):
    """Child runs have parents, tags, metrics of their own and are found by filters."""
    with run.child_run("one") as one:
        one.log("a", 1)
    first, second = run.create_children(tag_key="k", tag_values=["x", "y"])
    second.start()

    assert [child.id for child in run.get_children()] == [second.id, first.id, one.id]
    assert [child.id for child in run.get_children(tags={"k": "x"})] == [first.id]
    assert [child.id for child in run.get_children(status="Completed")] == [one.id]
    assert (one.parent, one.number, one.type, first.status, second.status) == (
        run,
        None,
        None,
        "NotStarted",
        "Running",
    )
    assert run.get_metrics(recursive=True)[one.id] == {"a": 1}


def test_children_in_numbers(run):
    """`count` gives each its number as a tag; more than 100 and half given tags are errors that name the arguments."""
    assert [child.tags for child in run.create_children(2)] == [
        {"azureml.batch_child_number": "0"},
        {"azureml.batch_child_number": "1"},
    ]
    with pytest.raises(UserErrorException, match="asked for 101 runs, and one call makes at most 100"):
        run.create_children(101)
    for wrong in ({}, {"count": 1, "tag_key": "k", "tag_values": ["x"]}, {"tag_key": "k"}, {"tag_values": ["x"]}):
        with pytest.raises(UserErrorException, match="give either count, or both tag_key and tag_values"):
            run.create_children(**wrong)


def test_runs_are_filtered(experiment):
    """By v1's type, tags, properties and status; runs below others only on demand; newest first."""
    pipeline = record_kind(experiment, "pipeline", tags={"t": "1"})
    step = record_kind(experiment, "step", parent_id=pipeline.id, node_id="s", properties={"p": "1"})
    script = record_kind(experiment, "script", status="Running")

    assert [*experiment.get_runs()] == [script, pipeline]
    assert [*experiment.get_runs(include_children=True)] == [script, step, pipeline]
    assert [*experiment.get_runs(type="azureml.scriptrun")] == [script]
    assert [*experiment.get_runs(tags="t")] == [*experiment.get_runs(tags={"t": "1"})] == [pipeline]
    assert [*experiment.get_runs(properties={"p": "1"}, include_children=True)] == [step]
    assert [*Run.list(experiment, status="Running")] == [script]
    assert [type(found) for found in (script, step, pipeline)] == [ScriptRun, StepRun, PipelineRun]
    assert {type(found) for found in Run.list(experiment, _rehydrate_runs=False)} == {Run}


def test_runs_of_a_compute_target(experiment, workspace):
    """What runs or waits there is found, wherever it stands; a status that ends a run is refused (v1)."""
    waiting = record_kind(experiment, "script", target="gpu")
    record_kind(experiment, "script", target="cpu")
    parent = record_kind(experiment, "pipeline")
    running = record_kind(experiment, "step", target="gpu", status="Running", parent_id=parent.id, node_id="s")
    record_kind(experiment, "script", target="gpu", status="Completed")
    compute = type("Compute", (), {"workspace": workspace, "name": "gpu"})()

    assert {*Run.list_by_compute(compute)} == {waiting, running}
    assert [*Run.list_by_compute(compute, status="Queued")] == [waiting]
    assert [*Run.list_by_compute(compute, type="azureml.StepRun")] == [running]
    with pytest.raises(UserErrorException, match="status 'Completed', expected 'Running' or 'Queued'"):
        Run.list_by_compute(compute, status="Completed")


def test_a_type_can_be_given_a_class(experiment):
    """`add_type_provider` makes the runs whose `azureml.runsource` it names; a second one for it is a ValueError."""
    mine = record_kind(experiment, "interactive", properties={"azureml.runsource": "mine"}, tags={"a": "b"})
    seen = []

    Run.add_type_provider("mine", lambda experiment, record: seen.append(record) or Run(experiment, record.run_id))

    assert [*experiment.get_runs()] == [mine]
    assert (seen[0].run_id, seen[0].run_type, seen[0].tags) == (mine.id, "mine", {"a": "b"})
    for taken in ("mine", "azureml.StepRun"):
        with pytest.raises(ValueError, match="has a factory already"):
            Run.add_type_provider(taken, lambda experiment, record: None)


@pytest.mark.parametrize("kind", ["pipeline", "step", "script"])
def test_what_a_script_drives_is_not_ended_from_outside(experiment, kind):
    """complete() raises NotImplementedError, fail() also for pipelines and steps (v1); cancel() asks for the end."""
    run = record_kind(experiment, kind, status="Running", **({"node_id": "s"} if kind == "step" else {}))

    for end in (run.complete,) if kind == "script" else (run.complete, run.fail):
        with pytest.raises(NotSupportedError, match="is not for"):
            end()
    run.cancel()
    assert run.status == "CancelRequested"


def test_cancel_ends_what_nobody_drives(run):
    """An interactive run is Canceled at once."""
    run.cancel()

    assert run.status == "Canceled"


def test_details_have_v1s_keys(experiment, workspace, work):
    """Times end in Z, data sets are objects, errors and the end are there when there is one."""
    (work / "a.txt").write_text("x")
    data = workspace.get_default_datastore().upload_files(["a.txt"], target_path="raw")
    from airflow_ml.core import Dataset

    dataset = Dataset.File.from_files((workspace.get_default_datastore(), "raw/a.txt")).register(workspace, "raw")
    run = record_kind(experiment, "step", node_id="s", target="cpu", parent_id=record_kind(experiment, "pipeline").id)
    read = RunInputRecord(run.id, "in", "mount", "dataset", dataset.id, "raw", 1)
    workspace.registry().inputs.record(run.id, [read])
    workspace.registry().runs.set_status(run.id, "Running", started_at=datetime(2026, 1, 2, tzinfo=timezone.utc))

    details = run.get_details()

    assert data is not None
    assert (details["runId"], details["target"], details["status"]) == (run.id, "cpu", "Running")
    assert details["startTimeUtc"] == "2026-01-02T00:00:00.000000Z"
    assert not {"endTimeUtc", "error"} & details.keys()
    [used] = details["inputDatasets"]
    assert (used["dataset"].name, used["dataset"].version) == ("raw", 1)
    assert used["consumptionDetails"]["inputName"] == "in"
    assert used["consumptionDetails"]["mechanism"] == "Mount"
    assert (details["outputDatasets"], details["logFiles"], details["submittedBy"], details["warnings"]) == (
        [],
        {},
        None,
        [],
    )


def test_a_run_shows_itself_in_text_and_in_notebooks(run, experiment):
    """v1's four facts; values are escaped in HTML; a run that is not there can be printed too."""
    assert repr(run) == f"Run(Experiment: e,\nId: {run.id},\nType: None,\nStatus: Running)"
    assert f"<td>{run.id}</td>" in run._repr_html_()
    assert run.get_portal_url() in run._repr_html_()
    assert "unknown" in repr(Run(experiment, "<nowhere>"))
    assert "&lt;nowhere&gt;" in Run(experiment, "<nowhere>")._repr_html_()
    assert (run.identity, hash(run)) == (f"Run#{run.id}", hash(Run(experiment, run.id)))


def test_an_unknown_run_and_argument_are_named(experiment, workspace):
    """The id and the argument are in the text."""
    with pytest.raises(UserErrorException, match="has no run 'nowhere'"):
        Run.get(workspace, "nowhere")
    with pytest.raises(TypeError, match="Run has no argument 'output'"):
        Run(experiment, "id", output="x")


def test_get_run_gives_a_run_of_the_experiment(experiment, workspace):
    """As the class of its kind, or plain; one of another experiment is not found."""
    run = record_kind(experiment, "pipeline")

    assert type(azureml_run.get_run(experiment, run.id)) is PipelineRun
    assert type(azureml_run.get_run(experiment, run.id, rehydrate=False)) is Run
    with pytest.raises(UserErrorException, match="experiment 'other' has no run"):
        azureml_run.get_run(Experiment(workspace, "other"), run.id)
    assert not isinstance(run, azureml_run._SubmittedRun)


def test_outside_of_a_step_there_is_no_submitted_run():
    """`get_submitted_run` is `get_context(allow_offline=False)`, which raises where there is none."""
    assert Run.get_context().id.startswith("OfflineRun")
    with pytest.raises(Exception, match="not a step's"):
        Run.get_submitted_run()


def test_a_run_without_a_script_has_no_environment_and_snapshot(run):
    """Both say where they are to be had."""
    with pytest.raises(UserErrorException, match="it has no environment, because no script runs in it"):
        run.get_environment()
    with pytest.raises(UserErrorException, match="it has no snapshot to restore"):
        run.restore_snapshot()
    assert run.get_snapshot_id() is None


def test_secrets_are_those_of_the_key_vault(run, monkeypatch):
    """They are variables of this process, as a step's are the worker's."""
    monkeypatch.setenv("AIRFLOW_ML_SECRET_KEY", "v")

    assert run.get_secret("key") == "v"
    assert run.get_secrets(["key", "other"]) == {"key": "v", "other": None}
    with pytest.raises(UserErrorException, match="secret 'other'"):
        run.get_secret("other")


def test_waiting_prints_v1s_lines(run, capsys):
    """The ids before and after, the output of the script between them; a failure is printed if it is not raised."""
    run._registry.metrics.append([MetricPoint(run.id, "m", "scalar", 1, datetime.now(timezone.utc))])
    run.fail("no luck")

    run.wait_for_completion(show_output=True, raise_on_error=False)

    printed = capsys.readouterr().out
    assert printed.startswith(f"RunId: {run.id}\nWeb View: {run.get_portal_url()}\n")
    assert f"\nExecution Summary\n=================\nRunId: {run.id}\n" in printed
    assert '"message": "no luck"' in printed


def test_snapshots_are_taken_once(run, work):
    """A folder or a file is kept with the run; a second snapshot is refused."""
    (work / "train.py").write_text("print(1)")

    snapshot_id = run.take_snapshot("train.py")

    assert (run.get_snapshot_id(), run.properties["ContentSnapshotId"]) == (snapshot_id, snapshot_id)
    (work / "more.py").write_text("print(2)")
    with pytest.raises(SnapshotException, match="has the snapshot"):
        run.take_snapshot(".")
    with pytest.raises(SnapshotException, match="'nowhere': nothing is there"):
        run.take_snapshot("nowhere")
