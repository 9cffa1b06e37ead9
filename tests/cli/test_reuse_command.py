"""`airflow-ml reuse list | explain | invalidate`."""

import io
import json
import sys
from datetime import datetime, timezone

import pytest

from airflow_ml.cli.main import main
from airflow_ml.core import Workspace
from airflow_ml.registry import NewResult, OutputRecord, Registry, RunInputRecord

NOW = datetime(2026, 1, 2, 3, 4, tzinfo=timezone.utc)
DATASET = {"kind": "file", "sources": [{"datastore": "workspaceblobstore", "path": "raw/"}]}


@pytest.fixture
def registry(folder) -> Registry:
    """Open the registry of the workspace `ml`."""
    return Workspace.get("ml").registry()


@pytest.fixture
def result(registry: Registry):
    """Return a function that records a completed step run with a result of 2,500 bytes; it gives the run's id."""
    pipeline = registry.runs.create("first", "digits", kind="pipeline", status="Running")

    def record(step: str, version: str = "1", *, dataset: str | None = None, pipeline_name: str = "digits") -> str:
        run = registry.runs.create("first", step, kind="step", status="Running", parent_id=pipeline.id, node_id=step)
        output = OutputRecord(run.id, "out", "pipeline_data", "blobs", "o", True, "d", "m", 1, 2500, NOW)
        records = [["step", "version", version], ["variable", "API_KEY", {"secret": "0123"}]]
        if dataset is not None:
            registry.inputs.record(run.id, [RunInputRecord(run.id, "raw", "mount", "dataset", dataset_id=dataset)])
        registry.runs.set_details(run.id, {"reuse": {"decision": "ran", "reason": f"ran: version {version}"}})
        new = NewResult(f"fingerprint {step} {version}", step, pipeline_name, records)
        registry.runs.finish_step(run.id, status="Completed", outputs=[output], result=new)
        return run.id

    return record


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]):
    """Return what runs the command in this process and gives its standard output."""

    def run(*arguments: str, code: int = 0) -> str:
        assert main(["reuse", *arguments]) == code
        return capsys.readouterr()[code // 2]

    return run


def test_results_are_listed_newest_first(call, result):
    """A row says run, step, pipeline, time, how often it was reused, size and state."""
    old, new = result("prepare"), result("train")

    header, _, first, second = call("list").splitlines()

    assert header.split() == ["run", "step", "pipeline", "recorded", "reused", "size", "state"]
    assert first.split()[:3] == [new, "train", "digits"]
    assert first.split()[5:] == ["0", "times", "2.5", "KB", "valid"]
    assert second.startswith(old)


def test_results_are_listed_of_a_step_and_a_pipeline(call, result):
    """Both limits hold together, and `--limit` takes the newest."""
    result("a"), result("b", pipeline_name="q"), result("a", pipeline_name="q")

    documents = json.loads(call("list", "--pipeline", "q", "--step", "a", "--json"))["results"]

    assert [(item["workspace"], item["step"], item["pipeline"], item["state"]) for item in documents] == [
        ("ml", "a", "q", "valid")
    ]
    assert [item["step"] for item in json.loads(call("list", "--limit", "1", "--json"))["results"]] == ["a"]


def test_a_pipelines_run_is_explained_step_by_step(call, registry, result):
    """What was recorded of each decision is a line, in the order in which the steps began."""
    first, _ = result("prepare"), result("train", "2")

    title, *lines = call("explain", str(registry.runs.get(first).parent_id)).splitlines()

    assert title.endswith("of experiment 'first': Running")
    assert lines == ["  prepare  ran: version 1", "  train    ran: version 2"]


def test_a_steps_run_is_explained_by_its_records(call, result):
    """What its result is compared by, without secrets, and how the result before it differed."""
    earlier, run_id = result("train", "1"), result("train", "2")

    out = call("explain", run_id)

    assert "  step version      '2'" in out
    assert "  variable API_KEY  (secret)" in out
    assert out.splitlines()[-2].startswith(f"against run {earlier} (")
    assert out.splitlines()[-1] == "  version 1 -> 2"


def test_a_run_without_a_result_says_so(call, registry):
    """A step that failed offers nothing."""
    run = registry.runs.create("first", "train", kind="step", status="Running")
    registry.runs.finish_step(run.id, status="Failed", error={"message": "no"})

    assert call("explain", run.id).splitlines()[-1] == "  its result is not offered to later runs"


def test_a_result_that_is_withheld_says_why(call, registry):
    """What kept a completed step's result from later runs stands behind it."""
    details = {"reuse": {"decision": "ran", "reason": "ran", "withheld": "input raw changed while the step ran"}}
    run = registry.runs.create("first", "train", kind="step", status="Running", details=details)
    registry.runs.finish_step(run.id, status="Completed")

    last = call("explain", run.id).splitlines()[-1]

    assert last == "  its result is not offered to later runs: input raw changed while the step ran"


def test_runs_that_are_nobodys_steps_are_not_explained(call, registry):
    """Only steps of pipelines are reused."""
    run = registry.runs.create("first", "script", kind="script")

    assert "only steps of pipelines are reused" in call("explain", run.id, code=2)
    assert "there is no run 'nothing'" in call("explain", "nothing", code=2)


def test_results_are_invalidated_by_step_run_and_fingerprint(call, registry, result):
    """How many is said, the reason is shown, and nobody finds them any more."""
    runs = [result("a"), result("b"), result("c")]

    for limit, value in (("--step", "a"), ("--run", runs[1]), ("--fingerprint", "fingerprint c 1")):
        out = call("invalidate", limit, value, "--reason", "bad labels", "--yes")
        assert out == "1 result of workspace 'ml' invalidated\n"

    assert call("list").count("invalidated: bad labels") == 3
    assert list(registry.results.find("fingerprint a 1")) == []


def test_results_of_a_dataset_are_invalidated(call, registry, result):
    """All versions of the name, or one of them."""
    ids = []
    for path in ("raw/1/", "raw/2/"):
        definition = {**DATASET, "sources": [{"datastore": "workspaceblobstore", "path": path}]}
        ids.append(registry.datasets.register("raw", definition, create_new_version=True).id)
    result("a", dataset=ids[0]), result("b", dataset=ids[1]), result("c")

    assert call("invalidate", "--dataset", "raw@1", "--reason", "x", "--yes").startswith("1 result ")
    assert call("invalidate", "--dataset", "raw", "--reason", "x", "--yes").startswith("1 result ")
    assert call("list").count("invalidated") == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "say which results"),
        (["--all", "--step", "a"], "--all and --step contradict each other"),
        (["--all"], "give --yes"),
        (["--dataset", "nothing", "--yes"], "no dataset 'nothing'"),
    ],
)
def test_invalidating_needs_to_know_what(call, result, arguments, words):
    """Nothing is invalidated by accident."""
    result("a")

    assert words in call("invalidate", "--reason", "x", *arguments, code=2)
    assert "invalidated" not in call("list")


def test_invalidating_needs_a_reason(call, result):
    """An empty reason would be all that later runs could say."""
    result("a")

    assert "--reason says nothing" in call("invalidate", "--all", "--reason", " ", "--yes", code=2)
    assert "invalidated" not in call("list")


def test_who_is_asked_can_say_no(call, result, monkeypatch: pytest.MonkeyPatch):
    """At a terminal there is a question; anything but yes changes nothing."""
    result("a")

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", Terminal("no\n"))
    assert "nothing was changed" in call("invalidate", "--all", "--reason", "x", code=2)
    monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
    assert "1 result of workspace 'ml' invalidated" in call("invalidate", "--all", "--reason", "x")


def test_of_several_workspaces_one_is_named(call, result):
    """Invalidating never goes over all workspaces of a machine."""
    Workspace.create("other", show_output=False)

    assert "give --workspace" in call("invalidate", "--all", "--reason", "x", "--yes", code=2)
