"""Kinds of steps and services that a later version brings: importable, and refused in words."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

import airflow_ml.pipeline.core
import airflow_ml.pipeline.steps
from airflow_ml.contrib.notebook import AzureMLNotebookHandler, NotebookRunConfig, NotebookRunnerStep
from airflow_ml.exceptions import NotSupportedError
from airflow_ml.opendatasets import MNIST, NycTlcGreen
from airflow_ml.pipeline.core import (
    ModuleVersionDescriptor,
    PipelineStep,
)
from airflow_ml.train.automl import AutoMLConfig
from airflow_ml.train.dnn import PyTorch
from airflow_ml.train.estimator import Estimator, Mpi
from airflow_ml.train.hyperdrive import HyperDriveConfig
from airflow_ml.train.sklearn import SKLearn

STEPS = ("DataTransferStep", "ModuleStep", "PythonScriptStep")
LATER_STEPS = [name for name in airflow_ml.pipeline.steps.__all__ if name not in STEPS]
LATER_SETTINGS = [
    AutoMLConfig,
    AzureMLNotebookHandler,
    Estimator,
    HyperDriveConfig,
    NotebookRunConfig,
    NotebookRunnerStep,
    NycTlcGreen,
    PyTorch,
    SKLearn,
]


def minimal(function: Any) -> dict[str, Any]:
    """Return an argument for each parameter that must be given."""
    parameters = [*inspect.signature(function).parameters.values()]
    return {
        parameter.name: "given"
        for parameter in parameters
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL)
    }


@pytest.mark.parametrize("name", LATER_STEPS)
def test_step_is_refused_with_a_way_out(name: str) -> None:
    """Constructing one says which kind it is, and what works today."""
    kind = getattr(airflow_ml.pipeline.steps, name)

    with pytest.raises(NotSupportedError, match=rf"{name} is not in this version of airflow-ml; \w+ .{{30}}"):
        kind(**minimal(kind))


@pytest.mark.parametrize("name", [name for name in LATER_STEPS if name.endswith("Step")])
def test_step_is_a_step_with_v1s_parameters(name: str) -> None:
    """Editors see v1's parameters, and a wrong one is Python's own error."""
    kind = getattr(airflow_ml.pipeline.steps, name)

    assert issubclass(kind, PipelineStep)
    assert inspect.signature(kind) == inspect.signature(kind.__init__.__get__(object()))
    takes_anything = "kwargs" in inspect.signature(kind).parameters
    with pytest.raises(NotSupportedError if takes_anything else TypeError):
        kind(**minimal(kind), no_such_parameter=1)


def test_sentence_names_the_step() -> None:
    """A pipeline of many steps needs the name."""
    with pytest.raises(NotSupportedError, match=r"step 'shout': CommandStep .* subprocess"):
        airflow_ml.pipeline.steps.CommandStep("echo hi", name="shout")


@pytest.mark.parametrize("kind", LATER_SETTINGS)
def test_settings_are_refused_with_a_way_out(kind: Any) -> None:
    """What describes such a step is refused where it is made, before any time is spent."""
    with pytest.raises(NotSupportedError, match=kind.__name__):
        kind(**minimal(kind))


def test_open_data_sets_say_where_the_files_are() -> None:
    """Static calls are refused too."""
    with pytest.raises(NotSupportedError, match=r"MNIST\.get_file_dataset: .*learn\.microsoft\.com"):
        MNIST.get_file_dataset()


def test_markers_of_estimators_are_plain_data() -> None:
    """They carry values alone."""
    assert Mpi(process_count_per_node=4).process_count_per_node == 4


def test_descriptor_of_a_module_version_is_plain_data() -> None:
    """It is a pair, as in v1."""
    descriptor = ModuleVersionDescriptor("2", "some-id")

    assert (descriptor.version, descriptor.module_version_id) == ("2", "some-id")
