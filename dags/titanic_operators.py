"""
Who survives a shipwreck: the same kind of pipeline as `digits_classification.py`, written with operators by hand.

Every step is a task that stands in this file, so Airflow's own means apply to each of them: trigger rules, retries,
pools, other operators between them. Order follows from the data: a task that reads what another one writes stands
behind it. All steps of a DAG run belong to one pipeline run of the workspace. Copy this file, `titanic/` and
`config.json` into a DAG folder, and it runs from nothing; the passengers are made up by its first task.
"""

from datetime import datetime, timezone

from airflow.sdk import DAG

from airflow_ml.core import Environment, Workspace
from airflow_ml.core.compute import AmlCompute, ComputeTarget
from airflow_ml.core.conda_dependencies import CondaDependencies
from airflow_ml.core.runconfig import RunConfiguration
from airflow_ml.data import OutputFileDatasetConfig
from airflow_ml.operators import DatasetInputOperator, PythonScriptStepOperator
from airflow_ml.pipeline.core import PipelineData, PipelineParameter

workspace = Workspace.from_config()

environment = Environment("titanic")
environment.python.conda_dependencies = CondaDependencies.create(pip_packages=["pandas", "scikit-learn"])
run_config = RunConfiguration()
run_config.environment = environment
run_config.target = ComputeTarget.create(
    workspace, "cpu-cluster", AmlCompute.provisioning_configuration(vm_size="STANDARD_D2_V2", max_nodes=2)
)

FAMILIES = ("logistic", "forest")
common = {"workspace": workspace, "runconfig": run_config}
start = datetime(2026, 1, 1, tzinfo=timezone.utc)

with DAG("titanic_operators", schedule="@daily", start_date=start, catchup=False):
    table = OutputFileDatasetConfig("table").register_on_complete("titanic-passengers")
    passengers = PythonScriptStepOperator(
        task_id="passengers",
        script_name="passengers.py",
        source_directory="titanic/passengers",
        arguments=["--table", table, "--count", PipelineParameter("passengers", default_value=900)],
        outputs=[table],
        **common,
    )

    # The version that is the newest now is the one that all steps behind this task read, whatever comes meanwhile.
    pinned = DatasetInputOperator(task_id="pin", workspace=workspace, dataset="titanic-passengers")
    passengers >> pinned

    cleaned = PipelineData("cleaned")
    PythonScriptStepOperator(
        task_id="clean",
        script_name="clean.py",
        source_directory="titanic/clean",
        arguments=["--passengers", pinned.as_input("passengers").as_mount(), "--cleaned", cleaned],
        outputs=[cleaned],
        **common,
    )

    features = PipelineData("features")
    PythonScriptStepOperator(
        task_id="features",
        script_name="features.py",
        source_directory="titanic/features",
        arguments=["--cleaned", cleaned, "--features", features, "--test-share", 0.25],
        inputs=[cleaned],
        outputs=[features],
        **common,
    )

    candidates = [PipelineData(family) for family in FAMILIES]
    for family, candidate in zip(FAMILIES, candidates, strict=True):
        PythonScriptStepOperator(
            task_id=f"train_{family}",
            script_name="train.py",
            source_directory="titanic/train",
            arguments=["--features", features, "--family", family, "--model", candidate],
            inputs=[features],
            outputs=[candidate],
            **common,
        )

    PythonScriptStepOperator(
        task_id="compare",
        script_name="compare.py",
        source_directory="titanic/compare",
        arguments=["--features", features, "--candidates", *candidates],
        inputs=[features, *candidates],
        **common,
    )
