"""Pipelines in mapped task groups, whose tasks Airflow makes in the run."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.airflow

GROUP = """
one = PipelineData("one")
pipeline = Pipeline(ws, [PythonScriptStep("write.py", "write", [one], outputs=[one], source_directory="src"),
                         PythonScriptStep("read.py", "read", [one], inputs=[one], source_directory="src")])
with DAG("mapped") as dag:
    @task_group
    def each(value):
        pipeline.to_task_group("inner")
    each.expand(value=[1, 2])
"""
BY_HAND = """
with DAG("mapped") as dag:
    @task_group
    def each(value):
        PythonScriptStepOperator(task_id="write", workspace=ws, script_name="write.py", source_directory="src")
    each.expand(value=[1, 2])
"""


@pytest.fixture
def mapped(dags):
    """Write the scripts of two steps."""
    dags.script("write.py", "import sys; open(sys.argv[1], 'w').write('hello')")
    dags.script("read.py", "import sys; print('read', open(sys.argv[1]).read())")
    return dags


def test_each_value_has_a_pipeline_run_whose_steps_take_results(mapped):
    """The pipeline runs once for each value; its steps decide when they start, and end in success."""
    mapped.run("from airflow.sdk import task_group" + GROUP)

    ran = mapped.run("from airflow.sdk import task_group" + GROUP)

    assert ran.state == "success", ran.log
    assert set(ran.tasks.values()) == {"success"}
    runs = ran.pipelines
    assert [run.get_status() for run in runs] == ["Finished"] * 4
    computed = [
        step.name for run in runs for step in run.get_steps() if "azureml.isreused" not in step.get_properties()
    ]
    assert sorted(computed) == ["read", "write"]


def test_steps_written_by_hand_are_refused(mapped):
    """Such a step would be one for all values; the import error says what to do instead."""
    with pytest.raises(AssertionError, match=r"(?s)'each.write' stands in a mapped.*use its to_task_group there"):
        mapped.run("from airflow.sdk import task_group" + BY_HAND)
