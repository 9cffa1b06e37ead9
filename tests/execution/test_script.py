"""The script's argv and environment."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from airflow_ml.core import Dataset, Environment
from airflow_ml.core.runconfig import RunConfiguration
from airflow_ml.data import OutputFileDatasetConfig
from airflow_ml.pipeline.core import PipelineData, PipelineParameter

DUMP = "import json, os, sys; print(json.dumps([sys.argv[1:], dict(os.environ), os.getcwd()]))"


@pytest.fixture
def dump(script, start):
    """Run a script with these arguments and return its argv, environment and working directory."""

    def run(*arguments: object, opening: dict | None = None, source: str = DUMP, **options: object) -> list:
        started = start(script(source, *arguments, **options), **(opening or {}))
        started.run()
        return [*json.loads(started.log[-1]), started]

    return run


def test_one_item_is_one_argument(dump):
    """Blanks and odd characters stay inside, and everything is text as str() writes it."""
    argv = dump("a  b", "", None, True, 1, 0.5, "{'k': \"v\"}", "ö%#+\n")[0]

    assert argv == ["a  b", "", "None", "True", "1", "0.5", "{'k': \"v\"}", "ö%#+\n"]


def test_variables_are_expanded_inside_longer_text(dump):
    """`$AZUREML_DATAREFERENCE_x` and `$name` stand for the data's path also in the middle of a text."""
    out = PipelineData("out")
    source = "import os; os.makedirs(os.environ['out']);" + DUMP

    argv = dump(f"dataset.path={out}", "${out}/model", "$nothing", "100$", out, outputs=[out], source=source)[0]

    assert argv == [f"dataset.path={argv[4]}", f"{argv[4]}/model", "$nothing", "100$", argv[4]]


def test_values_of_parameters_are_never_expanded(dump):
    """What a person gives as a parameter reaches the script as it is."""
    argv = dump(PipelineParameter("p", "x"), opening={"parameters": {"p": "$HOME"}})[0]

    assert argv == ["$HOME"]


@pytest.mark.parametrize(("given", "text"), [(None, "None"), ("", ""), ("a b", "a b")])
def test_none_and_the_empty_string_are_legal_values(dump, given, text):
    """A string parameter takes None and the empty string."""
    assert dump(PipelineParameter("p", "x"), opening={"parameters": {"p": given}})[0] == [text]


def test_params_are_environment_variables(dump):
    """`params` reach the script as AML_PARAMETER_ variables, other characters replaced."""
    environment = dump(params={"a-b": 1, "rate": PipelineParameter("rate", 0.5)})[1]

    assert environment["AML_PARAMETER_a_b"] == "1"
    assert environment["AML_PARAMETER_rate"] == "0.5"


def test_v1s_variables_are_there(dump):
    """Scripts find run, workspace and experiment in v1's environment variables."""
    _, environment, cwd, started = dump()

    assert environment["AZUREML_RUN_ID"] == started.last().id
    assert environment["AZUREML_ARM_WORKSPACE_NAME"] == "w"
    assert environment["AZUREML_ARM_PROJECT_NAME"] == "e"
    assert {"AZUREML_ARM_SUBSCRIPTION", "AZUREML_ARM_RESOURCEGROUP", "AZUREML_RUN_TOKEN"} <= environment.keys()
    assert {"AZUREML_EXPERIMENT_ID", "AZUREML_WORKSPACE_ID", "AZUREML_SERVICE_ENDPOINT"} <= environment.keys()
    assert Path(cwd).name == "code"


def test_variables_of_data(dump, workspace):
    """Inputs are named as they are, in upper case and behind AZUREML_DATAREFERENCE_; v1's lists say what they are."""
    store = workspace.get_default_datastore()
    Path("t.csv").write_text("a\n1\n")
    store.upload_files(["t.csv"])
    table = Dataset.Tabular.from_delimited_files((store, "t.csv")).as_named_input("table")
    files = Dataset.File.from_files((store, "t.csv")).as_named_input("raw").as_mount()
    out = OutputFileDatasetConfig("made")

    source = "import os; open(os.environ['made'] + '/f', 'w').close();" + DUMP

    environment = dump(table, files, out, source=source)[1]

    assert environment["raw"] == environment["RAW"] == environment["AZUREML_DATAREFERENCE_raw"]
    assert environment["raw"].endswith("/t.csv")
    assert environment["made"] == environment["AZUREML_DATAREFERENCE_made"]
    assert environment["AZUREML_DATASET_ENVIRONMENT_VARS"] == "table:direct,raw:mount"
    assert environment["AZUREML_DATASET_FILE_OUTPUTS"] == "made"


def test_an_input_called_path_does_not_hide_programs(dump, workspace):
    """An input's variable never takes the place of one that is there, nor of one that Python acts on."""
    store = workspace.get_default_datastore()
    data = [Dataset.File.from_files((store, "x")).as_named_input(name) for name in ("path", "home", "pythonpath")]
    Path("x").touch()
    store.upload_files(["x"])

    environment = dump(*(item.as_mount() for item in data))[1]

    assert environment["PATH"] == os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    assert environment["HOME"] == os.environ["HOME"]
    assert "inputs/pythonpath" not in environment["PYTHONPATH"]
    assert environment["path"].endswith("/inputs/path/x")


def test_an_environments_variables_are_set(dump):
    """Variables of the run configuration's environment reach the script."""
    environment = Environment("e")
    environment.environment_variables = {"COLOUR": "blue ö"}
    config = RunConfiguration()
    config.environment = environment

    assert dump(runconfig=config)[1]["COLOUR"] == "blue ö"


def test_airflows_settings_stay_outside(dump, monkeypatch):
    """A script sees none of the worker's Airflow settings, which hold secrets."""
    monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", "secret")
    monkeypatch.setenv("AIRFLOW_CONN_X", "secret")

    environment = dump()[1]

    assert not [name for name in environment if name.startswith(("AIRFLOW__", "AIRFLOW_CONN_"))]


def test_modules_beside_the_script_are_found(script, start):
    """The working directory is a copy of the source directory, and neighbours can be imported."""
    step = script("import neighbour; print(neighbour.WORD)")
    Path("src/neighbour.py").write_text("WORD = 'found'")

    started = start(step)
    started.run()

    assert started.log[-1] == "found"
