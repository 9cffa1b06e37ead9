import json
from pathlib import Path

import pytest

SCRIPT = """
    import math
    from azureml.core import Run
    from azureml.core.run import _SubmittedRun

    run = Run.get_context()
    assert run is Run.get_context() and isinstance(run, _SubmittedRun) and isinstance(run, Run)
    assert (run.id, run.name, run.parent.id) == ("run-1", "train", "pipeline-1")
    assert (run.experiment.name, run.experiment.workspace.name) == ("digits", "team")
    for epoch in range(3):
        run.log("loss", 1 / (epoch + 1))
    run.log("Final test loss", 0.25)
    run.log_list("sizes", range(3))
    run.log_row("rows", x=1, y="a")
    run.log_row("rows", x=2, y="b")
    run.log_table("table", {"x": [1, 2], "y": [3, 4]})
    run.log("nan", math.nan)
    metrics = run.get_metrics()
    assert math.isnan(metrics.pop("nan"))
    assert metrics == {
        "loss": [1.0, 0.5, 1 / 3], "Final test loss": 0.25, "sizes": [0, 1, 2],
        "rows": {"x": [1, 2], "y": ["a", "b"]}, "table": {"x": [1, 2], "y": [3, 4]},
    }, metrics
    assert run.get_metrics("no such") == {}
    run.tag("kind", "good"); run.tag("gone"); run.remove_tags("gone"); run.tag("bare")
    assert run.get_tags() == {"given": "yes", "kind": "good", "bare": ""}
    assert run.child_run().name == run.name and run.child_run("own").child_run().name == "own"
    run.complete(); run.fail("not really")
    assert run.get_status() == "Running"
    print("done")
"""


def test_metrics_and_tags_on_each_python(step, python):
    """A script logs and reads back the same on every supported interpreter."""
    step.python = python

    assert step.run(SCRIPT).stdout == "done\n"

    assert [event["event"] for event in step.events()][-1] == "closed"
    assert [event["value"] for event in step.events("metric") if event["name"] == "loss"] == [1.0, 0.5, 1 / 3]


def test_both_names(step):
    """The same classes are found under airflow_ml and azureml."""
    step.run("""
        from airflow_ml.core import Run
        from airflow_ml.exceptions import UserErrorException
        import azureml.core, azureml.exceptions
        assert azureml.core.Run is azureml.core.run.Run is Run
        assert azureml.exceptions.UserErrorException is UserErrorException
    """)


def test_no_site_packages(step, python):
    """The library needs the standard library alone."""
    step.python = python

    step.run("from azureml.core import Run, Dataset, Model, Workspace; Run.get_context().log('a', 1)", "-S")

    assert len(step.events("metric")) == 1


def test_events_are_live(step):
    """A metric is in the event file when `log` returns, not when the script ends."""
    step.run("import os; from azureml.core import Run; Run.get_context().log('a', 1); os._exit(9)", check=False)

    assert [event["event"] for event in step.events()] == ["metric"]


@pytest.mark.parametrize("value", ["[1, 2]", "range(3)", "(i for i in [1])"])
def test_log_takes_one_value(step, value):
    """A list, range or generator given to `log` is the script's error, which names the metric (v1)."""
    done = step.run(f"from azureml.core import Run; Run.get_context().log('bad one', {value})", check=False)

    assert "UserErrorException: scalar metric 'bad one': " in done.stderr
    assert step.events("metric") == []


def test_numpy_values(step):
    """Numpy's scalars and arrays become plain numbers."""
    step.run("""
        import numpy as np
        from azureml.core import Run
        run = Run.get_context()
        for value in (np.float32(0.5), np.int64(2), np.bool_(True), np.array([7]), np.float64(1.5)):
            run.log("one", value)
        run.log_list("many", np.array([1.5, 2.5]))
        run.log_table("table", {"x": np.array([1, 2])})
    """)

    values = [event["value"] for event in step.events("metric")]
    assert values == [0.5, 2, True, 7, 1.5, [1.5, 2.5], {"x": [1, 2]}]


def test_table_of_unequal_columns(step):
    """A table's columns are of one length; the error gives the lengths."""
    done = step.run(
        "from azureml.core import Run; Run.get_context().log_table('t', {'x': [1], 'y': [1, 2]})", check=False
    )

    assert "columns are of different lengths {'x': 1, 'y': 2}" in done.stderr


def test_documents_are_artifacts_too(step):
    """A confusion matrix is given as dict or text of JSON, and is an artifact of its name as well (v1)."""
    script = """
        import json
        from azureml.core import Run
        value = {"schema_type": "confusion_matrix", "schema_version": "v1", "data": {"matrix": [[1, 0], [0, 1]]}}
        run = Run.get_context()
        run.log_confusion_matrix("cm", value)
        run.log_confusion_matrix("cm", json.dumps(value))
        assert run.get_metrics() == {"cm": value} and run.get_file_names() == ["cm"]
        run.download_file("cm", "back.json")
        assert json.load(open("back.json")) == value
        run.log_residuals("r", "{")
    """

    done = step.run(script, check=False)

    assert "residuals metric 'r': the text is not JSON" in done.stderr


def test_properties_never_change(step):
    """A property may be added again with the same value, not with another one."""
    done = step.run(
        "from azureml.core import Run; run = Run.get_context(); run.add_properties({'fixed': '1', 'new': 'a'});"
        "assert run.properties['new'] == 'a'; run.add_properties({'new': 'b'})",
        check=False,
    )

    assert "property 'new' is 'a' and cannot become 'b'" in done.stderr


def test_child_runs(step):
    """Child runs have their own metrics and end by the block that holds them."""
    step.run("""
        from azureml.core import Run
        run = Run.get_context()
        with run.child_run("good") as good:
            good.log("score", 1)
        try:
            with run.child_run("bad") as bad:
                raise ValueError("no luck")
        except ValueError:
            pass
        assert [(c.name, c.get_status()) for c in run.get_children()] == [("bad", "Failed"), ("good", "Completed")]
        assert [c.name for c in run.get_children(status="Completed")] == ["good"]
        assert run.get_metrics(recursive=True) == {run.id: {}, good.id: {"score": 1}, bad.id: {}}
        assert good.parent is run
        assert [c.get_tags()["k"] for c in run.create_children(tag_key="k", tag_values="ab")] == ["a", "b"]
    """)

    assert [(event["status"], event["error"]) for event in step.events("status")] == [
        ("Completed", None),
        ("Failed", "ValueError: no luck"),
    ]


def test_too_many_children(step):
    """More than 100 children at once are an error before any is made."""
    done = step.run("from azureml.core import Run; list(Run.get_context().create_children(101))", check=False)

    assert "create_children: 101 at once, expected at most 100" in done.stderr
    assert step.events("child") == []


def test_parent_over_the_channel(step):
    """The parent's record and metrics are asked of the operator; what is logged there carries its id."""
    record = {"id": "pipeline-1", "name": "flow", "number": 7, "experiment": "digits", "parent_id": None}
    record.update(kind="pipeline", status="Running", tags={}, properties={})
    step.handlers["run.get"] = lambda params: record if params["id"] == "pipeline-1" else None
    step.handlers["run.metrics"] = lambda params: {"best": 1, "asked": params["recursive"]}

    step.run("""
        from azureml.core import Run
        run = Run.get_context()
        parent = run.parent
        assert Run.get(run.experiment.workspace, "run-1") is run
        assert Run.get(run.experiment.workspace, "pipeline-1").id == parent.id
        assert (parent.name, parent.number, parent.get_status(), parent.parent) == ("flow", 7, "Running", None)
        assert parent.get_metrics(recursive=True) == {"best": 1, "asked": True}
        parent.log("chosen", "svm")
    """)

    assert [(event["run"], event["name"]) for event in step.events("metric")] == [("pipeline-1", "chosen")]


def test_a_script_of_its_own(step):
    """The run of a script that was submitted by itself is a script's, below nothing or below the run that submitted."""
    run = {
        "id": "run-1",
        "name": "train",
        "number": 1,
        "experiment": "digits",
        "experiment_id": "e-1",
        "kind": "script",
    }
    step.write(run={**run, "parent_id": "p", "root_id": "p", "attempt": 1})

    step.run("""
        from azureml.core import Run
        from azureml.pipeline.core import PipelineRun
        run = Run.get_context()
        assert (run.type, run.parent.id, isinstance(run.parent, PipelineRun)) == ("azureml.scriptrun", "p", False)
    """)


def test_ends(step):
    """A script can cancel its pipeline's run and not itself, and cannot complete what it did not start."""
    record = {"id": "pipeline-1", "parent_id": None, "experiment": "digits", "tags": {}, "properties": {}}
    step.handlers["run.get"] = lambda params: record
    done = step.run(
        """
        from azureml.core import Run
        run = Run.get_context()
        run.cancel(); run.complete(); run.flush()
        with run: pass
        run.parent.cancel()
        run.parent.complete()
        """,
        check=False,
    )

    assert (
        "NotSupportedError: run 'pipeline-1': only the runs that a script starts itself are its to end" in done.stderr
    )
    assert [(event["run"], event["status"]) for event in step.events("status")] == [("pipeline-1", "CancelRequested")]


def test_datasets_are_one_object(step):
    """`input_datasets` is one dict per process, into which scripts put datasets of their own."""
    step.run("""
        from azureml.core import Run
        run = Run.get_context()
        run.input_datasets["mine"] = 3
        assert Run.get_context().input_datasets["mine"] == 3
        assert run.output_datasets is run.output_datasets
    """)


def test_counted_children(step):
    """Children by count are a list, and have their number as v1's tag."""
    step.run("""
        from azureml.core import Run
        children = Run.get_context().create_children(count=2)
        assert [child.tags for child in children] == [{"azureml.batch_child_number": str(n)} for n in (0, 1)]
        assert children[0].type is None and children[0].get_status() == "Running"
    """)


def test_details(step):
    """`get_details` has v1's keys and the datasets that are inputs."""
    definition = {"kind": "file", "sources": []}
    dataset = {"id": "d-1", "name": None, "version": None, "definition": definition}
    step.write(inputs={"raw": {"mode": "mount", "kind": "file", "path": "/x", "dataset": dataset}})
    record = {"id": "run-1", "status": "Running", "target": "cpu", "started_at": "2026-01-01T00:00:00+00:00"}
    step.handlers["run.get"] = lambda params: record

    step.run("""
        from azureml.core import Run
        details = Run.get_context().get_details()
        assert (details["runId"], details["target"], details["properties"]) == ("run-1", "cpu", {"fixed": "1"})
        used = details["inputDatasets"][0]
        assert used["dataset"].id == "d-1" and used["consumptionDetails"]["mechanism"] == "Mount"
    """)


def test_workspace_side_members(step):
    """A member of v1's Run that needs the workspace's side says so, and `hasattr` says no."""
    done = step.run(
        "from azureml.core import Run; r = Run.get_context(); assert not hasattr(r, 'submit_child'); r.submit_child(1)",
        check=False,
    )

    assert "Run.submit_child is not available inside a step; make it a step of the pipeline" in done.stderr


def test_display_name_and_description(step):
    """Setting them writes events and is seen at once."""
    step.run("""
        from azureml.core import Run
        run = Run.get_context()
        assert run.display_name == "train"
        run.display_name, run.description = "Training", "first try"
        assert (run.display_name, run.description) == ("Training", "first try")
    """)

    assert [event["value"] for event in step.events() if event["event"] != "closed"] == ["Training", "first try"]


def test_other_protocol(step):
    """A context of another protocol version is refused, and the error names both versions."""
    step.write(protocol=7)

    done = step.run("from azureml.core import Run; Run.get_context()", check=False)

    assert "the operator speaks step protocol 7, this step's library protocol 1" in done.stderr


def test_unreadable_context(step):
    """A context that is not JSON is an error that names the file."""
    Path(step.directory.context).write_text("{")

    done = step.run("from azureml.core import Run; Run.get_context()", check=False)

    assert "context.json: the context cannot be read" in done.stderr


def test_odd_names(step):
    """Names with spaces, unicode, percent signs and quotes come through as they are."""
    name = 'żółć "%s" #+\n\t\ud800'

    step.run(f"from azureml.core import Run; Run.get_context().log(*{json.dumps([name, name])})")

    (event,) = step.events("metric")
    assert (event["name"], event["value"]) == (name, name)
