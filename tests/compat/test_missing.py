"""What airflow-ml does not have fails at import, in words."""

from __future__ import annotations

import importlib.util

import pytest

from airflow_ml.compat.alias import enable


@pytest.fixture(autouse=True, scope="module")
def _alias() -> None:
    # Stays for the rest of the process, as it does for users; airflow-ml itself imports nothing by this name.
    assert enable()


def failure(statement: str) -> ImportError:
    """Return what the statement raises."""
    with pytest.raises(ImportError) as caught:
        exec(statement, {})
    return caught.value


@pytest.mark.parametrize(
    ("statement", "missing", "instead"),
    [
        ("import azureml.interpret", "azureml.interpret", "interpret-community"),
        ("from azureml.interpret import ExplanationClient", "azureml.interpret", "interpret-community"),
        ("from azureml.telemetry import UserAgent", "azureml.telemetry.UserAgent", "sends nothing"),
        ("import azureml.contrib.services.aml_request", "azureml.contrib.services", "registered model"),
        ("from azureml.automl.core.forecasting_parameters import X", "azureml.automl", "AutoML package"),
        ("from azureml._restclient import X", "azureml._restclient.X", "private"),
        ("import azureml._restclient.clients", "azureml._restclient.clients", "private"),
        ("from azureml._model_management import X", "azureml._model_management", "private"),
        ("import azureml.registry", "azureml.registry", "docs/compatibility.md"),
        ("import azureml.core.no_such_thing", "azureml.core.no_such_thing", "docs/compatibility.md"),
        ("from azureml.core import Workspce", "azureml.core.Workspce", "did you mean 'Workspace'?"),
        ("from azureml.core.runconfig import RunConfig", "azureml.core.runconfig.RunConfig", "RunConfiguration"),
        ("from azureml.core.model import Modle", "azureml.core.model.Modle", "did you mean 'Model'?"),
    ],
)
def test_import_says_what_is_missing_and_what_instead(statement: str, missing: str, instead: str) -> None:
    """The sentence names what was asked for, and the way out."""
    error = failure(statement)

    assert str(error).startswith(f"{missing} is not part of airflow-ml")
    assert instead in str(error)


def test_modules_are_not_found_and_names_not_imported() -> None:
    """Code that catches Python's own classes goes on: a module is ModuleNotFoundError with its name."""
    module, name = failure("import azureml.interpret"), failure("from azureml.core import Nothing")

    assert isinstance(module, ModuleNotFoundError)
    assert module.name == "azureml.interpret"
    assert not isinstance(name, ModuleNotFoundError)
    assert name.name == "azureml.core"


def test_who_only_asks_gets_python_s_answer() -> None:
    """find_spec gives None and hasattr says no, without an error."""
    core = importlib.import_module("azureml.core")

    assert importlib.util.find_spec("azureml.interpret") is None
    assert importlib.util.find_spec("azureml.core.no_such_thing") is None
    assert not hasattr(core, "Nothing")
    with pytest.raises(AttributeError, match=r"airflow_ml\.core.*Nothing"):
        core.Nothing  # noqa: B018 - the access raises


def test_other_rooms_are_no_azureml() -> None:
    """The alias is the face alone."""
    for room in ("storage", "execution", "graph", "cli"):
        assert isinstance(failure(f"import azureml.{room}"), ModuleNotFoundError)


def test_unlisted_modules_can_still_be_imported() -> None:
    """The explanation stands in nobody's way."""
    exec("from azureml.pipeline.core import _ports", {})
