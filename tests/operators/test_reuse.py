"""Reuse in Airflow: which tasks a DAG run needs, what those that are skipped leave, and what clearing does."""

from __future__ import annotations

import pytest

from airflow_ml.core import Workspace

pytestmark = pytest.mark.airflow

CHAIN = """
number = PipelineParameter("number", 1)
one, two = PipelineData("one"), PipelineData("two")
def one_of(name, *arguments, **options):
    return PythonScriptStep("run.py", name, list(arguments), source_directory=f"src/{name}", **options)

def make():
    return Pipeline(ws, [one_of("write", one, outputs=[one]),
                         one_of("add", one, two, number, inputs=[one], outputs=[two]),
                         one_of("read", two, inputs=[two])])
"""
WHOLE = CHAIN + 'dag = make().to_dag("chain")'
STEPS = ("write", "add", "read")


WRITE = "import sys; open(sys.argv[1], 'w').write('1')"
ADD = "import sys; open(sys.argv[2], 'w').write(str(int(open(sys.argv[1]).read()) + int(sys.argv[3])))"
READ = "import sys; from azureml.core import Run; Run.get_context().log('sum', int(open(sys.argv[1]).read()))"


@pytest.fixture
def chain(dags):
    """Write the scripts of three steps, each in a folder of its own; the last logs what comes out."""
    for name, script in zip(STEPS, (WRITE, ADD, READ), strict=True):
        (dags.folder / name).mkdir(exist_ok=True)
        dags.script(f"{name}/run.py", script)
    return dags


def decisions(ran) -> dict[str, str]:
    """Return what became of each step of the newest pipeline run: `reused` or `ran`."""
    workspace = Workspace.get("w")
    steps = workspace.registry().runs.steps(ran.pipelines[-1].id)
    return {step.name: step.details["reuse"]["decision"] for step in steps}


def test_a_wholly_reused_run_costs_one_task(chain):
    """When every result is there, the check alone runs: it sets XComs and links, and closes the pipeline run."""
    first = chain.run(WHOLE)

    ran = chain.run(WHOLE)

    assert ran.state == "success", ran.log
    assert ran.tasks == {"reuse_check": "success", **dict.fromkeys([*STEPS, "pipeline_end"], "skipped")}
    assert ran.pipelines[-1].get_status() == "Finished"
    assert decisions(ran) == dict.fromkeys(STEPS, "reused")
    old, new = first.answer["xcoms"]["read:return_value"], ran.answer["xcoms"]["read:return_value"]
    assert (new["metrics"], new["pipeline_run_id"]) == ({"sum": 2}, ran.pipelines[-1].id)
    assert new["step_run_id"] != old["step_run_id"]
    assert ran.answer["xcoms"]["read:airflow_ml_run_link"].endswith(new["step_run_id"])
    assert (
        ran.answer["xcoms"]["write:return_value"]["outputs"] == first.answer["xcoms"]["write:return_value"]["outputs"]
    )
    assert ran.answer["xcoms"]["pipeline_end:return_value"]["status"] == "Completed"
    assert f"step 'read': reused from {old['step_run_id']}" in ran.log


def test_what_changed_runs_and_the_log_says_why(chain):
    """With another parameter value the step that takes it runs, and what does not depend on it is reused."""
    chain.run(WHOLE)

    ran = chain.run(WHOLE, conf={"number": 5})

    assert decisions(ran) == {"write": "reused", "add": "ran", "read": "ran"}
    assert ran.tasks["pipeline_end"] == "success"
    assert ran.answer["xcoms"]["read:return_value"]["metrics"] == {"sum": 6}
    assert "parameter number 1 -> 5" in ran.log


def test_a_late_hit_is_skipped_by_its_producer(chain):
    """A step that ran and wrote the same bytes has the steps behind it skipped before its own task ends."""
    chain.run(WHOLE)
    chain.script("write/run.py", f"{WRITE}  # the same")

    ran = chain.run(WHOLE)

    assert decisions(ran) == {"write": "ran", "add": "reused", "read": "reused"}
    assert (ran.tasks["write"], ran.tasks["add"], ran.tasks["read"]) == ("success", "skipped", "skipped")
    assert ran.answer["xcoms"]["read:return_value"]["metrics"] == {"sum": 2}
    assert ran.tasks["pipeline_end"] == "success"
    assert ran.pipelines[-1].get_status() == "Finished"


@pytest.mark.parametrize("mode", ["refresh", "off"])
def test_the_run_can_ask_for_everything_anew(chain, mode):
    """The field of the trigger form lets every step run."""
    chain.run(WHOLE)

    ran = chain.run(WHOLE, conf={"reuse": mode})

    assert decisions(ran) == dict.fromkeys(STEPS, "ran")


def test_clearing_a_reused_step_runs_it(chain):
    """A reused step that is cleared alone runs for real, and the pipeline run is closed behind it."""
    chain.run(WHOLE)
    ran = chain.run(WHOLE)

    again = ran.clear("add")

    assert again.state == "success", again.log
    assert again.tasks["add"] == "success"
    assert decisions(again)["add"] == "ran"
    assert "its task was cleared" in again.log
    assert again.pipelines[-1].get_status() == "Finished"


def test_clearing_everything_runs_everything(chain):
    """Clearing a wholly reused DAG run from its first task on looks nothing up any more."""
    chain.run(WHOLE)
    ran = chain.run(WHOLE)

    again = ran.clear("reuse_check", *STEPS, "pipeline_end")

    assert set(again.tasks.values()) == {"success"}, again.log
    assert decisions(again) == dict.fromkeys(STEPS, "ran")
    assert again.pipelines[-1].get_status() == "Finished"


def test_a_failed_step_that_is_cleared_may_be_reused(chain, tmp_path):
    """A step that has never completed in this run is looked up when it is cleared: another run may have its result."""
    flag = tmp_path / "flag"
    chain.script("add/run.py", f"import os\nassert os.path.exists({str(flag)!r})\n{ADD}")
    ran = chain.run(WHOLE)
    flag.touch()
    chain.run(WHOLE)

    again = ran.clear("add", "read", "pipeline_end")

    assert (ran.state, again.state) == ("failed", "success"), again.log
    steps = Workspace.get("w").registry().runs.steps(ran.pipelines[0].id)
    assert {step.name: step.details["reuse"]["decision"] for step in steps} == {
        "write": "ran",
        "add": "reused",
        "read": "reused",
    }


def test_a_teams_task_behind_a_reused_pipeline_runs(chain):
    """Behind a wholly reused task group its last task runs, so that no task of the team is skipped with it."""
    source = CHAIN + (
        "\n@task\ndef team(ti):\n    print('team has', ti.xcom_pull(task_ids='g.read')['metrics'])"
        "\nwith DAG('groups') as dag:\n    make().to_task_group('g') >> team()"
    )
    chain.run(source)

    ran = chain.run(source)

    assert {ran.tasks[f"g.{name}"] for name in STEPS} == {"skipped"}
    assert (ran.tasks["g.pipeline_end"], ran.tasks["team"]) == ("success", "success")
    assert "team has {'sum': 2}" in ran.log


def test_a_callback_on_the_last_task_takes_place(chain):
    """A last task that somebody has hung a callback on is not skipped."""
    source = WHOLE + "\ndag.task_dict['pipeline_end'].on_success_callback = [lambda context: print('ended')]"
    chain.run(source)

    ran = chain.run(source)

    assert ran.tasks["pipeline_end"] == "success"
    assert ran.tasks["read"] == "skipped"


LOST = """
from datetime import timedelta
from airflow_ml.operators import _announcing
write = _announcing._set
def lose(*_arguments):
    _announcing._set = write
    raise OSError("the message is lost")
if getattr(_announcing, "lost_by", None) != __file__:  # Airflow loads the file more than once
    _announcing._set, _announcing.lost_by = lose, __file__
dag.task_dict["reuse_check"].retry_delay = timedelta(seconds=0)
"""


def test_a_check_that_dies_before_its_message_sends_it_again(chain):
    """Steps that were adopted and not announced are announced by the next try of the check."""
    chain.run(WHOLE)

    ran = chain.run(WHOLE + LOST)

    assert ran.answer["tries"]["reuse_check"] == 2, ran.log
    assert ran.tasks == {"reuse_check": "success", **dict.fromkeys([*STEPS, "pipeline_end"], "skipped")}
    assert ran.pipelines[-1].get_status() == "Finished"
    assert len(list(ran.pipelines[-1].get_children())) == 3


def test_a_step_whose_message_was_lost_takes_its_result(chain):
    """A step that was adopted and not skipped ends at once in its own task; cleared later, it runs."""
    chain.run(WHOLE)
    chain.script("write/run.py", f"{WRITE}  # the same")

    ran = chain.run(WHOLE + LOST)

    assert decisions(ran) == {"write": "ran", "add": "reused", "read": "reused"}
    assert (ran.tasks["write"], ran.tasks["add"], ran.tasks["read"]) == ("success", "success", "success"), ran.log
    assert decisions(ran.clear("read"))["read"] == "ran"


BY_HAND = """
@task
def team(ti):
    print("team has", ti.xcom_pull(task_ids="read")["metrics"])

with DAG("hand") as dag:
    one = PipelineData("one")
    write = PythonScriptStepOperator(task_id="write", workspace=ws, script_name="run.py", source_directory="src/write",
                                     arguments=[one], outputs=[one])
    read = PythonScriptStepOperator(task_id="read", workspace=ws, script_name="run.py", source_directory="src/read",
                                    arguments=[one], inputs=[one])
    read >> team()
"""


def test_operators_by_hand_end_in_success(chain):
    """An operator by hand decides in its own task, so that no task behind it is skipped; cleared, it runs."""
    chain.run(BY_HAND)

    ran = chain.run(BY_HAND)

    assert set(ran.tasks.values()) == {"success"}, ran.log
    assert decisions(ran) == dict.fromkeys(("write", "read"), "reused")
    assert "team has {'sum': 1}" in ran.log
    assert decisions(ran.clear("read"))["read"] == "ran"
