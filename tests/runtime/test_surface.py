import os
import subprocess
import sys
import textwrap

import pytest

from airflow_ml.runtime import surface


@pytest.fixture
def script(step_library):
    """Run a script that finds the step library and nothing else of ours."""

    def run(source, *, check=True):
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "AIRFLOW"))}
        return subprocess.run(
            [sys.executable, "-c", textwrap.dedent(source)],
            env={**environment, "PYTHONPATH": str(step_library)},
            capture_output=True,
            text=True,
            check=check,
        )

    return run


def test_scripts_import_more_than_they_use(script):
    """What belongs to the pipeline's side can be imported from each of v1's places."""
    script("""
        from azureml.core import ComputeTarget, Environment, RunConfiguration, ScriptRunConfig, Webservice
        from azureml.core.compute import AmlCompute
        from azureml.core.compute.amlcompute import AmlCompute as Same
        from azureml.core.compute_target import ComputeTargetException
        from azureml.core.conda_dependencies import CondaDependencies
        from azureml.core.runconfig import DEFAULT_CPU_IMAGE, RunConfiguration
        from azureml.core.webservice import AciWebservice
        from azureml.data import OutputFileDatasetConfig
        from azureml.data.datapath import DataPath, DataPathComputeBinding
        from azureml.exceptions import ComputeTargetException as Listed
        from azureml.pipeline.core import Pipeline, PipelineData
        from azureml.pipeline.core.graph import PipelineParameter
        from azureml.pipeline.steps import PythonScriptStep
        from azureml.train.hyperdrive import BanditPolicy, choice
        from azureml.widgets import RunDetails
        assert Listed is ComputeTargetException and issubclass(Listed, Exception)
        import airflow_ml.core
        assert airflow_ml.core.Environment is Environment
    """)


def test_names_that_v1_only_borrows(script):
    """Scripts also take names from modules of v1 that merely import them."""
    script("""
        from azureml.core.model import Dataset, Model, UserErrorException
        from azureml.core.run import Datastore, Run
        from azureml.core.workspace import ComputeTarget, Workspace
        import azureml.core
        assert azureml.core.__version__ == azureml.core.VERSION and not hasattr(azureml.core, "__file__")
        assert Dataset is azureml.core.Dataset and ComputeTarget is azureml.core.ComputeTarget
        assert Dataset.Scenario.TRAINING == "training" and "Dataset" not in azureml.core.model.__all__
    """)


def test_every_name_of_the_tables(script):
    """Every module of the tables can be imported under both trees, and has every name that it lists."""
    script(f"""
        import importlib
        for tree in ("azureml", "airflow_ml"):
            for module in {sorted(surface.MODULES)!r}:
                found = importlib.import_module(f"{{tree}}.{{module}}")
                for name in found.__all__:
                    assert getattr(found, name) is not None, (module, name)
    """)


def test_annotations_and_isinstance(script):
    """A placeholder is a class: annotations, unions, `isinstance` and base classes work with it."""
    script("""
        from typing import Optional
        from azureml.core import Environment
        from azureml.pipeline.core import PipelineData
        def f(a: Environment, b: Optional[PipelineData] = None) -> "Environment": return a
        class Mine(Environment): pass
        assert not isinstance(3, Environment) and not hasattr(Environment, "get")
        assert "Environment" in repr(Environment)
    """)


@pytest.mark.parametrize(
    ("use", "what"),
    [
        ("Environment('e')", "azureml.core.Environment"),
        ("Environment.get(None, 'e')", "azureml.core.Environment.get"),
        (
            "compute.AmlCompute.provisioning_configuration()",
            "azureml.core.compute.AmlCompute.provisioning_configuration",
        ),
        ("Workspace.create('w')", "Workspace.create"),
        ("Datastore.register_azure_blob_container()", "Datastore.register_azure_blob_container"),
    ],
)
def test_using_a_placeholder(script, use, what):
    """Using what takes no part in a step raises the sentence that says so and what to do."""
    done = script(f"from azureml.core import *; from azureml.core import compute; {use}", check=False)

    assert f"NotInAStepError: {what} is not available inside a step; use it where" in done.stderr


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        ("from azureml.core import Rum", "azureml.core.Rum is not there: neither v1 nor airflow-ml has a 'Rum'"),
        ("import azureml.core.nope", "azureml.core.nope is not there"),
        ("from azureml.train.dnn import Tensorflow", "which has Chainer, Gloo, Mpi"),
        (
            "import azureml.interpret",
            "azureml.interpret is not part of airflow-ml inside a step, which has azureml.contrib,",
        ),
        ("from airflow_ml.nothing import X", "airflow_ml.nothing is not part of airflow-ml"),
    ],
)
def test_unknown_names_and_modules(script, statement, sentence):
    """A name or module that is nowhere fails at import with a sentence, as an ImportError that scripts may catch."""
    done = script(statement, check=False)
    script(f"try:\n    {statement}\nexcept ImportError:\n    pass")

    assert "ModuleNotFoundError: " in done.stderr
    assert sentence in done.stderr


def test_authentication_is_accepted(script):
    """v1's ways to prove who one is can be made and keep nothing; a token there is not."""
    done = script(
        """
        from azureml.core.authentication import MsiAuthentication, ServicePrincipalAuthentication
        MsiAuthentication()
        made = ServicePrincipalAuthentication("tenant", "id", service_principal_password="hidden")
        assert vars(made) == {}
        made.get_authentication_header()
        """,
        check=False,
    )

    assert "ServicePrincipalAuthentication.get_authentication_header is not available inside a step" in done.stderr
