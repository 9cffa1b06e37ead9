"""Operators written by hand into a DAG: `PythonScriptStepOperator` and `DatasetInputOperator`."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_ml.core import Dataset, Workspace

pytestmark = pytest.mark.airflow

CHAIN = """
data = PipelineData("data")
with DAG("chain") as dag:
    write = PythonScriptStepOperator(task_id="write", workspace=ws, script_name="write.py", source_directory="src",
                                     arguments=[data], outputs=[data])
    read = PythonScriptStepOperator(task_id="read", workspace=ws, script_name="read.py", source_directory="src",
                                    arguments=[data, PipelineParameter("word", "x")], inputs=[data])
"""


@pytest.fixture
def chain(dags):
    """Write the scripts of two operators."""
    dags.script("write.py", "import sys; open(sys.argv[1], 'w').write('hello')")
    dags.script("read.py", "import sys; print('read', open(sys.argv[1]).read(), sys.argv[2])")
    return dags


def test_data_passes_between_two_operators(chain):
    """An operator that reads another one's output stands behind it; both are steps of one pipeline run."""
    ran = chain.run(CHAIN, conf={"word": "y"})

    assert ran.state == "success", ran.log
    assert "read hello y" in ran.log
    assert ran.pipeline.get_status() == "Finished"
    assert [run.name for run in ran.pipeline.get_steps()] == ["read", "write"]
    assert ran.pipeline.experiment.name == "chain"


def test_an_operator_leases_its_devices(dags):
    """`gpus` gives the operator's script so many devices of the worker's machine, and the task takes as many slots."""
    dags.environment["AIRFLOW_ML_DEVICES"] = "fake:4"
    dags.script("train.py", "import os; print('sees', os.environ['CUDA_VISIBLE_DEVICES'])")

    ran = dags.run(
        """
        from airflow_ml.core.compute import AmlCompute
        ComputeTarget.create(ws, "gpu", AmlCompute.provisioning_configuration("STANDARD_NC24", max_nodes=1))
        with DAG("leases") as dag:
            train = PythonScriptStepOperator(task_id="train", workspace=ws, script_name="train.py", gpus=2,
                                             source_directory="src", compute_target="gpu")
            assert (train.pool, train.pool_slots) == ("gpu", 2)
        """
    )

    assert ran.state == "success", ran.log
    assert "sees fake-0,fake-1" in ran.log


def test_a_failing_operator_fails_its_run(chain):
    """A script's failure is not tried again, and the run that the operators share has failed."""
    chain.script("write.py", "raise SystemExit(3)")

    ran = chain.run(CHAIN)

    assert ran.tasks == {"write": "failed", "read": "upstream_failed"}
    assert ran.answer["tries"]["write"] == 1
    assert ran.pipeline.get_status() == "Failed"
    assert "step 'write'" in ran.pipeline.get_details()["error"]["error"]["message"]


def test_clearing_a_mended_operator_completes_the_run(chain, tmp_path):
    """After a failed operator was mended and cleared, the run that they share is complete."""
    flag = tmp_path / "flag"
    chain.script("read.py", f"import os, sys; os.path.exists({str(flag)!r}) or sys.exit(1)")
    ran = chain.run(CHAIN)
    assert ran.pipeline.get_status() == "Failed"
    flag.touch()

    again = ran.clear("read")

    assert again.state == "success"
    assert again.pipeline.get_status() == "Finished"


def test_a_canceled_run_stays_canceled(chain):
    """When somebody cancels the shared run while a script runs, the next operator does not start."""
    chain.script(
        "write.py",
        """
        import os, signal, subprocess, sys
        from azureml.core import Run
        outside = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        cancel = (
            "import sys; from airflow_ml.core import Workspace; from airflow_ml.pipeline.core import PipelineRun;"
            "PipelineRun.get(Workspace.get('w'), sys.argv[1]).cancel()"
        )
        subprocess.run([sys.executable, "-c", cancel, Run.get_context().parent.id], env=outside, check=True)
        signal.pause()
        """,
    )

    ran = chain.run(CHAIN + "\n    read.trigger_rule = 'all_done'")

    assert ran.pipeline.get_status() == "Canceled", ran.log
    assert ran.tasks["read"] == "skipped"


@pytest.mark.parametrize(
    ("broken", "words"), [("script", "script not found"), ("compute", "'gpu-9' is not in workspace")]
)
def test_what_is_missing_is_an_error_in_words(chain, broken, words):
    """A script or compute target that is not there is one error, in the log and in a pipeline run."""
    if broken == "compute":
        source = CHAIN.replace("script_name", "compute_target='gpu-9', script_name")
    else:  # there when the file is read, and gone when the task starts
        lose = f"import pathlib\nlose = lambda context: pathlib.Path({str(chain.folder / 'write.py')!r}).unlink()\n"
        source = lose + CHAIN.replace('task_id="write"', 'task_id="write", pre_execute=lose')

    ran = chain.run(source)

    assert ran.tasks["write"] == "failed"
    assert words in ran.log
    assert words in ran.pipelines[0].get_details()["error"]["error"]["message"]


DATASET = """
with DAG("dataset") as dag:
    given = DatasetInputOperator(task_id="given", workspace=ws, dataset="{name}", target_path={target})
    read = PythonScriptStepOperator(task_id="read", workspace=ws, script_name="read.py", source_directory="src",
                                    arguments=[given.as_input("raw").as_mount()])
"""


@pytest.fixture
def named(dags):
    """Register two versions of a dataset, and write a script that reads its file."""
    store = Workspace.get("w").get_default_datastore()
    for version in ("one", "two"):
        Path(dags.folder, "t.txt").write_text(version)
        store.upload_files([str(dags.folder / "t.txt")], target_path=version)
        Dataset.File.from_files((store, f"{version}/t.txt")).register(
            Workspace.get("w"), "words", create_new_version=True
        )
    dags.script("read.py", "import sys; print('read', open(sys.argv[1]).read())")
    return dags


@pytest.mark.parametrize(("name", "text"), [("words", "two"), ("words@1", "one"), ("dataset://words@2", "two")])
def test_a_dataset_is_pinned_and_handed_on(named, name, text):
    """The task resolves the dataset once; the step behind it reads that version."""
    ran = named.run(DATASET.format(name=name, target=None))

    assert ran.state == "success", ran.log
    assert f"read {text}" in ran.log
    assert ran.answer["xcoms"]["given:return_value"]["files"] == 1
    assert ran.answer["xcoms"]["given:return_value"]["dataset"].startswith("dataset://words@")


def test_a_dataset_can_be_copied_for_other_tasks(named, tmp_path):
    """With a target path the files are copied there for tasks that are no steps."""
    ran = named.run(DATASET.format(name="words", target=repr(str(tmp_path / "copy"))))

    assert Path(ran.answer["xcoms"]["given:return_value"]["path"]).read_text() == "two"


def test_an_unknown_dataset_fails_at_once(named):
    """A name that is not registered fails without a retry and is named."""
    ran = named.run(DATASET.format(name="nothing", target=None))

    assert ran.tasks == {"given": "failed", "read": "upstream_failed"}
    assert "'nothing'" in ran.log
    assert ran.answer["tries"]["given"] == 1


def test_operators_in_task_groups_keep_apart(chain):
    """In task groups the ids have the groups' names in front, and equal names do not meet."""
    source = """
with DAG("groups") as dag:
    for name in ("one", "two"):
        with TaskGroup(name):
            data = PipelineData("data")
            PythonScriptStepOperator(task_id="write", workspace=ws, script_name="write.py", source_directory="src",
                                     arguments=[data], outputs=[data])
            PythonScriptStepOperator(task_id="read", workspace=ws, script_name="read.py", source_directory="src",
                                     arguments=[data, name], inputs=[data])
"""
    ran = chain.run(source)

    assert ran.state == "success", ran.log
    assert "read hello one" in ran.log
    assert "read hello two" in ran.log
    assert len(list(ran.pipeline.get_steps())) == 4
