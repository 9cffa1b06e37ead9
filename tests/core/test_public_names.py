"""Names that v1 code imports are there, and the packages cost nothing to import."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

import airflow_ml
import airflow_ml.core
import airflow_ml.data
from airflow_ml.exceptions import NotSupportedError
from airflow_ml.runtime.surface import SDK_VERSION


@pytest.mark.parametrize("package", ["airflow_ml.core", "airflow_ml.core.compute", "airflow_ml.data"])
def test_every_public_name_can_be_imported(package: str) -> None:
    """`__all__` is true, and dir() shows it."""
    module = importlib.import_module(package)

    assert [name for name in module.__all__ if getattr(module, name, None) is None] == []
    assert set(module.__all__) <= set(dir(module))
    with pytest.raises(AttributeError, match="nothing_of_the_kind"):
        module.nothing_of_the_kind  # noqa: B018 - the access raises


def test_submodules_are_attributes() -> None:
    """After `import azureml.core` v1 code goes on with `azureml.core.runconfig.X`."""
    assert airflow_ml.core.runconfig.RunConfiguration is airflow_ml.core.RunConfiguration
    assert airflow_ml.core.compute.amlcompute.AmlCompute is airflow_ml.core.compute.AmlCompute
    assert airflow_ml.data.dataset_factory.FileDatasetFactory is airflow_ml.core.Dataset.File


def test_the_version_is_that_of_the_surface() -> None:
    """v1 code compares `azureml.core.VERSION` or `__version__`, where a pipeline is built and inside a step alike."""
    assert airflow_ml.core.VERSION == airflow_ml.core.__version__ == SDK_VERSION


@pytest.mark.parametrize("name", ["Image", "LinkedService", "PrivateEndPoint", "Webservice"])
def test_classes_of_services_can_be_named(name: str) -> None:
    """Importing them works, isinstance works, and a use says what to do instead."""
    placeholder = getattr(airflow_ml.core, name)

    assert not isinstance("text", placeholder)
    with pytest.raises(NotSupportedError, match=name):
        placeholder("workspace", "name")
    with pytest.raises(NotSupportedError, match=rf"{name}\.list"):
        placeholder.list("workspace")


def test_importing_the_packages_loads_none_of_their_modules() -> None:
    """A DAG file pays for what it names."""
    code = (
        "import sys, airflow_ml.core, airflow_ml.data\n"
        "print([m for m in sys.modules if m.startswith(('airflow_ml.core.', 'airflow_ml.data.'))])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
