"""Translated pipelines in Airflow: states of tasks, retries, clearing, branches, groups."""

from __future__ import annotations

from pathlib import Path

import pytest

pytestmark = pytest.mark.airflow

TWO = """
data = PipelineData("data")
pipeline = Pipeline(ws, [step("write.py", data, outputs=[data], name="write"),
                         step("read.py", data, inputs=[data], name="read")])
dag = pipeline.to_dag("two")
"""


@pytest.fixture
def two(dags):
    """Write the scripts of a pipeline of two steps."""
    dags.script("write.py", "import sys; open(sys.argv[1], 'w').write('hello')")
    dags.script("read.py", "import sys; print('read', open(sys.argv[1]).read())")
    return dags


def fails_unless(flag: Path, *, makes_it: bool = False) -> str:
    """Return a script that writes its output and fails unless a file is there, which it may make."""
    return f"""
    import pathlib, sys
    open(sys.argv[1], "w").write("x")
    flag = pathlib.Path({str(flag)!r})
    if not flag.exists():
        flag.touch() if {makes_it} else None
        sys.exit(1)
    """


def test_a_pipeline_runs(two):
    """Every step succeeds, the run is recorded, and each task's link leads to its run."""
    ran = two.run(TWO)

    assert ran.state == "success"
    assert set(ran.tasks) == {"reuse_check", "write", "read", "pipeline_end"}
    assert ran.pipeline.get_status() == "Finished"
    assert ran.pipeline.experiment.name == "two"
    read = ran.pipeline.find_step_run("read")[0]
    assert ran.answer["xcoms"]["read:return_value"]["step_run_id"] == read.id
    assert ran.answer["xcoms"]["read:airflow_ml_run_link"].endswith(read.id)
    assert "read hello" in ran.log


def test_a_failing_script_is_not_tried_again(two):
    """A script's failure is the user's: no retry, the DAG run fails, the step behind it does not run."""
    two.script("write.py", "raise SystemExit(3)")

    ran = two.run(TWO)

    assert ran.state == "failed"
    assert ran.tasks == {
        "reuse_check": "success",
        "write": "failed",
        "read": "upstream_failed",
        "pipeline_end": "failed",
    }
    assert ran.answer["tries"]["write"] == 1
    assert ran.pipeline.get_status() == "Failed"
    assert "step 'write': script 'write.py' ended with exit code 3" in ran.log


def test_a_failing_machine_is_tried_again(two, tmp_path):
    """A failure of storage is tried again, and the pipeline completes as if nothing had happened."""
    two.script(
        "write.py",
        """
        import glob, os, sys
        # An output that vanishes between the script's end and its commit is made by a datastore that is not there.
        open(sys.argv[1], "w").write("hello")
        store = os.path.join(os.environ["AIRFLOW_ML_HOME"], "w", "stores", "workspaceblobstore")
        if not os.path.exists(store + ".was"):
            os.makedirs(store, exist_ok=True)
            os.rename(store, store + ".was")
            open(store, "w").close()
        else:
            os.path.isfile(store) and os.remove(store)
        """,
    )

    ran = two.run(TWO + "\nfrom datetime import timedelta\ndag.task_dict['write'].retry_delay = timedelta(seconds=0)")

    assert ran.answer["tries"]["write"] == 2, ran.log
    assert ran.state == "success"
    assert ran.pipeline.get_status() == "Finished"
    assert [run.get_status() for run in ran.pipeline.get_children()] == ["Finished", "Finished", "Failed"]


def test_scripts_can_be_tried_again_if_asked_for(two, tmp_path):
    """With retry_user_failures a failing script is tried again."""
    flag = tmp_path / "flag"
    two.script("write.py", fails_unless(flag, makes_it=True))
    source = TWO + (
        "\nfrom datetime import timedelta\ntask = dag.task_dict['write']"
        "\ntask.retry_user_failures, task.retry_delay = True, timedelta(seconds=0)"
    )

    ran = two.run(source)

    assert ran.state == "success"
    assert ran.answer["tries"]["write"] == 2


def test_clearing_a_mended_step_completes_the_run(two, tmp_path):
    """After a failure is mended, clearing the failed tasks lets DAG run and pipeline run complete."""
    flag = tmp_path / "flag"
    two.script("write.py", fails_unless(flag))
    ran = two.run(TWO)
    assert ran.pipeline.get_status() == "Failed"
    flag.touch()

    again = ran.clear("write", "read", "pipeline_end")

    assert again.state == "success"
    assert again.pipeline.get_status() == "Finished"
    assert again.pipeline.get_details().get("error") is None


def test_clearing_a_whole_run_runs_it_again(two):
    """Clearing every task of a DAG run that had ended runs the pipeline again under the same run."""
    ran = two.run(TWO)

    again = ran.clear("reuse_check", "write", "read", "pipeline_end")

    assert again.state == "success"
    assert again.pipeline.get_status() == "Finished"
    assert len(list(again.pipeline.get_children())) == 4


def test_a_failing_check_fails_the_run(two):
    """What is wrong before the first step fails the DAG run, and a pipeline run says why."""
    ran = two.run(TWO.replace('name="read")', 'name="read", compute_target="gpu-9")'))

    assert ran.state == "failed"
    assert ran.tasks["reuse_check"] == "failed"
    assert ran.tasks["write"] == "upstream_failed"
    assert ran.tasks["pipeline_end"] == "failed"
    assert "step 'read'" in ran.pipeline.get_details()["error"]["error"]["message"]
    assert "'gpu-9'" in ran.pipeline.get_details()["error"]["error"]["message"]


@pytest.mark.parametrize(("goes_on", "state"), [(False, "skipped"), (True, "success")])
def test_other_branches_go_on_if_asked_for(dags, goes_on, state):
    """continue_on_step_failure decides whether steps run that do not need the failed one; the run fails anyway."""
    dags.script("bad.py", "raise SystemExit(1)")
    dags.script("good.py")
    dags.script("last.py", "# another step than the one before, whose result it would take")
    source = f"""
    first, other = step("bad.py", name="a_bad"), step("good.py", name="b_good")
    last = step("last.py", name="c_last")
    last.run_after(other)
    dag = Pipeline(ws, [first, last]).to_dag("branches", continue_on_step_failure={goes_on})
    """

    ran = dags.run(source)

    assert ran.tasks["a_bad"] == "failed"
    assert ran.tasks["c_last"] == state
    assert ran.state == "failed"
    assert ran.pipeline.get_status() == "Failed"
    assert "'a_bad'" in ran.pipeline.get_details()["error"]["error"]["message"]


PARAMETERS = """
p = PipelineParameter("text", "default")
n = PipelineParameter("count", 3)
dag = Pipeline(ws, [step("show.py", p, n, name="show")]).to_dag("parameters")
"""


def test_parameters_of_the_run_reach_the_script(dags):
    """Values given to the DAG run replace the defaults; None and the empty string are legal; the log echoes them."""
    dags.script("show.py", "import sys; print('given', sys.argv[1:])")

    empty = dags.run(PARAMETERS, conf={"text": "", "count": 4})
    none = dags.run(PARAMETERS, conf={"text": None})

    assert "given ['', '4']" in empty.log
    assert "given ['None', '3']" in none.log
    assert "parameters: {'text': '', 'count': 4}" in empty.log


def test_an_unknown_parameter_is_an_error(dags):
    """A name that the pipeline does not declare fails the run and names those it does."""
    dags.script("show.py")

    ran = dags.run(PARAMETERS, conf={"cuont": 4})

    assert ran.state == "failed"
    assert "has no parameter 'cuont'; it declares: count, reuse, text" in ran.log
    assert "cuont" in ran.pipeline.get_details()["error"]["error"]["message"]


def test_a_value_of_a_wrong_type_is_an_error(dags):
    """A value of another type than the default is refused by Airflow before there is a run."""
    dags.script("show.py")

    with pytest.raises(AssertionError, match=r"param count: 'five' is not of type 'integer'"):
        dags.run(PARAMETERS, conf={"count": "five"})


GROUPS = """
def make():
    data = PipelineData("data")
    return Pipeline(ws, [step("write.py", data, outputs=[data], name="write"),
                         step("read.py", data, inputs=[data], name="read")])

@task
def team():
    print("the team's task")

with DAG("groups") as dag:
    %s
"""


def test_two_groups_of_one_pipeline_do_not_mix(two):
    """Each task group is a pipeline run of its own, with its own steps and data; nested groups prefix the ids."""
    ran = two.run(
        GROUPS
        % """
    with TaskGroup("outer"):
        one = make().to_task_group("one")
    two = make().to_task_group("two")
    one >> two
    """
    )

    assert ran.state == "success"
    assert {"outer.one.write", "two.write", "outer.one.pipeline_end"} <= set(ran.tasks)
    first, second = ran.pipelines
    assert len(list(first.get_steps())) == len(list(second.get_steps())) == 2


def test_a_teams_task_behind_a_pipeline_runs(two):
    """A task behind a task group runs when the pipeline has ended well."""
    ran = two.run(GROUPS % "make().to_task_group('g') >> team()")

    assert ran.tasks["team"] == "success"


def test_a_group_on_a_branch_not_taken_does_not_run(two):
    """Behind a branch that was not taken no step runs, the marker is skipped, and nothing is recorded."""
    ran = two.run(
        GROUPS
        % """
    @task.branch
    def choose():
        return "other"
    chosen = choose()
    chosen >> make().to_task_group("g")
    chosen >> EmptyOperator(task_id="other")
    """
    )

    assert ran.state == "success"
    assert {state for name, state in ran.tasks.items() if name.startswith("g.")} == {"skipped"}
    assert not ran.pipelines


def test_a_task_that_airflow_ends_stops_its_script(dags):
    """on_kill ends the script; nothing is committed, no run directory stays, the run is recorded as canceled."""
    dags.script("stop.py", f"import os, signal; os.kill({dags.pid}, signal.SIGTERM); signal.pause()")
    source = """
    dag = Pipeline(ws, [step("stop.py", name="stop")]).to_dag("stop")
    dag.task_dict["stop"].retries = 0
    """

    ran = dags.run(source)

    assert ran.tasks["stop"] == "failed"
    assert ran.pipeline.find_step_run("stop")[0].get_status() == "Canceled"
    assert ran.pipeline.get_status() == "Failed"
    assert not list(ran.pipeline._registry.home.runs.iterdir())
