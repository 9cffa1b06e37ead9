"""ScriptRunConfig: what it keeps of what it was given, and what it makes of it."""

from __future__ import annotations

import warnings

import pytest

from airflow_ml.core import Environment, RunConfiguration, ScriptRunConfig
from airflow_ml.core.runconfig import (
    DockerConfiguration,
    MpiConfiguration,
    PyTorchConfiguration,
    TensorflowConfiguration,
)
from airflow_ml.core.script_run_config import get_run_config_from_script_run
from airflow_ml.exceptions import NotSupportedError, RunConfigurationException


def test_it_keeps_what_it_was_given() -> None:
    """Attributes are the objects that were given; what was not given is None, and the run configuration a fresh one."""
    arguments = ["--a", 1]

    config = ScriptRunConfig("src", "train.py", arguments)

    assert (config.source_directory, config.script, config.command) == ("src", "train.py", None)
    assert config.arguments is arguments
    assert (config.run_config.script, config.run_config.arguments, config.run_config.target) == (None, [], "local")
    assert config.run_config.max_run_duration_seconds == ScriptRunConfig.MAX_DURATION_SECONDS_DEFAULT == 2592000
    assert config.identity == "ScriptRunConfig"


def test_its_own_arguments_make_the_run_configuration() -> None:
    """Compute target, environment, time limit and docker settings stand in `run_config`."""
    environment, docker = Environment("mine"), DockerConfiguration(shm_size="4g")

    config = ScriptRunConfig(
        "src",
        "train.py",
        compute_target="c1",
        environment=environment,
        max_run_duration_seconds=5,
        docker_runtime_config=docker,
    ).run_config

    assert (config.target, config.max_run_duration_seconds) == ("c1", 5)
    assert config.environment is environment
    assert config.docker is docker


def test_a_run_configuration_is_taken_as_it_is() -> None:
    """A given run configuration is kept unchanged, supplies what was left out, and beats the other arguments (v1)."""
    given = RunConfiguration(script="train.py", arguments=["--a", 1])

    with pytest.warns(UserWarning, match=r"compute_target, max_run_duration_seconds are not used"):
        config = ScriptRunConfig("src", run_config=given, compute_target="c1", max_run_duration_seconds=5)

    assert config.run_config is given
    assert (config.script, config.arguments) == ("train.py", ["--a", 1])
    assert (given.target, given.max_run_duration_seconds) == ("local", None)


def test_a_run_configuration_alone_warns_of_nothing() -> None:
    """The old style, a run configuration and a script, is quiet."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        config = ScriptRunConfig("src", "b.py", run_config=RunConfiguration(script="a.py", arguments=["x"]))

    assert (config.script, config.arguments) == ("b.py", ["x"])


@pytest.mark.parametrize(
    ("job", "expected"),
    [
        (MpiConfiguration(2, 3), ("Python", "IntelMpi", 3)),
        (PyTorchConfiguration("Gloo", node_count=2), ("PyTorch", "gloo", 2)),
        (TensorflowConfiguration(2, 1), ("TensorFlow", "ParameterServer", 2)),
    ],
)
def test_distributed_jobs_set_the_configuration(job: object, expected: tuple[str, str, int]) -> None:
    """The job says framework, communicator and nodes, in v1's words."""
    config = ScriptRunConfig("src", "a.py", distributed_job_config=job).run_config

    assert (config.framework, config.communicator, config.node_count) == expected


@pytest.mark.parametrize("name", ["distributed_job_config", "docker_runtime_config"])
def test_another_type_is_refused(name: str) -> None:
    """The two settings objects are checked for their type at once, as in v1."""
    with pytest.raises(RunConfigurationException, match=rf"{name} is a int, expected"):
        ScriptRunConfig("src", "a.py", **{name: 3})


def test_resuming_is_refused() -> None:
    """`resume_from` says what to do instead."""
    with pytest.raises(NotSupportedError, match=r"resume_from.*give the outputs as an input"):
        ScriptRunConfig("src", "a.py", resume_from=object())


def test_run_configuration_with_what_is_run() -> None:
    """v1's templates save script and arguments with a copy of the run configuration, and change no object by it."""
    script = ScriptRunConfig("src", "a.py", ["--n", 1], compute_target="gpu")

    config = get_run_config_from_script_run(script)

    assert (config.target, config.script, config.arguments) == ("gpu", "a.py", ["--n", 1])
    assert (script.run_config.script, script.run_config.arguments) == (None, [])


def test_an_environment_is_an_object() -> None:
    """A name in the place of the environment is refused with the way out."""
    with pytest.raises(RunConfigurationException, match=r"environment is 'mine'.*Environment\.get"):
        ScriptRunConfig("src", "a.py", environment="mine")
