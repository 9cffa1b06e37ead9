"""Mapped steps: `PythonScriptStepOperator.partial(...).expand(...)`."""

from __future__ import annotations

import json

import pytest

from airflow_ml.core import Dataset, Workspace

pytestmark = pytest.mark.airflow

#: Writes its number where the first argument says, and logs it.
TRAIN = """
import sys
from azureml.core import Run
out, number = sys.argv[1:]
open(out, "w").write(number)
Run.get_context().log("number", int(number))
"""

PARTIAL = """
model = PipelineData("model")
def mapped(**more):
    return PythonScriptStepOperator.partial(
        task_id="train", workspace=ws, source_directory="src",
        **{"script_name": "train.py", "arguments": [model], "outputs": [model], **more},
    )
"""

IN_FILE = PARTIAL + 'with DAG("mapped") as dag:\n    mapped().expand(arguments=VALUES)'

HANDED_ON = (
    PARTIAL
    + """
with DAG("mapped") as dag:
    @task
    def numbers():
        return VALUES
    mapped().expand(arguments=numbers())
"""
)

KWARGS = (
    PARTIAL
    + """
with DAG("mapped") as dag:
    mapped().expand_kwargs([{"arguments": item} for item in VALUES])
"""
)


def of(source: str, values: list[list[str]]) -> str:
    """Return the source of a DAG whose step is mapped over these arguments."""
    return source.replace("VALUES", repr(values))


@pytest.fixture
def train(dags):
    """Write the script of a mapped step."""
    dags.script("train.py", TRAIN)
    return dags


def steps_of(ran):
    """Return the steps of the newest pipeline run, by node."""
    return {step.node_id: step for step in Workspace.get("w").registry().runs.steps(ran.pipelines[-1].id)}


def decisions(ran) -> dict[str, str]:
    """Return what became of each step of the newest pipeline run, by node."""
    return {name: step.details["reuse"]["decision"] for name, step in steps_of(ran).items()}


def numbers(ran) -> dict[str, int]:
    """Return what each mapped task handed on."""
    return {
        name.removesuffix(":return_value"): value["metrics"]["number"]
        for name, value in ran.answer["xcoms"].items()
        if name.endswith("]:return_value")
    }


@pytest.mark.parametrize("source", [IN_FILE, HANDED_ON, KWARGS])
def test_a_mapped_step_is_reused_by_its_values(train, source):
    """Each value is a step with a run of its own; what ran before is reused, in whatever order it comes."""
    first = train.run(of(source, [["1"], ["2"]]))
    assert first.state == "success", first.log
    assert decisions(first) == {"train[0]": "ran", "train[1]": "ran"}
    assert numbers(first) == {"train[0]": 1, "train[1]": 2}
    assert first.pipeline.get_status() == "Finished"

    ran = train.run(of(source, [["2"], ["7"], ["1"]]))

    assert ran.state == "success", ran.log
    assert decisions(ran) == {"train[0]": "reused", "train[1]": "ran", "train[2]": "reused"}
    assert numbers(ran) == {"train[0]": 2, "train[1]": 7, "train[2]": 1}
    assert {ran.tasks[task] for task in numbers(ran)} == {"success"}
    assert "argument 2 '1' -> '7'" in ran.log or "argument 2 '2' -> '7'" in ran.log


def test_a_value_that_comes_twice_is_computed_once(train):
    """Of two equal values in one run whichever starts later takes the result; each has its link and its run."""
    ran = train.run(of(IN_FILE, [["1"], ["1"]]))

    assert sorted(decisions(ran).values()) == ["ran", "reused"]
    steps = steps_of(ran)
    computed, taken = sorted(steps.values(), key=lambda step: step.details["reuse"]["decision"])
    assert taken.properties["azureml.reusedrunid"] == computed.id
    for task, step in steps.items():
        assert ran.answer["xcoms"][f"{task}:airflow_ml_run_link"].endswith(step.id)
        assert step.task_id == "train"
    assert len(list(ran.pipeline.get_steps())) == 2


def test_clearing_one_value_runs_that_one(train):
    """A cleared task of a mapped step runs whatever results there are; the others are left alone."""
    ran = train.run(of(IN_FILE, [["1"], ["2"]]))

    again = ran.clear("train[1]")

    attempts = {name: step.attempt for name, step in steps_of(again).items()}
    assert attempts == {"train[0]": 1, "train[1]": 2}
    assert steps_of(again)["train[1]"].details["reuse"]["reasons"] == ["its task was cleared"]


def test_the_retries_of_a_value_are_its_own(train, tmp_path):
    """An attempt that failed is tried again under its map index; the other values are not touched."""
    flag = tmp_path / "flag"
    train.script(
        "train.py",
        f"import os, sys\nif sys.argv[2] == '2' and not os.path.exists({str(flag)!r}):"
        f"\n    open({str(flag)!r}, 'w').close()\n    sys.exit(1)\nopen(sys.argv[1], 'w').write('x')",
    )
    options = "retry_user_failures=True, retries=1, retry_delay=0"

    ran = train.run(of(IN_FILE.replace("mapped()", f"mapped({options})"), [["1"], ["2"]]))

    assert ran.state == "success", ran.log
    assert {name: step.attempt for name, step in steps_of(ran).items()} == {"train[0]": 1, "train[1]": 2}
    assert ran.pipeline.get_status() == "Finished"


GROUP = (
    PARTIAL
    + """
data = PipelineData("data")
rate = PipelineParameter("rate", 2)
with DAG("group") as dag:
    PythonScriptStepOperator(task_id="write", workspace=ws, script_name="write.py", source_directory="src",
                             arguments=[data], outputs=[data])
    with TaskGroup("each"):
        train = mapped(arguments=[data], inputs=[data], outputs=None).expand(arguments=[["1"], [rate]])
    @task
    def total(results):
        return sum(result["metrics"]["number"] for result in results)
    total(train.output)
"""
)


def test_a_mapped_step_reads_what_stands_in_the_dag(dags):
    """In a task group too it stands behind the producers of its data, takes parameters, and hands on its XComs."""
    dags.script("write.py", "import sys; open(sys.argv[1], 'w').write('10')")
    dags.script("train.py", TRAIN.replace('open(out, "w").write(number)', "number = number + open(out).read()"))

    ran = dags.run(GROUP, conf={"rate": 5})

    assert ran.state == "success", ran.log
    assert set(steps_of(ran)) == {"write", "each.train[0]", "each.train[1]"}
    assert ran.answer["xcoms"]["total:return_value"] == 110 + 510
    assert "parameters: {'rate': 5}" in ran.log


HANDED_DATASET = (
    PARTIAL
    + """
with DAG("dataset") as dag:
    given = DatasetInputOperator(task_id="given", workspace=ws, dataset="words")
    mapped(arguments=[given.as_input("raw").as_mount()], outputs=None).expand(arguments=[["1"]])
"""
)


def test_a_mapped_step_reads_a_dataset_that_a_task_hands_on(dags):
    """The dataset that another task has pinned is an input of each value's step."""
    store = Workspace.get("w").get_default_datastore()
    (dags.folder / "t.txt").write_text("hello")
    store.upload_files([str(dags.folder / "t.txt")], target_path="words")
    Dataset.File.from_files((store, "words/t.txt")).register(Workspace.get("w"), "words")
    dags.script("train.py", "import sys; print('read', open(sys.argv[1]).read(), sys.argv[2])")

    ran = dags.run(HANDED_DATASET)

    assert ran.state == "success", ran.log
    assert "read hello 1" in ran.log


def test_a_value_that_is_no_list_fails_at_once(train):
    """What another task hands on and no step can take fails without a retry, in words; the others run."""
    ran = train.run(HANDED_ON.replace("VALUES", "['x', ['2']]"))

    assert ran.tasks == {"numbers": "success", "train[0]": "failed", "train[1]": "success"}
    assert ran.answer["tries"]["train[0]"] == 1
    assert "arguments of one of its steps are 'x', expected a list" in ran.log


def test_a_mapped_step_waits_for_another_run_that_computes_the_same(train):
    """A value that another run computes at this moment is waited for by rescheduling, which uses up no try."""
    first = train.run(of(IN_FILE, [["1"]]))
    registry = Workspace.get("w").registry()
    fingerprint = steps_of(first)["train[0]"].details["reuse"]["fingerprint"]
    registry.results.invalidate(reason="a test", fingerprint=fingerprint)
    assert registry.fingerprint_leases.acquire(fingerprint, "another", seconds=10) is not None

    ran = train.run(of(IN_FILE, [["1"]]))

    assert "waits: run another computes the same result now" in ran.log
    assert ran.state == "success", ran.log
    assert ran.answer["tries"] == {"train[0]": 1}
    assert decisions(ran) == {"train[0]": "ran"}


def test_a_mapped_step_in_the_serialized_dag(train):
    """Airflow keeps nothing of the values and objects of a mapped step, and the same at each parse."""
    source = (
        PARTIAL
        + 'with DAG("mapped") as dag:\n    mapped(compute_target="gpu").expand(arguments=[["--key", "hush"], ["b"]])'
    )
    first, second = (json.dumps(train.serialize(source)) for _ in range(2))

    assert first == second
    assert "hush" not in first
    assert "0x" not in first
    assert '"pool": "gpu"' in first


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("mapped().expand(script_name=['a.py'])", "'script_name' cannot be mapped.*give it to partial"),
        ("mapped().expand_kwargs([{'compute_target': 'a'}])", "'compute_target' cannot be mapped"),
        ("mapped().expand(arguments=['abc'])", "arguments of one of its steps are 'abc', expected a list"),
        ("mapped(script_name='no.py').expand(arguments=[['1']])", "script not found"),
        ("mapped(pipeline=None).expand(arguments=[['1']])", "'pipeline' cannot be given"),
        (
            "mapped(outputs=[OutputFileDatasetConfig('out', (ws.get_default_datastore(), 'a'))], arguments=None)",
            "output 'out' goes to 'a', the same place for every value",
        ),
        (
            "mapped().expand(arguments=[['1']]); PythonScriptStepOperator(task_id='read', workspace=ws,"
            " script_name='train.py', source_directory='src', arguments=[model], inputs=[model])",
            "input 'model' is output 'model' of the mapped task 'train'",
        ),
    ],
)
def test_what_a_mapped_step_cannot_be_is_said_in_words(train, line, words):
    """What cannot be mapped is an import error that names the task and says what to do."""
    with pytest.raises(AssertionError, match=f"(?s)'train'.*{words}"):
        train.run(PARTIAL + f'with DAG("mapped") as dag:\n    {line}')
