"""Three embedded runs that the tests of details share: one that looks around, and two with a failing step."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from airflow_ml.core import Dataset, Experiment, Workspace
from airflow_ml.data import OutputFileDatasetConfig
from airflow_ml.data.data_reference import DataReference
from airflow_ml.data.datapath import DataPath, DataPathComputeBinding
from airflow_ml.pipeline.core import Pipeline, PipelineData, PipelineParameter, PipelineRun
from airflow_ml.pipeline.steps import PythonScriptStep

LOOK = """
import json, os, sys
from azureml.core import Run

run = Run.get_context()
single, copied, folder, direct, data, made, missing, chosen, *rest = sys.argv[1:]
seen = {
    "single": [os.path.isfile(single), os.path.basename(single)],
    "copied": [os.path.isfile(copied), os.path.basename(copied)],
    "folder": sorted(os.listdir(folder)),
    "direct": direct,
    "missing": missing,
    "chosen": chosen,
    "rest": rest,
    "data existed": os.path.exists(data),
    "parent existed": os.path.isdir(os.path.dirname(data)),
    "made existed": os.path.isdir(made),
    "kinds": {name: type(value).__name__ for name, value in run.input_datasets.items()},
    "environment": {name: value for name, value in os.environ.items() if name.startswith(("AML_", "AZUREML_DATA"))},
    "paths": {"single": single, "data": data},
    "same run": Run.get_context() is run,
}
with open(os.path.join(made, "a.txt"), "w") as file:
    file.write("a")
run.log("once", 1)
run.log("often", 1)
run.log("often", 2)
run.complete()
with open(data, "w") as file:
    json.dump(seen, file)
"""
READ = """
import json, os, sys
from azureml.core import Run
os.makedirs(sys.argv[2])
with open(os.path.join(sys.argv[2], "read.json"), "w") as file:
    json.dump({"is file": os.path.isfile(sys.argv[1]), "variable": os.environ["AZUREML_DATAREFERENCE_d"] == sys.argv[1],
               "parent": Run.get_context().parent.id}, file)
"""
FAIL = """
import os, sys
open(os.path.join(sys.argv[1], "a.txt"), "w").close()
raise SystemExit(3)
"""


@dataclass(frozen=True)
class Ran:
    """
    What the runs came to.

    Attributes:
        seen: what the script of step `look` saw.
        read: what the script of step `read` saw, which read the output of `look`.
        failed: by whether it was told to go on, a run whose step `bad` failed; `behind` stands behind it and `beside`
            does not.
    """

    workspace: Workspace
    run: PipelineRun
    seen: dict
    read: dict
    failed: dict[bool, PipelineRun]


@pytest.fixture(scope="session")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    """Run the pipelines once for all tests."""
    folder = tmp_path_factory.mktemp("details")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_ML_HOME", str(folder / "home"))
        patch.delenv("AIRFLOW_ML_REGISTRY", raising=False)
        patch.chdir(folder)
        for name, text in (("look", LOOK), ("read", READ), ("fail", FAIL), ("nothing", "")):
            (folder / f"{name}.py").write_text(text)
        workspace = Workspace.create("details", show_output=False)
        failed = {goes_on: _submit_failing(workspace, goes_on=goes_on) for goes_on in (True, False)}
        run = _submit_looking(workspace, folder)
        for started in (run, *failed.values()):
            started.wait_for_completion(show_output=False, raise_on_error=False)
        assert run.get_status() == "Finished", run.get_details()
        yield Ran(workspace, run, _output(run, "look", "on"), _output(run, "read", "report"), failed)


def step(name: str, script: str, *arguments: object, **options: object) -> PythonScriptStep:
    """Make a step of a script in the current folder."""
    return PythonScriptStep(script, name, list(arguments), source_directory=".", **options)


def _submit_looking(workspace: Workspace, folder: Path) -> PipelineRun:
    store = workspace.get_default_datastore()
    for name in ("a.csv", "b.csv"):
        (folder / name).write_text("x\n1\n")
    store.upload_files([str(folder / "a.csv"), str(folder / "b.csv")], target_path="raw", show_progress=False)
    single, both = Dataset.File.from_files((store, "raw/a.csv")), Dataset.File.from_files((store, "raw/"))
    data, report = PipelineData("d", output_name="on"), PipelineData("report")
    made = OutputFileDatasetConfig("made").register_on_complete("made_files")
    missing = DataReference(store, "missing", "nobody/made/this")
    pair = (PipelineParameter("chosen", DataPath(store, "nor/this")), DataPathComputeBinding())
    number = PipelineParameter("number", 3)
    step(
        "look",
        "look.py",
        *(single.as_named_input("single").as_mount(), single.as_named_input("copied").as_download()),
        *(both.as_named_input("folder").as_mount(), both.as_named_input("direct"), data, made, missing, pair),
        *("a  'b' c", "in=$single", f"out={PipelineData('on')}", number, True, None),
        inputs=[missing, pair],
        outputs=[data],
        params={"rate one": 0.5},
    )
    reading = step("read", "read.py", data, report, inputs=[data], outputs=[report])
    pipeline = Pipeline(workspace, reading)
    assert pipeline.validate() == []
    return Experiment(workspace, "details").submit(pipeline, pipeline_parameters={"number": 4})


def _submit_failing(workspace: Workspace, *, goes_on: bool) -> PipelineRun:
    made = OutputFileDatasetConfig("made").register_on_complete("never")
    bad, behind, beside = step("bad", "fail.py", made), step("behind", "nothing.py"), step("beside", "nothing.py")
    behind.run_after(bad)
    pipeline = Pipeline(workspace, [bad, behind, beside])
    return Experiment(workspace, "failing").submit(pipeline, continue_on_step_failure=goes_on)


def _output(run: PipelineRun, name: str, output: str) -> dict:
    [found] = run.find_step_run(name)
    reference = found.get_output_data(output)
    reference.download(f"outputs-{name}")
    place = Path(f"outputs-{name}", reference.path_on_datastore)
    return json.loads((place / "read.json" if place.is_dir() else place).read_text())
