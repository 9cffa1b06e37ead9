"""
Run the digits pipeline on this machine, without an Airflow service, and show what came of it.

`make demo` starts it: `python -m digits.demo`, in the folder of the DAG files.
"""

import argparse
import sys

from digits_classification import pipeline, run_config, workspace

from airflow_ml.cli.tables import print_run_table, print_table
from airflow_ml.core import Experiment
from airflow_ml.exceptions import AzureMLException
from airflow_ml.pipeline.core import Pipeline, PipelineRun
from airflow_ml.pipeline.steps import PythonScriptStep


def main() -> None:
    """Upload the images, run the pipeline, and print its steps, outputs, model and dataset."""
    parser = argparse.ArgumentParser(description="Run the digits pipeline on this machine.")
    parser.add_argument("--epochs", type=int, default=20)
    args = parser.parse_args()
    upload = PythonScriptStep(
        "upload.py",
        name="upload",
        source_directory="digits/upload",
        arguments=["--target", "digits/images"],
        runconfig=run_config,
        allow_reuse=False,
    )
    print("The first run also installs the packages of the steps' environment.", flush=True)
    run_to_its_end("digits_upload", Pipeline(workspace, steps=[upload], description="digits upload"))
    run = run_to_its_end("digits_classification", pipeline, epochs=args.epochs)
    print()
    print_run_table(run)
    print_registered()


def run_to_its_end(experiment: str, chosen: Pipeline, **parameters: int) -> PipelineRun:
    """Submit a pipeline and stream its steps' logs."""
    run = Experiment(workspace, experiment).submit(chosen, pipeline_parameters=parameters)
    run.wait_for_completion(show_output=True)
    return run


def print_registered() -> None:
    """Print the newest version of what the run registered."""
    model, dataset = workspace.models["digits"], workspace.datasets["digits-predictions"]
    tags = ", ".join(f"{key} {value}" for key, value in model.tags.items())
    rows = f"{len(dataset.to_pandas_dataframe())} rows"
    print()
    print_table(
        ("registered", "name", "version", "what"),
        [("model", model.name, str(model.version), tags), ("dataset", dataset.name, str(dataset.version), rows)],
        sys.stdout,
    )


if __name__ == "__main__":
    try:
        main()
    except AzureMLException as error:
        sys.exit(f"demo: {error}")
