"""Backfills that process a day anew."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.airflow

DAG = """
with DAG("dag") as dag:
    behind = EmptyOperator(task_id="behind")
    Pipeline(ws, [step("say.py", "a", name="say")]).to_task_group("ml") >> behind
"""
TASKS = ("ml.reuse_check", "ml.say", "ml.pipeline_end", "behind")


def test_a_backfill_takes_what_was_computed_and_a_clear_does_not(dags):
    """Airflow clears the tasks of the day's DAG run for both; the task behind the pipeline runs in any case."""
    dags.script("say.py")
    ran = dags.run(DAG)
    backfilled = ran.clear(*TASKS, run_type="backfill")
    cleared = backfilled.clear("ml.say", "ml.pipeline_end", "behind")

    assert (ran.state, ran.tasks["ml.say"]) == ("success", "success")
    assert (backfilled.state, backfilled.tasks["ml.say"], backfilled.tasks["behind"]) == (
        "success",
        "skipped",
        "success",
    )
    assert (cleared.state, cleared.tasks["ml.say"]) == ("success", "success")
    assert len(ran.pipelines) == 2
