import ast
import json
import sys
from pathlib import Path

import jsonschema
import pytest

import airflow_ml.runtime
from airflow_ml.runtime import protocol
from airflow_ml.runtime.events import EventWriter

RUNTIME = Path(airflow_ml.runtime.__file__).parent
SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "step-protocol.schema.json").read_text())

EVERYTHING = """
    from azureml.core import Run
    run = Run.get_context()
    open("a.png", "w").close()
    run.log("a", 1, step=3); run.log("s", "text"); run.log("b", True)
    run.log_list("l", [1]); run.log_row("r", x=1, y=None); run.log_table("t", {"x": [1]}); run.log_table("t", {"x": 1})
    run.log_image("i", path="a.png", description="d")
    for kind in ("confusion_matrix", "residuals", "predictions", "accuracy_table"):
        getattr(run, "log_" + kind)(kind, {"schema_type": kind, "schema_version": "v1", "data": {}})
    run.tag("k"); run.tag("k", "v"); run.remove_tags(["k"]); run.add_properties({"p": "v"})
    run.display_name = "d"; run.description = "d"
    with run.child_run(): pass
    run.child_run("c").fail("why", error_code="E1"); run.child_run().cancel()
"""


def against(part):
    """Return a validator for one part of the schema."""
    return jsonschema.Draft202012Validator({**SCHEMA, "$ref": f"#/$defs/{part}"})


def test_every_event_is_in_the_schema(step):
    """Whatever a script can report has the schema's form, and a script can report every event there is."""
    step.run(EVERYTHING)

    for event in step.events():
        against("event").validate(event)
    assert {event["event"] for event in step.events()} == set(protocol.EVENTS)


def test_schema_names_the_same_events():
    """The schema and the protocol module list the same events and the same version."""
    events = SCHEMA["$defs"]["event"]["oneOf"]

    assert sorted(event["properties"]["event"]["const"] for event in events) == list(protocol.EVENTS)
    assert SCHEMA["$defs"]["context"]["properties"]["protocol"]["const"] == protocol.VERSION


def test_schema_refuses_unknown_fields(step):
    """A misspelt field does not pass the schema."""
    EventWriter(step.directory.events).write("run-1", "tag", key="k", valeu="v")

    assert not against("event").is_valid(step.events()[0])


def test_context_of_the_tests_is_in_the_schema(step):
    """The contexts that these tests write have the schema's form."""
    against("context").validate(json.loads(Path(step.directory.context).read_text()))


@pytest.mark.parametrize("mode", ["mount", "direct"])
def test_schema_of_inputs(mode):
    """A mounted input needs a path, a direct one a dataset."""
    given = {"mode": mode, "kind": "file", "dataset": None}

    assert not against("input").is_valid(given)
    assert against("input").is_valid({**given, "mode": "download", "path": "/x"})


def test_run_directory_names(tmp_path):
    """The run directory's parts have fixed names, and paths outside of it are told from those inside."""
    directory = protocol.RunDirectory(tmp_path)
    (tmp_path / "link").symlink_to("/")

    assert directory.log == str(tmp_path / "user_logs" / "std_log.txt")
    assert directory.contains(directory.uploads)
    assert not directory.contains(str(tmp_path / "link" / "etc"))
    assert not directory.contains(f"{tmp_path}-other/file")


@pytest.mark.parametrize(
    "source", [*sorted(RUNTIME.glob("*.py")), RUNTIME.parent / "_late.py"], ids=lambda path: path.stem
)
def test_imports_nothing_but_the_standard_library(source):
    """A module of the runtime imports the standard library, the runtime, `_late`, the errors and the version alone."""
    allowed = {"airflow_ml._late", "airflow_ml.exceptions", "airflow_ml._version", "airflow_ml", "pandas", "pyarrow"}
    tree = ast.parse(source.read_text(), feature_version=(3, 8))
    names = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]

    strangers = [name for name in names if name.split(".")[0] not in sys.stdlib_module_names]
    assert [name for name in strangers if not name.startswith("airflow_ml.runtime") and name not in allowed] == []
