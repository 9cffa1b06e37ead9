"""Run configurations."""

from __future__ import annotations

import pytest

from airflow_ml.core import RunConfiguration, Workspace
from airflow_ml.core.compute import AmlCompute, ComputeTarget
from airflow_ml.core.conda_dependencies import CondaDependencies
from airflow_ml.core.runconfig import DockerConfiguration
from airflow_ml.exceptions import NotSupportedError, RunConfigurationException, UserErrorException


def test_defaults_are_v1s() -> None:
    """A fresh configuration has v1's attributes."""
    config = RunConfiguration()

    assert (config.script, config.command, config.arguments, config.target) == (None, "", [], "local")
    assert (config.framework, config.communicator, config.node_count) == ("Python", "None", 1)
    assert (config.docker.use_docker, config.docker.shm_size, config.mpi.process_count_per_node) == (False, "2g", 1)
    assert (config.environment.name, config.environment.version) == ("default-environment", None)
    assert (config.environment_variables, config.history.directories_to_watch) == ({}, ["logs"])


def test_target_takes_an_object_or_a_name(workspace: Workspace) -> None:
    """The name is what is kept."""
    config = RunConfiguration()
    config.target = ComputeTarget.create(workspace, "c1", AmlCompute.provisioning_configuration(max_nodes=1))
    assert config.target == "c1"

    config.target = "c2"
    assert config.target == "c2"
    with pytest.raises(RunConfigurationException, match="neither"):
        config.target = 5  # type: ignore[assignment]  # what is tested


def test_articles_second_branch_changes_the_default_environment() -> None:
    """Packages may be set on the environment that is there; only then is it more than the default."""
    config = RunConfiguration()
    assert config.environment_definition() is None

    config.environment.python.user_managed_dependencies = False
    config.environment.python.conda_dependencies = CondaDependencies.create(pip_packages=["pandas"])

    definition = config.environment_definition()
    assert definition is not None
    assert definition["name"] == "default-environment"


def test_misspelt_attributes_and_words_are_errors() -> None:
    """Nothing that is said wrongly is ignored."""
    config = RunConfiguration()

    with pytest.raises(AttributeError, match="environment"):
        config.enviroment = None  # type: ignore[attr-defined]  # what is tested
    with pytest.raises(RunConfigurationException, match="PySpark"):
        RunConfiguration(framework="PySpark")


def test_parts_without_meaning_must_stay_as_they_are() -> None:
    """A changed part that has no effect is refused with the way out."""
    config = RunConfiguration()
    config.check_supported(where="step 'a'")

    config.spark.configuration["x"] = "y"

    with pytest.raises(NotSupportedError, match=r"step 'a'.*spark"):
        config.check_supported(where="step 'a'")


def test_a_framework_that_does_not_run_here_is_refused() -> None:
    """The attribute takes any text, as in v1; a step does not run a Spark script as if it were plain Python."""
    config = RunConfiguration()
    config.framework = "PySpark"

    with pytest.raises(NotSupportedError, match=r"step 'a'.*'PySpark'.*Python"):
        config.check_supported(where="step 'a'")


def test_no_target_is_local() -> None:
    """Setting None takes the target back, as in v1."""
    config = RunConfiguration()
    config.target = "c1"
    config.target = None

    assert config.target == "local"


def test_wrong_values_are_named() -> None:
    """What is no list, no mapping and no known word is refused in words."""
    with pytest.raises(RunConfigurationException, match="arguments is 5, expected a list"):
        RunConfiguration(arguments=5)
    with pytest.raises(RunConfigurationException, match="framework 5 is not one of"):
        RunConfiguration(framework=5)
    with pytest.raises(RunConfigurationException, match="arguments is '--rm', expected a list"):
        DockerConfiguration(arguments="--rm")
    with pytest.raises(UserErrorException, match="environment_variables 'x' are no mapping"):
        RunConfiguration().environment_variables = "x"
