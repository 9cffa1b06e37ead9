"""Sixteen things that v1's users complained of or asked for, each as they met it: two runs of their own pipeline."""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from airflow_ml.core import Dataset, Datastore, Workspace
from airflow_ml.data import OutputFileDatasetConfig
from airflow_ml.data.data_reference import DataReference
from airflow_ml.exceptions import NotSupportedError
from airflow_ml.execution.attempt import Control
from airflow_ml.execution.model import Airflow, StepTask
from airflow_ml.execution.pipelines import Opening, close_pipeline, enter_pipeline, open_pipeline
from airflow_ml.execution.reusing import Reused, decide_after, decide_first, mark_announced
from airflow_ml.execution.services import Services, open_services
from airflow_ml.execution.steps import take_step
from airflow_ml.graph import WorkspaceRef
from airflow_ml.pipeline.core import Pipeline, PipelineData, PipelineParameter, PipelineRun, ReusePolicy, StepRun
from airflow_ml.pipeline.steps import DatabricksStep, HyperDriveStep, PythonScriptStep

#: Writes the names and contents of its folder, and of what its other arguments name, to its first argument.
SCRIPT = """
import os, sys
found = []
for place in (".", *sys.argv[2:]):
    for root, folders, names in os.walk(place):
        folders.sort()
        for name in sorted(names):
            found.append(name + "=" + open(os.path.join(root, name)).read())
    found.append(place if place != "." and not os.path.exists(place) else "")
place = os.path.join(sys.argv[1], "out") if os.path.isdir(sys.argv[1]) else sys.argv[1]
open(place, "w").write("\\n".join(found))
"""


@dataclass(frozen=True)
class Ran:
    """A pipeline run that is over."""

    face: PipelineRun
    sentences: tuple[str, ...]

    def step(self, name: str = "step") -> StepRun:
        """Return one of its steps."""
        [found] = self.face.find_step_run(name)
        return found

    def is_reused(self, name: str = "step") -> bool:
        """Say whether a step took an earlier result."""
        return self.step(name)._is_reused

    def reason(self, name: str = "step") -> str:
        """Return why a step ran or did not."""
        return self.step(name)._record.details["reuse"]["reason"]

    def text(self, folder: Path, name: str = "step") -> str:
        """Return what a step wrote."""
        data = self.step(name).get_output_data("out")
        data.download(str(folder), overwrite=True)
        return Path(folder, data.path_on_datastore).read_text()


@pytest.fixture
def workspace(home, tmp_path, monkeypatch) -> Workspace:
    """A workspace; the current folder has a script in `src`."""
    project = tmp_path / "project"
    (project / "src").mkdir(parents=True)
    (project / "src" / "run.py").write_text(SCRIPT)
    monkeypatch.chdir(project)
    return Workspace.create("w", show_output=False)


@pytest.fixture
def services(workspace) -> Iterator[Services]:
    """What steps are executed with."""
    with open_services(WorkspaceRef("w")) as opened:
        yield opened


@pytest.fixture
def store(workspace) -> Datastore:
    """The datastore of the data."""
    return Datastore.get(workspace, "workspaceblobstore")


@pytest.fixture
def place(services) -> Path:
    """The folder `raw` of that datastore, with two files."""
    services.store("workspaceblobstore").write("raw/a.csv", b"1")
    services.store("workspaceblobstore").write("raw/b.csv", b"2")
    return Path(str(services.store("workspaceblobstore").local_path("raw")))


@pytest.fixture
def run(workspace, services) -> Callable[..., Ran]:
    """Return a function that runs a pipeline as Airflow does: the check first, then the steps that it left."""

    def run(*steps: PythonScriptStep, **parameters: object) -> Ran:
        graph = Pipeline(workspace, list(steps)).graph
        place = Airflow("d", os.urandom(4).hex(), "")
        opening = Opening("e", place.dag_id, place.dag_run_id, parameters=parameters)
        record = open_pipeline(services, graph, opening)
        look = decide_first(services, graph, record, place)
        told = {item.step_id for item in look.reused}
        mark_announced(services, look.reused)
        for step in graph.steps:
            if step.id in told:
                continue
            pipeline = enter_pipeline(services, record.id, step.id)
            task = StepTask(graph, step, pipeline, Airflow(place.dag_id, place.dag_run_id, step.id))
            taken = take_step(services, task, Control(lambda: False, print, lambda _run_id: None))
            late = [taken] if isinstance(taken, Reused) else decide_after(services, graph, record, step.id, place)
            told |= {item.step_id for item in late}
            mark_announced(services, late)
        assert close_pipeline(services, record.id).status == "Completed"
        return Ran(PipelineRun.get(Workspace.get("w"), record.id), tuple(look.sentences))

    return run


def step(*arguments: object, name: str = "step", script: str = "run.py", **options: object) -> PythonScriptStep:
    """Make a step with one output."""
    out = PipelineData("out")
    options.setdefault("source_directory", "src")
    return PythonScriptStep(script, name, [out, *arguments], outputs=[out], **options)


def test_1_a_changed_argument_is_seen(run, tmp_path):
    """A step whose script gets another argument runs."""
    run(step("--epochs", "5"))

    second = run(step("--epochs", "6"))

    assert not second.is_reused()
    assert "'5' -> '6'" in second.reason()
    assert second.text(tmp_path).endswith("\n6")


@pytest.mark.parametrize("kind", ["dataset", "reference"])
def test_2_changed_data_on_the_datastore_is_seen(run, store, place, kind, tmp_path):
    """A step whose data changed runs, as an input of either kind, and says how many files it was."""

    def make():
        if kind == "dataset":
            return step(Dataset.File.from_files((store, "raw")).as_named_input("raw").as_mount())
        data = DataReference(store, "raw", path_on_datastore="raw")
        return step(data, inputs=[data])

    run(make())
    assert run(make()).is_reused()
    (place / "b.csv").write_text("3")

    second = run(make())

    assert not second.is_reused()
    assert "input raw: 1 of 2 files changed (" in second.reason()
    assert "b.csv=3" in second.text(tmp_path)


def test_3_a_changed_file_that_is_no_python_is_seen(run, tmp_path):
    """Every file of the source directory counts, and the script gets the new one."""
    Path("src/settings.json").write_text('{"rate": 1}')
    run(step())
    Path("src/settings.json").write_text('{"rate": 2}')

    second = run(step())

    assert not second.is_reused()
    assert "settings.json changed" in second.reason()
    assert '"rate": 2' in second.text(tmp_path)


def test_4_a_renamed_file_is_seen(run, tmp_path):
    """A file with the same content under another name is another source directory."""
    Path("src/words.txt").write_text("words")
    run(step())
    Path("src/words.txt").rename("src/names.txt")

    second = run(step())

    assert not second.is_reused()
    assert "names.txt=words" in second.text(tmp_path)
    assert "words.txt" not in second.text(tmp_path)


def test_5_another_checkout_reuses(run, tmp_path, monkeypatch):
    """Another folder, owner of files, mode of group and others, time and order of creation change nothing."""
    Path("src/b.txt").write_text("b")
    Path("src/a.txt").write_text("a")
    run(step())
    other = tmp_path / "ci" / "build 17"
    (other / "src").mkdir(parents=True)
    for name in ("a.txt", "b.txt", "run.py"):
        shutil.copyfile(Path("src", name), other / "src" / name)
        (other / "src" / name).chmod(0o600)
        os.utime(other / "src" / name, (1, 1))
    monkeypatch.chdir(other)
    monkeypatch.setenv("USER", "ci")

    assert run(step()).is_reused()


def test_6_line_ends_of_another_system_do_not_count(run):
    """A checkout with CRLF reuses what one with LF computed."""
    run(step())
    script = Path("src/run.py")
    script.write_bytes(script.read_bytes().replace(b"\n", b"\r\n"))

    assert run(step()).is_reused()


def test_7_what_is_ignored_is_neither_compared_nor_uploaded(run, tmp_path):
    """One ignore file serves both: the ignored file is not with the script, and its change is none."""
    Path("src/.amlignore").write_text("*.log\n")
    Path("src/old.log").write_text("1")
    first = run(step())
    Path("src/old.log").write_text("2")

    assert run(step()).is_reused()
    assert "old.log" not in first.text(tmp_path)


def test_8_names_that_nobody_gave_do_not_count(run, store, place):
    """Inputs and outputs without a name, which v1 named at random, are the same in each build of the pipeline."""

    def make():
        middle = OutputFileDatasetConfig()
        data = Dataset.File.from_files((store, "raw"))
        first = PythonScriptStep("run.py", "first", [middle, data.as_mount()], source_directory="src")
        return first, step(middle.as_input(), name="second")

    run(*make())

    second = run(*make())

    assert second.is_reused("first")
    assert second.is_reused("second")


def test_9_a_build_number_can_be_left_out(run):
    """A parameter that changes with each build defeats reuse, unless the step says that it does not count."""

    def make(**options):
        return step(PipelineParameter("build_id", 0), **options)

    run(make(), build_id=1)
    assert not run(make(), build_id=2).is_reused()
    run(make(ignore_in_fingerprint=["build_id"]), build_id=3)

    assert run(make(ignore_in_fingerprint=["build_id"]), build_id=4).is_reused()


def test_10_one_edit_in_a_shared_folder_runs_one_step(run):
    """Steps with one source directory can say which files are none of their business."""
    shutil.copyfile("src/run.py", "src/train.py")

    def make():
        return (
            step(name="prepare", ignore_in_fingerprint=["source:train.py"]),
            step(name="train", script="train.py", ignore_in_fingerprint=["source:run.py"]),
        )

    run(*make())
    with Path("src/train.py").open("a") as file:
        file.write("# more\n")

    second = run(*make())

    assert second.is_reused("prepare")
    assert not second.is_reused("train")


def test_11_a_reused_step_is_shown_as_one(run):
    """The step's run says that it was reused, from which run, and what that saved."""
    first = run(step())

    second = run(step())

    assert second.step().properties["azureml.isreused"] == "true"
    assert second.step().properties["azureml.reusedrunid"] == first.step().id
    assert second.reason().startswith(f"reused from {first.step().id}, saved ")
    assert "azureml.isreused" not in first.step().properties


@pytest.mark.parametrize(("kind", "given"), [(HyperDriveStep, ("step", None)), (DatabricksStep, ("step",))])
def test_12_no_kind_of_step_takes_the_flag_and_passes_over_it(kind, given):
    """Kinds of steps that cannot be run yet, and so not be reused, are refused with words when they are made."""
    with pytest.raises(NotSupportedError, match=kind.__name__):
        kind(*given, allow_reuse=True)


@pytest.mark.parametrize("change", ["deleted", "changed"])
def test_13_lost_outputs_are_computed_again(run, services, tmp_path, change):
    """When the producer's file is gone or another, both steps are right again, and the reason stands there."""

    def make():
        table = PipelineData("out")
        prepare = PythonScriptStep("run.py", "prepare", [table, "x"], outputs=[table], source_directory="src")
        return prepare, step(table.as_download("table"), name="train", inputs=[table.as_download("table")])

    first = run(*make())
    path = first.step("prepare").get_output_data("out").path_on_datastore
    there = Path(str(services.store("workspaceblobstore").local_path(path)))
    text = there.read_text()
    there.unlink() if change == "deleted" else there.write_text(text.replace("x", "y"))

    second = run(*make())

    assert f"output {change}: out" in second.reason("prepare")
    assert second.text(tmp_path, "prepare") == text
    assert second.is_reused("train")


def test_14_a_run_without_work_says_that_all_is_there(run):
    """A run that is over in a moment names, for each step, the run that did the work, and how long that took."""
    first = run(step("1", name="one"), step("2", name="two"))

    second = run(step("1", name="one"), step("2", name="two"))

    assert second.face.get_status() == "Finished"
    for name, sentence in zip(("one", "two"), second.sentences, strict=True):
        assert sentence.startswith(f"step {name!r}: reused from {first.step(name).id}, saved ")


def test_15_data_can_count_by_its_version(run, store, place, workspace):
    """With the policy `definition` a new version of a dataset runs the step, and edited files do not (v1's rule)."""
    policy = ReusePolicy(inputs="definition")

    def make():
        return step(Dataset.get_by_name(workspace, "raw").as_named_input("raw").as_mount(), reuse_policy=policy)

    Dataset.File.from_files((store, "raw")).register(workspace, "raw")
    run(make())
    (place / "a.csv").write_text("other")
    assert run(make()).is_reused()
    Dataset.File.from_files((store, "raw/*.csv")).register(workspace, "raw", create_new_version=True)

    assert not run(make()).is_reused()


def test_16_data_counts_by_its_content(run, store, place):
    """The same bytes written anew are the same data; other bytes of the same size and time are not."""

    def make():
        return step(Dataset.File.from_files((store, "raw")).as_named_input("raw").as_mount())

    run(make())
    (place / "new").write_text("1")
    (place / "new").rename(place / "a.csv")
    assert run(make()).is_reused()
    times = (place / "a.csv").stat()
    (place / "a.csv").write_text("9")
    os.utime(place / "a.csv", ns=(times.st_atime_ns, times.st_mtime_ns))

    assert not run(make()).is_reused()
