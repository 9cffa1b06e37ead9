"""Steps that copy, as tasks: of a translated pipeline, and written by hand."""

from __future__ import annotations

import pytest

from airflow_ml.core import Workspace

pytestmark = pytest.mark.airflow

ENDS = """
ends = dict(
    source_data_reference=DataReference(Datastore.get(ws, "workspaceblobstore"), "source", "raw"),
    destination_data_reference=DataReference(Datastore.get(ws, "workspacefilestore"), "copied", "copied"),
    compute_target=ComputeTarget.create(ws, "adf", DataFactoryCompute.provisioning_configuration()),
)
"""

TRANSLATED = """
copy = DataTransferStep("copy", **ends)
read = step("read.py", copy.get_output(), name="read", inputs=[copy.get_output()])
dag = Pipeline(ws, [read]).to_dag("translated")
"""

BY_HAND = """
with DAG("by_hand") as dag:
    copy = DataTransferStepOperator(task_id="copy", workspace=ws, **ends)
    read = PythonScriptStepOperator(task_id="read", workspace=ws, script_name="read.py", source_directory="src",
                                    arguments=[copy.get_output()], inputs=[copy.get_output()])
"""


@pytest.fixture
def raw(dags):
    """Put a file where it is copied from, and write the script that reads the copy."""
    folder = Workspace.get("w").registry().home.store("workspaceblobstore") / "raw"
    folder.mkdir(parents=True)
    (folder / "a.txt").write_text("hello")
    dags.script("read.py", "import os, sys; print('read', os.listdir(sys.argv[1]))")
    return dags


@pytest.mark.parametrize("source", [TRANSLATED, BY_HAND])
def test_copy_runs_before_its_reader(raw, source):
    """The reader stands behind the copy and gets it; the run says what kind of step it was."""
    ran = raw.run(ENDS + source)

    assert ran.state == "success", ran.log
    assert "read ['a.txt']" in ran.log
    (copy,) = [run for run in ran.pipeline.get_steps() if run.name == "copy"]
    assert copy.properties["StepType"] == "DataTransferStep"
    assert "copied 1 files, 5 bytes" in ran.log


def test_second_run_copies_nothing(raw):
    """Unchanged data is not copied again, and the reader is reused with it."""
    raw.run(ENDS + TRANSLATED)

    ran = raw.run(ENDS + TRANSLATED)

    assert ran.tasks["copy"] == ran.tasks["read"] == "skipped", ran.log
