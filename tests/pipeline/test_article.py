"""The snippets of Microsoft's article, one after the other as they are written, under the names `azureml`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

#: What the article says in words, or leaves out ("definition not shown").
BEFORE = """
import airflow_ml.compat.enable
from azureml.core import Workspace
Workspace.create("ml", exist_ok=True, show_output=False).write_config()
"""
NAMES = """
from azureml.core import Dataset
iris_tabular_dataset = Dataset.Tabular.from_delimited_files((def_blob_store, "iris.csv"), validate=False,
                                                            infer_column_types=False)
project_folder = "./project"
source_directory = "./project"
aml_compute = compute_target
"""
COMPARE_STEP = """
compare_step = PythonScriptStep(
    script_name="compare.py",
    source_directory="./compare_src",
    inputs=[training_results],
    arguments=["--results", training_results],
    compute_target=compute_target,
    runconfig=aml_run_config,
)
"""

#: The article's blocks in their order; the two that belong into scripts of steps are in `STEP_SCRIPTS`.
ATTACH = """
import azureml.core
from azureml.core import Workspace, Datastore

ws = Workspace.from_config()
"""
DATASTORES = """
# Default datastore
def_data_store = ws.get_default_datastore()

# Get the blob storage associated with the workspace
def_blob_store = Datastore(ws, "workspaceblobstore")

# Get file storage associated with the workspace
def_file_store = Datastore(ws, "workspacefilestore")
"""
DATA = """
from azureml.core import Dataset

my_dataset = Dataset.File.from_files([(def_blob_store, 'train-images/')])

from azureml.pipeline.core import PipelineData

output_data1 = PipelineData(
    "output_data1",
    datastore=def_blob_store,
    output_name="output_data1")
"""
COMPUTE = """
from azureml.core.compute import ComputeTarget, AmlCompute

compute_name = "aml-compute"
vm_size = "STANDARD_NC6"
if compute_name in ws.compute_targets:
    compute_target = ws.compute_targets[compute_name]
    if compute_target and type(compute_target) is AmlCompute:
        print('Found compute target: ' + compute_name)
else:
    print('Creating a new compute target...')
    provisioning_config = AmlCompute.provisioning_configuration(vm_size=vm_size,  # STANDARD_NC6 is GPU-enabled
                                                                min_nodes=0,
                                                                max_nodes=4)
    # create the compute target
    compute_target = ComputeTarget.create(
        ws, compute_name, provisioning_config)

    # Can poll for a minimum number of nodes and for a specific timeout.
    # If no min node count is provided it will use the scale settings for the cluster
    compute_target.wait_for_completion(
        show_output=True, min_node_count=None, timeout_in_minutes=20)

    # For a more detailed view of current cluster status, use the 'status' property
    print(compute_target.status.serialize())
"""
ENVIRONMENT = """
from azureml.core.runconfig import RunConfiguration
from azureml.core.conda_dependencies import CondaDependencies
from azureml.core import Environment

aml_run_config = RunConfiguration()
# `compute_target` as defined in "Azure Machine Learning compute" section above
aml_run_config.target = compute_target

USE_CURATED_ENV = True
if USE_CURATED_ENV :
    curated_environment = Environment.get(workspace=ws, name="AzureML-Tutorial")
    aml_run_config.environment = curated_environment
else:
    aml_run_config.environment.python.user_managed_dependencies = False

    # Add some packages relied on by data prep step
    aml_run_config.environment.python.conda_dependencies = CondaDependencies.create(
        conda_packages=['pandas','scikit-learn'],
        pip_packages=['azureml-sdk', 'azureml-dataprep[fuse,pandas]'],
        pin_sdk_version=False)
"""
PREPARE = """
from azureml.pipeline.steps import PythonScriptStep
dataprep_source_dir = "./dataprep_src"
entry_point = "prepare.py"
# `my_dataset` as defined above
ds_input = my_dataset.as_named_input('input1')

# `output_data1`, `compute_target`, `aml_run_config` as defined above
data_prep_step = PythonScriptStep(
    script_name=entry_point,
    source_directory=dataprep_source_dir,
    arguments=["--input", ds_input.as_download(), "--output", output_data1],
    inputs=[ds_input],
    outputs=[output_data1],
    compute_target=compute_target,
    runconfig=aml_run_config,
    allow_reuse=True
)
"""
TRAIN = """
train_source_dir = "./train_src"
train_entry_point = "train.py"

training_results = PipelineData(name = "training_results",
                                datastore=def_blob_store,
                                output_name="training_results")


train_step = PythonScriptStep(
    script_name=train_entry_point,
    source_directory=train_source_dir,
    arguments=["--prepped_data", output_data1.as_input(), "--training_results", training_results],
    compute_target=compute_target,
    runconfig=aml_run_config,
    allow_reuse=True
)
"""
PIPELINE = """
# list of steps to run (`compare_step` definition not shown)
compare_models = [data_prep_step, train_step, compare_step]

from azureml.pipeline.core import Pipeline

# Build the pipeline
pipeline1 = Pipeline(workspace=ws, steps=[compare_models])
"""
IRIS = """
dataset_consuming_step = PythonScriptStep(
    script_name="iris_train.py",
    inputs=[iris_tabular_dataset.as_named_input("iris_data")],
    compute_target=compute_target,
    source_directory=project_folder
)
"""
HELLO = """
step = PythonScriptStep(name="Hello World",
                        script_name="hello_world.py",
                        compute_target=aml_compute,
                        source_directory=source_directory,
                        allow_reuse=False,
                        hash_paths=['hello_world.ipynb'])
"""
SUBMIT = """
from azureml.core import Experiment

# Submit the pipeline to be run
pipeline_run1 = Experiment(ws, 'Compare_Models_Exp').submit(pipeline1)
pipeline_run1.wait_for_completion()
"""
ARTICLE = (ATTACH, DATASTORES, DATA, COMPUTE, ENVIRONMENT, PREPARE, TRAIN, COMPARE_STEP, PIPELINE, NAMES, IRIS, HELLO)

#: What the test wants to know of the built pipelines.
LOOK = """
assert pipeline1.validate() == []
graph = pipeline1.graph
assert [(node.id, node.upstream) for node in graph.steps] == [
    ("prepare", ()), ("train", ("prepare",)), ("compare", ("train",))]
prepare, train, compare = graph.steps
assert [(port.name, port.mode) for port in prepare.inputs] == [("input1", "download")]
assert [port.name for port in train.inputs] == ["output_data1"]
assert [port.name for port in train.outputs] == ["training_results"]
assert {node.compute for node in graph.steps} == {"aml-compute"}
single = Pipeline(ws, [dataset_consuming_step, step])
assert single.validate() == []
assert [node.allow_reuse for node in single.graph.steps] == [True, False]
print("BUILT")
"""

STEP_SCRIPTS = {
    "dataprep_src/prepare.py": """
import argparse, os
parser = argparse.ArgumentParser()
parser.add_argument("--input")
parser.add_argument("--output")
args = parser.parse_args()
os.makedirs(args.output)
with open(os.path.join(args.output, "names.txt"), "w") as file:
    file.write("\\n".join(sorted(os.listdir(args.input))))
""",
    "train_src/train.py": """
import argparse, os
from azureml.core import Run
parser = argparse.ArgumentParser()
parser.add_argument("--prepped_data")
parser.add_argument("--training_results")
args = parser.parse_args()
with open(os.path.join(args.prepped_data, "names.txt")) as file:
    names = file.read().split()
Run.get_context().log("images", len(names))
os.makedirs(args.training_results)
with open(os.path.join(args.training_results, "model.txt"), "w") as file:
    file.write(" ".join(names))
""",
    "compare_src/compare.py": """
import sys
from azureml.core import Run
# Within a PythonScriptStep

ws = Run.get_context().experiment.workspace
with open(sys.argv[2] + "/model.txt") as file:
    assert file.read() == "a.png b.png", "the model is another one"
print("workspace", ws.name)
""",
    "project/iris_train.py": """
# iris_train.py
from azureml.core import Run, Dataset

run_context = Run.get_context()
iris_dataset = run_context.input_datasets['iris_data']
dataframe = iris_dataset.to_pandas_dataframe()
""",
    "project/hello_world.py": "print('Hello World')\n",
}


def run(folder: Path, *blocks: str) -> subprocess.CompletedProcess[str]:
    """Run the blocks as one script in a folder that has the scripts of the steps."""
    for name, text in STEP_SCRIPTS.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    (folder / "article.py").write_text("\n".join((BEFORE, *blocks)))
    environment = {**os.environ, "AIRFLOW_ML_COMPAT": "force"}
    return subprocess.run(
        [sys.executable, "article.py"], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_snippets_build_a_pipeline(folder: Path) -> None:
    """Every snippet runs as it is written, those that the real SDK refuses too, and means what the article says."""
    done = run(folder, *ARTICLE, LOOK)

    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("BUILT\n")
    assert "Creating a new compute target..." in done.stdout


def test_snippets_find_their_compute_target_again(folder: Path) -> None:
    """The second run of the script finds what the first one made."""
    run(folder, *ARTICLE)
    done = run(folder, *ARTICLE, LOOK)

    assert done.returncode == 0, done.stderr
    assert "Found compute target: aml-compute" in done.stdout


@pytest.mark.airflow
def test_snippets_run_to_the_end(folder: Path) -> None:
    """The pipeline of the article is submitted and its three steps complete, each reading what the former wrote."""
    upload = """
import os
os.makedirs("images")
for name in ("a.png", "b.png"):
    open(os.path.join("images", name), "w").close()
def_blob_store.upload("images", "train-images", show_progress=False)
# The packages of the curated environment need a network; the scripts of this test need none of them.
aml_run_config.environment = Environment("plain")
aml_run_config.environment.python.user_managed_dependencies = True
"""
    ask = """
assert pipeline_run1.get_status() == "Finished", pipeline_run1.get_details()
(train_run,) = pipeline_run1.find_step_run("train.py")
assert train_run.get_metrics() == {"images": 2}
print("FINISHED")
"""
    before = ARTICLE[: ARTICLE.index(PREPARE)]
    after = ARTICLE[ARTICLE.index(PREPARE) :]

    done = run(folder, *before, upload, *after, SUBMIT, ask)

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert done.stdout.endswith("FINISHED\n")
