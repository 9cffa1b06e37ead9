"""Run configurations as files, in v1's layout."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from airflow_ml.core import RunConfiguration
from airflow_ml.core.conda_dependencies import CondaDependencies
from airflow_ml.core.runconfig import Data, DataReferenceConfiguration
from airflow_ml.exceptions import NotSupportedError, RunConfigurationException, UserErrorException

FILES = Path(__file__).parent / "files"


def _with_packages(*packages: str) -> RunConfiguration:
    return RunConfiguration(conda_dependencies=CondaDependencies.create(pip_packages=[*packages]))


def test_a_file_of_v1_is_read_whole() -> None:
    """Every part of a file in v1's layout arrives at the attribute that v1 has for it."""
    config = RunConfiguration.load(str(FILES), "train")
    environment = config.environment

    assert (config.script, config.arguments, config.target) == ("train.py", ["--epochs", 3], "cpu-cluster")
    assert (config.framework, config.communicator, config.node_count) == ("PyTorch", "Nccl", 2)
    assert (config.pytorch.communication_backend, config.pytorch.process_count) == ("gloo", 4)
    assert (config.max_run_duration_seconds, config.environment_variables) == (3600, {"LOG_LEVEL": "debug"})
    assert (environment.name, environment.version) == ("train-environment", "4")
    assert environment.environment_variables == {"OMP_NUM_THREADS": "1"}
    assert (environment.docker.base_image, environment.docker.base_dockerfile) == (None, "FROM debian\nRUN true\n")
    assert environment.docker.base_image_registry.address == "registry.example.org"
    assert config.history.directories_to_watch == ["logs", "figures"]
    assert config.services["jupyter"].port == 8888


def test_a_file_brings_its_packages() -> None:
    """The conda file beside the configuration is read into the environment."""
    python = RunConfiguration.load(str(FILES), "train").environment.python

    assert python.conda_dependencies is not None
    assert python.conda_dependencies.pip_packages == ["tqdm"]
    assert python.conda_dependencies_file == ".azureml/train_packages.yml"


def test_lists_and_mappings_hold_v1s_classes() -> None:
    """What stands in lists and mappings becomes objects, not plain mappings."""
    config = RunConfiguration.load(str(FILES), "train")

    data, reference = config.data["titanic"], config.data_references["raw_data"]
    assert isinstance(data, Data)
    assert data.data_location is not None
    assert data.data_location.dataset is not None
    assert (data.data_location.dataset.name, data.mechanism) == ("titanic", "mount")
    assert isinstance(reference, DataReferenceConfiguration)
    assert (reference.data_store_name, reference.mode) == ("lake", "download")
    assert config.environment.spark.packages[0].artifact == "tool"
    assert config.environment.databricks.pypi_libraries[0].package == "tqdm"
    assert config.environment.r is not None
    assert config.environment.r.cran_packages is not None
    assert config.environment.r.cran_packages[0].name == "dplyr"


@pytest.mark.parametrize("separate", [False, True])
def test_what_was_saved_comes_back(work: Path, separate: bool) -> None:
    """Save and load are inverse, whether the environment has a file of its own or not."""
    config = _with_packages("numpy")
    config.script, config.arguments, config.target = "a.py", ["--n", 1], "c1"
    config.environment.docker.base_dockerfile = "FROM x"

    config.save(str(work), "mine", separate_environment_yaml=separate)
    read = RunConfiguration.load(str(work), "mine")

    assert (work / ".azureml" / "environment.yml").exists() is separate
    read.environment.python.conda_dependencies_file = None
    assert repr(read) == repr(config)


def test_a_file_names_all_keys_of_v1(work: Path) -> None:
    """The keys of a saved file are those that v1 writes."""
    RunConfiguration().save(str(work), "mine")

    keys = set(yaml.safe_load((work / ".azureml" / "mine").read_text()))
    assert keys == {
        *("script", "arguments", "target", "framework", "communicator", "maxRunDurationSeconds", "nodeCount"),
        *("priority", "environment", "history", "spark", "docker", "hdi", "tensorflow", "mpi", "pytorch"),
        *("paralleltask", "dataReferences", "data", "datacaches", "outputData", "sourceDirectoryDataStore"),
        *("amlcompute", "autoClusterComputeSpecification", "kubernetescompute", "credentialPassthrough", "command"),
        *("environmentVariables", "applicationEndpoints"),
    }


def test_a_path_may_be_a_file(work: Path) -> None:
    """A path that is no folder is the file itself; a loaded configuration is saved to where it came from."""
    (work / "configs").mkdir()
    _with_packages("numpy").save("configs/mine.runconfig")

    config = RunConfiguration.load("configs/mine")
    config.target = "c1"
    config.save()

    assert sorted(path.name for path in (work / "configs").iterdir()) == ["conda_dependencies.yml", "mine.runconfig"]
    assert RunConfiguration.load("configs/mine.runconfig").target == "c1"


def test_configurations_do_not_change_each_others_packages(work: Path) -> None:
    """A conda file that says something else is left as it is; v1 wrote over it."""
    _with_packages("numpy").save(".", "a")
    _with_packages("pandas").save(".", "b")

    for name, package in (("a", "numpy"), ("b", "pandas")):
        packages = RunConfiguration.load(".", name).environment.python.conda_dependencies
        assert packages is not None
        assert packages.pip_packages == [package]


def test_an_unknown_key_is_refused_by_name(work: Path) -> None:
    """A misspelt key would change nothing, so it is an error that names it and where it stands."""
    (work / "a.runconfig").write_text("script: a.py\nenvironment:\n  docker:\n    baseImgae: x\n")

    with pytest.raises(RunConfigurationException, match=r"'environment', 'docker': has no key 'baseImgae'.*baseImage"):
        RunConfiguration.load("a.runconfig")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("- a\n", "expected a mapping"),
        ("{", "cannot be read as YAML"),
        ("arguments: --a\n", "'arguments': is '--a', expected a list"),
        ("docker:\n  useDocker: maybe\n", "'useDocker': is 'maybe', expected true or false"),
        ("docker: 7\n", "'docker': is 7, expected a mapping"),
        ("environment: gone.yml\n", "names the file 'gone.yml'"),
    ],
)
def test_a_file_that_is_wrong_says_where(work: Path, text: str, words: str) -> None:
    """File and key stand in the error."""
    (work / "a.runconfig").write_text(text)

    with pytest.raises(RunConfigurationException, match=words) as caught:
        RunConfiguration.load("a.runconfig")
    assert "a.runconfig" in str(caught.value)


def test_a_name_or_a_file_is_needed(work: Path) -> None:
    """A folder alone is not enough to save, and what is not there cannot be loaded or deleted."""
    with pytest.raises(UserErrorException, match="give the name"):
        RunConfiguration().save(".")
    with pytest.raises(UserErrorException, match="is not a folder"):
        RunConfiguration().save("gone/a")
    with pytest.raises(UserErrorException, match="there is none"):
        RunConfiguration.load(".", "gone")
    with pytest.raises(UserErrorException, match="there is none"):
        RunConfiguration.delete(".", "gone")


def test_a_name_is_for_a_folder_that_is_there(work: Path) -> None:
    """A name with a folder that is missing would become a file of the folder's name, which load does not find."""
    with pytest.raises(UserErrorException, match="'missing' is not a folder"):
        RunConfiguration().save("missing", "name")

    assert not (work / "missing").exists()


@pytest.mark.parametrize("file", ["a", "a.runconfig"])
def test_delete_removes_the_file(work: Path, file: str) -> None:
    """The file goes, with or without v1's suffix in its name."""
    RunConfiguration().save(".", file)

    RunConfiguration.delete(".", "a")

    assert not (work / ".azureml" / file).exists()


def test_what_a_file_cannot_hold_is_refused(work: Path) -> None:
    """Objects among the arguments and credentials are not written."""
    config, secret = RunConfiguration(arguments=[object()]), RunConfiguration()
    secret.environment.docker.base_image_registry.password = "hunter2"

    with pytest.raises(RunConfigurationException, match="cannot hold"):
        config.save(".", "a")
    with pytest.raises(NotSupportedError, match="credentials"):
        secret.save(".", "a")
    assert "hunter2" not in repr(secret)
