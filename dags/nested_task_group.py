"""
A pipeline as a task group inside a larger DAG whose later tasks run in every case.

What can become of the pipeline, and what the tasks behind it see of it. `refresh` is the task group; as a neighbour
of other tasks it stands for its last task, `refresh.pipeline_end`:

| the pipeline                        | `refresh.pipeline_end` | a task behind it runs with             |
| ----------------------------------- | ---------------------- | -------------------------------------- |
| every step has run                  | success                | any trigger rule                       |
| steps were skipped, results reused  | success                | any trigger rule                       |
| stands on a branch not taken        | skipped                | `none_failed`, `all_done`, ...         |
| a step has failed                   | failed                 | `one_failed`, `all_done`, ...          |

So put later tasks behind the group and never behind one of its steps: a step whose result was reused is skipped, and
Airflow skips what stands right behind it. Numbers of a step are read by its XCom all the same.
"""

from datetime import datetime, timezone

from airflow.sdk import DAG, Param, get_current_context, task

from airflow_ml.core import Workspace
from airflow_ml.pipeline.core import Pipeline, PipelineData, PipelineParameter
from airflow_ml.pipeline.steps import PythonScriptStep

workspace = Workspace.from_config()

hottest = PipelineParameter("hottest", default_value=60.0)
readings, checked = PipelineData("readings"), PipelineData("checked")
# A step that reads the outside world, which no fingerprint knows, is written with allow_reuse=False; this one makes
# its readings up, always the same.
collect = PythonScriptStep(
    "collect.py",
    name="collect",
    source_directory="readings/collect",
    arguments=["--readings", readings],
    outputs=[readings],
)
check = PythonScriptStep(
    "check.py",
    name="check",
    source_directory="readings/check",
    arguments=["--readings", readings, "--checked", checked, "--hottest", hottest],
    inputs=[readings],
    outputs=[checked],
)
summarise = PythonScriptStep(
    "summarise.py",
    name="summarise",
    source_directory="readings/summarise",
    arguments=["--checked", checked],
    inputs=[checked],
)
pipeline = Pipeline(workspace, steps=[collect, check, summarise], description="readings")


@task.branch
def choose() -> str:
    """Take the pipeline's branch, or the one around it."""
    return "refresh" if get_current_context()["params"]["has_news"] else "nothing_new"


@task
def nothing_new() -> None:
    """Stand for whatever is done instead of the pipeline."""
    print("no new readings since yesterday")


# Runs behind either branch, after reuse too; not after a failure. The end of a DAG run follows from its last tasks,
# and this is one: after a failure it is "upstream failed", so the DAG run has failed, though tasks beside it ran.
@task(trigger_rule="none_failed_min_one_success")
def report() -> str:
    """Say what is known, with the numbers of the pipeline's last step where it has run or was reused."""
    found = get_current_context()["ti"].xcom_pull(task_ids="refresh.summarise")
    text = f"mean: {found['metrics']['mean']}" if found else "as yesterday"
    print(text)
    return text


# Runs if the pipeline has failed, and only then.
@task(trigger_rule="one_failed")
def alert() -> None:
    """Tell somebody."""
    print("the readings could not be refreshed; see the run's page")


# Runs whatever happened. It stands behind the pipeline itself, not behind `report`, whose end it need not wait for.
@task(trigger_rule="all_done")
def clean_up() -> None:
    """Leave nothing behind."""
    print("cleaned up")


start = datetime(2026, 1, 1, tzinfo=timezone.utc)
with DAG(
    "nested_task_group",
    schedule="@daily",
    start_date=start,
    catchup=False,
    params={"has_news": Param(True, type="boolean", description="whether there are new readings")},
):
    refresh = pipeline.to_task_group("refresh")
    otherwise = nothing_new()
    choose() >> [refresh, otherwise]
    [refresh, otherwise] >> report()
    refresh >> alert()
    refresh >> clean_up()
