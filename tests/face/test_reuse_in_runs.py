"""
v1's face of reuse, in two embedded runs: the second is of the published pipeline, with another value of a parameter.

What the decision goes by is tested in `tests/reuse`; here, what v1 code sees of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from airflow_ml.core import Dataset, Experiment, Workspace
from airflow_ml.data import OutputFileDatasetConfig
from airflow_ml.pipeline.core import Pipeline, PipelineData, PipelineParameter, PipelineRun, StepRun
from airflow_ml.pipeline.steps import PythonScriptStep

pytestmark = [pytest.mark.airflow, pytest.mark.xdist_group("reuse_face")]

PREPARE = """
import os, sys
from azureml.core import Run
print("prepared")
os.makedirs("outputs")
open("outputs/notes.txt", "w").write("kept")
open(sys.argv[1], "w").write("table")
run = Run.get_context()
run.log("rows", 1)
run.log("rows", 3)
"""
COPY = "import sys; open(sys.argv[2] + '/copy.txt', 'w').write(open(sys.argv[1]).read() + sys.argv[3])"


@dataclass(frozen=True)
class Ran:
    """Two runs: `prepare` and `keep` of the second take the results of the first, `copy` has another parameter."""

    workspace: Workspace
    first: PipelineRun
    second: PipelineRun

    def step(self, run: PipelineRun, name: str) -> StepRun:
        """Return a run's step."""
        [found] = run.find_step_run(name)
        return found


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    """Run the pipeline, publish it, and run what was published."""
    folder = tmp_path_factory.mktemp("reuse")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_ML_HOME", str(folder / "home"))
        patch.delenv("AIRFLOW_ML_REGISTRY", raising=False)
        patch.chdir(folder)
        (folder / "src").mkdir()
        (folder / "src" / "prepare.py").write_text(PREPARE)
        (folder / "src" / "copy.py").write_text(COPY)
        workspace = Workspace.create("reuse", show_output=False)
        pipeline = build(workspace)
        first = Experiment(workspace, "one").submit(pipeline)
        first.wait_for_completion(show_output=False)
        published = pipeline.publish("p")
        second = published.submit(workspace, "another", pipeline_parameters={"word": "y"})
        second.wait_for_completion(show_output=False)
        yield Ran(workspace, first, second)


def build(workspace: Workspace) -> Pipeline:
    """Build a pipeline of one step that writes and two that read."""
    table, word = PipelineData("table"), PipelineParameter("word", "x")
    kept = OutputFileDatasetConfig("kept").register_on_complete("kept")
    source = {"source_directory": "src"}
    prepare = PythonScriptStep("prepare.py", "prepare", [table], outputs=[table], **source)
    copy = PythonScriptStep("copy.py", "copy", [table, OutputFileDatasetConfig("o"), word], inputs=[table], **source)
    keep = PythonScriptStep("copy.py", "keep", [table, kept, "-"], inputs=[table], **source)
    return Pipeline(workspace, [prepare, copy, keep])


def test_a_published_pipeline_reuses_step_by_step(ran: Ran) -> None:
    """In any experiment: what is unchanged takes the earlier result, and a changed parameter runs its step alone."""
    assert [step._is_reused for step in ran.first.get_steps()] == [False, False, False]
    assert {step.name: step._is_reused for step in ran.second.get_steps()} == {
        "prepare": True,
        "copy": False,
        "keep": True,
    }
    assert ran.second.get_status() == "Finished"


def test_a_reused_step_is_a_run_of_its_own(ran: Ran) -> None:
    """It has an id of its own, v1's status words and v1's properties of where its result comes from."""
    original, reused = ran.step(ran.first, "prepare"), ran.step(ran.second, "prepare")

    assert reused.id != original.id
    assert (reused.get_status(), reused.status, reused.pipeline_run_id) == ("Finished", "Completed", ran.second.id)
    properties = reused.properties
    assert properties["azureml.isreused"] == "true"
    assert (properties["azureml.reusedrunid"], properties["azureml.reusednodeid"]) == (original.id, "prepare")
    assert properties["azureml.reusedpipeline"] == ran.first.id
    assert properties["azureml.pipelinerunid"] == ran.second.id
    assert "azureml.isreused" not in original.properties


def test_a_reused_step_has_metrics_logs_and_files(ran: Ran, tmp_path: Path) -> None:
    """They are the original's, under v1's names."""
    reused = ran.step(ran.second, "prepare")

    reused.download_file("outputs/notes.txt", str(tmp_path / "notes.txt"))

    assert reused.get_metrics() == {"rows": [1, 3]}
    assert reused.get_file_names() == ["outputs/notes.txt", "user_logs/std_log.txt"]
    assert (tmp_path / "notes.txt").read_text() == "kept"
    assert reused.get_job_log() == reused.get_stdout_log() == "prepared\n"
    assert reused.get_details_with_logs()["logFiles"]["STDOUT"] == "prepared\n"


def test_outputs_lie_at_the_old_path(ran: Ran, tmp_path: Path) -> None:
    """A reused output's path holds the id of the run that wrote it (v1), and steps that ran have read it there."""
    original, reused = ran.step(ran.first, "prepare"), ran.step(ran.second, "prepare")
    data = reused.get_output_data("table")

    assert data.path_on_datastore == f"azureml/{original.id}/table"
    assert data.download(str(tmp_path)) == 1
    copied = ran.step(ran.second, "copy").get_output_data("o")
    copied.download(str(tmp_path))
    assert Path(tmp_path, copied.path_on_datastore, "copy.txt").read_text() == "tabley"


def test_lineage_goes_by_the_run_that_took_the_result(ran: Ran) -> None:
    """A consumer's input was written by the step of its own pipeline run, also where both were reused."""
    inputs = ran.workspace.registry().inputs
    prepare = ran.step(ran.second, "prepare")

    for name in ("copy", "keep"):
        [consumed] = inputs.of(ran.step(ran.second, name).id)
        assert (consumed.producer_run_id, consumed.producer_output) == (prepare.id, "table")


def test_datasets_are_registered_on_a_hit(ran: Ran) -> None:
    """The dataset belongs to the reused run too; equal content makes no new version."""
    dataset = Dataset.get_by_name(ran.workspace, "kept")
    [output] = ran.step(ran.second, "keep").get_details()["outputDatasets"]

    assert dataset.version == 1
    assert (output["dataset"].name, output["dataset"].version) == ("kept", 1)


def test_every_step_says_why(ran: Ran) -> None:
    """The record holds a sentence for people and the facts behind it, for a step that ran and one that did not."""
    reused, copied = ran.step(ran.second, "prepare")._record, ran.step(ran.second, "copy")._record
    original = ran.step(ran.first, "prepare").id

    said = reused.details["reuse"]
    assert (said["decision"], said["run_id"]) == ("reused", original)
    assert said["reason"].startswith(f"reused from {original}, saved ")
    assert said["saved_seconds"] > 0
    assert copied.details["reuse"]["reason"] == "ran: parameter word x -> y"


def test_waiting_for_a_reused_step_says_so(ran: Ran, capsys: pytest.CaptureFixture[str]) -> None:
    """It is over at once, and prints from which run the result is."""
    reused = ran.step(ran.second, "keep")

    assert reused.wait_for_completion() == "Finished"

    printed = capsys.readouterr().out
    assert f"StepRun( keep ) reused from {ran.step(ran.first, 'keep').id}, saved " in printed
    assert "StepRun( keep ) Status: Finished" in printed
