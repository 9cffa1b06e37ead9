"""Templates in DAG files: `{{ ds }}` and friends in the arguments and parameters of steps."""

from __future__ import annotations

import re
from datetime import datetime, timezone

import pytest

pytestmark = pytest.mark.airflow

SAY = """
import sys
from azureml.core import Run
Run.get_context().log("said", " ".join(sys.argv[1:]))
"""
PIPELINE = """
said = PipelineParameter("said", "{{ ds_nodash }}-x")
pipeline = Pipeline(ws, [step("say.py", ARGUMENT, "{% raw %}{{ not }}{% endraw %}", said, name="say")])
dag = pipeline.to_dag("dag", params={"word": "w"})
"""
BY_HAND = """
with DAG("dag", params={"word": "w"}) as dag:
    PythonScriptStepOperator(
        task_id="say", workspace=ws, script_name="say.py", source_directory="src",
        arguments=["{{ params.word }} {{ ds }}"],
    )
"""
MAPPED = """
with DAG("dag", params={"word": "w"}) as dag:
    @task
    def values():
        return [["{{ params.word }}"], ["b"]]
    PythonScriptStepOperator.partial(
        task_id="say", workspace=ws, script_name="say.py", source_directory="src", arguments=["{{ params.word }}:"]
    ).expand(arguments=values())
"""


def pipeline(argument: str) -> str:
    """Return a DAG whose step has that argument."""
    return PIPELINE.replace("ARGUMENT", repr(argument))


def said(ran) -> list[str]:
    """Return what the steps of the newest pipeline run have said."""
    return sorted(step.get_metrics()["said"] for step in ran.pipelines[-1].get_steps())


@pytest.fixture
def say(dags):
    """Write the script that logs its arguments."""
    dags.script("say.py", SAY)
    return dags


def test_arguments_and_defaults_are_rendered(say):
    """The script gets the day of the run; what a template leaves in braces is text from then on."""
    ran = say.run(pipeline("{{ params.word }}/{{ ds }}"), {"word": "given"})
    day = datetime.now(timezone.utc)

    assert ran.state == "success"
    [text] = said(ran)
    assert re.fullmatch(rf"given/{day:%Y}-\d\d-\d\d {{{{ not }}}} {day:%Y}\d{{4}}-x", text), text
    [recorded] = ran.pipeline.get_graph().steps
    assert "{{ ds }}" not in str(recorded.arguments)


def test_what_a_run_was_triggered_with_is_no_template(say):
    """Somebody who may trigger a run may not write templates: a given value is data."""
    ran = say.run(pipeline("a"), {"said": "{{ ds }}"})

    assert said(ran) == ["a {{ not }} {{ ds }}"]


def test_equal_text_is_reused_whatever_the_template(say):
    """The fingerprint is made of what the script gets: another template of the same text is no change."""
    say.run(pipeline("{{ params.word }}"))
    again = say.run(pipeline("w"))
    other = say.run(pipeline("{{ params.word }}"), {"word": "other"})

    assert again.tasks == {"reuse_check": "success", "say": "skipped", "pipeline_end": "skipped"}
    assert other.tasks["say"] == "success"


def test_steps_by_hand_have_templates_too(say):
    """An operator in a DAG that is written by hand renders its arguments."""
    ran = say.run(BY_HAND)

    assert re.fullmatch(r"w \d{4}-\d\d-\d\d", said(ran)[0])


def test_values_of_other_tasks_are_no_templates(say):
    """Of a mapped step what stands in the file is rendered, and the values that it is mapped over are data."""
    ran = say.run(MAPPED)

    assert said(ran) == ["w: b", "w: {{ params.word }}"]


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("{{ nothing }}", "cannot be rendered: 'nothing' is undefined"),
        ("{{ ds", "cannot be rendered"),
        ("{{ var.value.key }}", "asks for 'var', and what it gives would be recorded"),
        ("{{ conn.db.password }}", "asks for 'conn', and what it gives would be recorded"),
    ],
)
def test_a_template_that_cannot_be_is_refused(say, template: str, reason: str):
    """The run fails before its first step, with the step and the template; secrets never get into records."""
    ran = say.run(pipeline(template))

    assert (ran.state, ran.tasks["reuse_check"]) == ("failed", "failed")
    assert reason in ran.log
    assert "step 'say': argument" in ran.log


def test_pipelines_that_are_submitted_have_no_templates(say):
    """What v1 code submits or publishes is taken as it is, braces and all."""
    source = pipeline("{{ ds }}").replace(
        'pipeline.to_dag("dag"', 'airflow_ml.translation.dags.to_dag(pipeline.graph, "dag"'
    )
    ran = say.run("import airflow_ml.translation.dags\n" + source)

    assert said(ran) == ["{{ ds }} {% raw %}{{ not }}{% endraw %} {{ ds_nodash }}-x"]
