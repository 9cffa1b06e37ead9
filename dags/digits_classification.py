"""
Classify 1,797 images of digits: two candidates are trained, and the better one is registered.

Every day, or whenever somebody triggers it: upload the images that the datastore does not hold yet, then prepare,
train twice, compare. The pipeline is written with the names of the Azure ML SDK v1; what Airflow adds is at the end.
Copy this file, `digits/` and `config.json` into a DAG folder, and it runs from nothing.
"""

from datetime import datetime, timezone

from airflow.sdk import DAG

from airflow_ml.core import Dataset, Environment, Workspace
from airflow_ml.core.compute import AmlCompute, ComputeTarget
from airflow_ml.core.conda_dependencies import CondaDependencies
from airflow_ml.core.runconfig import RunConfiguration
from airflow_ml.data import OutputFileDatasetConfig
from airflow_ml.operators import PythonScriptStepOperator
from airflow_ml.pipeline.core import Pipeline, PipelineData, PipelineParameter
from airflow_ml.pipeline.steps import PythonScriptStep

workspace = Workspace.from_config()
datastore = workspace.get_default_datastore()
compute_target = ComputeTarget.create(
    workspace, "cpu-cluster", AmlCompute.provisioning_configuration(vm_size="STANDARD_D2_V2", max_nodes=2)
)

environment = Environment("digits")
environment.python.conda_dependencies = CondaDependencies.create(
    pip_packages=["matplotlib", "pandas", "pillow", "scikit-learn"]
)
run_config = RunConfiguration()
run_config.target = compute_target
run_config.environment = environment

epochs = PipelineParameter("epochs", default_value=20)
learning_rate = PipelineParameter("learning_rate", default_value=0.01)

# One folder of PNG files per class: digits/images/7/0123.png
images = Dataset.File.from_files((datastore, "digits/images")).as_named_input("images").as_mount()
tables = PipelineData("tables", datastore=datastore)

prepare = PythonScriptStep(
    "prepare.py",
    name="prepare",
    source_directory="digits/prepare",
    arguments=["--images", images, "--test-share", 0.25, "--tables", tables],
    inputs=[images],
    outputs=[tables],
    runconfig=run_config,
)

candidates = [PipelineData(f"{family}_model", datastore=datastore) for family in ("linear", "network")]
training = [
    PythonScriptStep(
        "train.py",
        name=f"train {family}",
        source_directory="digits/train",
        arguments=[
            *("--tables", tables, "--family", family, "--model", candidate),
            *("--epochs", epochs, "--learning-rate", learning_rate),
        ],
        inputs=[tables],
        outputs=[candidate],
        runconfig=run_config,
    )
    for family, candidate in zip(("linear", "network"), candidates, strict=True)
]

predictions = (
    OutputFileDatasetConfig("predictions", destination=(datastore, "digits/predictions/{run-id}"))
    .read_delimited_files()
    .register_on_complete("digits-predictions", description="What the better model says about the test images")
)
compare = PythonScriptStep(
    "compare.py",
    name="compare",
    source_directory="digits/compare",
    arguments=["--tables", tables, "--predictions", predictions, "--candidates", *candidates],
    inputs=[tables, *candidates],
    outputs=[predictions],
    runconfig=run_config,
)

pipeline = Pipeline(workspace, steps=[prepare, *training, compare], description="digits")

start = datetime(2026, 1, 1, tzinfo=timezone.utc)
with DAG("digits_classification", schedule="@daily", start_date=start, catchup=False) as dag:
    # Where the images come from elsewhere, all this is one line: dag = pipeline.to_dag("digits", schedule="@daily")
    upload = PythonScriptStepOperator(
        task_id="upload",
        workspace=workspace,
        script_name="upload.py",
        source_directory="digits/upload",
        arguments=["--target", "digits/images"],
        runconfig=run_config,
        allow_reuse=False,
        experiment="digits_upload",
    )
    upload >> pipeline.to_task_group("classification")
