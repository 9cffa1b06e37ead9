"""
Run the digits pipeline on this machine, without an Airflow service, and show what came of it.

`make demo` starts it: `python -m digits.demo`, in the folder of the DAG files.
"""

import argparse
import sys
from datetime import datetime

from digits_classification import pipeline, run_config, workspace

from airflow_ml.core import Experiment
from airflow_ml.exceptions import ActivityFailedException
from airflow_ml.pipeline.core import Pipeline, PipelineRun, StepRun
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
    print("The first run also installs the packages of the steps' environment.")
    run_to_its_end("digits_upload", Pipeline(workspace, steps=[upload], description="digits upload"))
    run = run_to_its_end("digits_classification", pipeline, epochs=args.epochs)
    print_steps(run)
    print_outputs(run)
    print_registered()


def run_to_its_end(experiment: str, chosen: Pipeline, **parameters: int) -> PipelineRun:
    """Submit a pipeline and stream its steps' logs."""
    run = Experiment(workspace, experiment).submit(chosen, pipeline_parameters=parameters)
    run.wait_for_completion(show_output=True)
    return run


def steps_in_order(run: PipelineRun) -> list[StepRun]:
    """Return the steps' runs, the first one first."""
    return [*run.get_steps()][::-1]


def print_steps(run: PipelineRun) -> None:
    """Print state, time and last metrics of every step."""
    rows = [("step", "state", "seconds", "metrics (last value)")]
    for step in steps_in_order(run):
        details = step.get_details()
        started, ended = (datetime.fromisoformat(details[key]) for key in ("startTimeUtc", "endTimeUtc"))
        seconds = f"{(ended - started).total_seconds():.1f}"
        rows.append((step.name, step.get_status(), seconds, ", ".join(last_values(step))))
    print_table(f"Run {run.id}", rows)


def last_values(step: StepRun) -> list[str]:
    """Return the last value of every metric that is a number."""
    metrics = step.get_metrics().items()
    last = [(name, values[-1] if isinstance(values, list) else values) for name, values in metrics]
    return [f"{name} {value:.4g}" for name, value in last if isinstance(value, (int, float))]


def print_outputs(run: PipelineRun) -> None:
    """Print where every output lies, and the images that steps have logged."""
    rows = [("step", "output", "lies at")]
    for step in steps_in_order(run):
        for name, output in step.get_outputs().items():
            place = output.get_port_data_reference()
            rows.append((step.name, name, f"{place.datastore_name}/{place.path_on_datastore}"))
        rows += [(step.name, "image", name) for name in step.get_file_names() if name.endswith(".png")]
    print_table("Outputs", rows)


def print_registered() -> None:
    """Print the newest version of what the run has registered."""
    model, dataset = workspace.models["digits"], workspace.datasets["digits-predictions"]
    tags = ", ".join(f"{key} {value}" for key, value in model.tags.items())
    rows = len(dataset.to_pandas_dataframe())
    print_table(
        "Registered",
        [
            ("kind", "name", "version", "what"),
            ("model", model.name, str(model.version), tags),
            ("dataset", dataset.name, str(dataset.version), f"{rows} rows"),
        ],
    )


def print_table(title: str, rows: list[tuple[str, ...]]) -> None:
    """Print rows, the first of which is the header."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    print(f"\n{title}")
    for row in rows:
        print("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


if __name__ == "__main__":
    try:
        main()
    except ActivityFailedException as error:
        sys.exit(f"demo: {error}")
