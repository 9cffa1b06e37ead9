"""Environments: sections, factories, versions, as data."""

from __future__ import annotations

from pathlib import Path

import pytest
from servers.docker_engine import DockerForTests

from airflow_ml.core import Environment, Workspace
from airflow_ml.core.conda_dependencies import CondaDependencies
from airflow_ml.core.databricks import DatabricksCluster, DatabricksSection, PyPiLibrary
from airflow_ml.core.environment import (
    DEFAULT_CPU_IMAGE,
    DockerBuildContext,
    DockerSection,
    EnvironmentReference,
    RSection,
)
from airflow_ml.exceptions import NotSupportedError, RunEnvironmentException, UserErrorException


def _packages(environment: Environment) -> CondaDependencies:
    assert environment.python.conda_dependencies is not None
    return environment.python.conda_dependencies


def test_fresh_environment_has_v1s_defaults() -> None:
    """Variables, image and packages as in v1."""
    environment = Environment("mine")

    assert environment.environment_variables == {"EXAMPLE_ENV_VAR": "EXAMPLE_VALUE"}
    assert (environment.python.interpreter_path, environment.python.user_managed_dependencies) == ("python", False)
    assert (environment.docker.base_image, environment.docker.shm_size) == (DEFAULT_CPU_IMAGE, "2g")
    assert _packages(environment).pip_packages == ["azureml-defaults"]


def test_misspelt_attribute_is_an_error() -> None:
    """Setting a name that does not exist raises AttributeError, as in v1."""
    environment = Environment("mine")

    with pytest.raises(AttributeError, match="conda_dependencies"):
        environment.python.conda_dependancies = None  # type: ignore[attr-defined]  # what is tested
    environment.docker.enabled = True


def test_definition_comes_back(work: Path) -> None:
    """from_definition is the inverse of to_definition; a folder keeps it too."""
    environment = Environment("mine")
    environment.python.conda_dependencies = CondaDependencies.create(pip_packages=["numpy"])
    environment.docker.base_dockerfile, environment.docker.base_image = "FROM x", None
    environment.docker.arguments.append("--init")
    environment.environment_variables["A"] = "b"

    environment.save_to_directory("saved")

    definition = environment.to_definition()
    assert Environment.from_definition(definition).to_definition() == definition
    assert Environment.load_from_directory("saved").to_definition() == definition
    with pytest.raises(FileExistsError, match="overwrite"):
        environment.save_to_directory("saved")
    environment.docker.base_image = "image:1"
    environment.save_to_directory("saved", overwrite=True)
    assert sorted(path.name for path in Path("saved").iterdir()) == [
        "azureml_environment.json",
        "conda_dependencies.yml",
    ]


def test_clone_is_a_deep_copy() -> None:
    """A copy can be changed without the original."""
    environment = Environment("mine")

    copied = environment.clone("other")
    _packages(copied).add_pip_package("numpy")

    assert (copied.name, copied.version) == ("other", None)
    assert _packages(environment).pip_packages == ["azureml-defaults"]


def test_curated_tutorial_environment_has_its_packages() -> None:
    """The article's environment is known without a workspace, in any case of its name."""
    environment = Environment.get(workspace=Workspace("s", "g", "nowhere"), name="AzureML-Tutorial")

    assert _packages(environment).pip_packages == ["pandas", "numpy", "tqdm", "scikit-learn", "matplotlib"]
    assert _packages(environment).conda_packages == []


def test_registered_versions_are_found(workspace: Workspace) -> None:
    """Register gives versions as text; get takes one, or the newest."""
    environment = Environment("mine")
    first = environment.register(workspace)
    _packages(environment).add_pip_package("numpy")

    second = environment.register(workspace)

    assert (first.version, second.version, environment.version) == ("1", "2", "2")
    assert "numpy" in _packages(Environment.get(workspace, "mine")).pip_packages
    assert "numpy" not in _packages(Environment.get(workspace, "mine", version="1")).pip_packages
    assert set(workspace.environments) == set(Environment.list(workspace)) == {"mine"}


def test_equal_definition_keeps_its_version(workspace: Workspace) -> None:
    """Registering the same once more makes no new version."""
    assert Environment("mine").register(workspace).version == Environment("mine").register(workspace).version == "1"


def test_unknown_and_reserved_names_are_refused(workspace: Workspace) -> None:
    """Get of nothing raises; AzureML- is for curated ones."""
    with pytest.raises(RunEnvironmentException):
        Environment.get(workspace, "nothing")
    with pytest.raises(UserErrorException, match="curated"):
        Environment("AzureML-mine").register(workspace)


def test_factories_read_their_files(work: Path) -> None:
    """Conda files, requirements and Dockerfiles become definitions."""
    Path("conda.yml").write_text("name: x\nchannels: [c]\ndependencies: [python=3.10, numpy, {pip: [tqdm]}]\n")
    Path("requirements.txt").write_text("# comment\n--index-url https://example.org\npandas>=2  # why\n\n")
    Path("Dockerfile").write_text("FROM debian\n")

    conda = Environment.from_conda_specification("a", "conda.yml")
    pip = Environment.from_pip_requirements("b", "requirements.txt")
    docker = Environment.from_dockerfile("c", "Dockerfile")

    assert _packages(conda).as_dict()["dependencies"] == ["python=3.10", {"pip": ["tqdm"]}, "numpy"]
    assert (_packages(pip).pip_packages, _packages(pip).pip_options) == (
        ["pandas>=2"],
        ["--index-url https://example.org"],
    )
    assert (docker.docker.base_dockerfile, docker.docker.base_image) == ("FROM debian\n", None)
    assert docker.python.user_managed_dependencies


def test_image_is_taken_as_it_is_unless_packages_are_named(work: Path) -> None:
    """from_docker_image manages its own Python, or installs a file's packages."""
    Path("requirements.txt").write_text("pandas\n")

    plain = Environment.from_docker_image("a", "image:1")
    more = Environment.from_docker_image("a", "image:1", pip_requirements="requirements.txt")

    assert (plain.docker.base_image, plain.python.user_managed_dependencies) == ("image:1", True)
    assert (more.python.user_managed_dependencies, _packages(more).pip_packages) == (False, ["pandas"])
    with pytest.raises(UserErrorException, match="one of them"):
        Environment.from_docker_image("a", "i", conda_specification="x", pip_requirements="y")


def test_what_cannot_be_built_is_refused() -> None:
    """Spark, R, Databricks, build contexts and credentials raise NotSupportedError when the definition is taken."""
    spark, r, secret, folder, bricks = (Environment(name) for name in ("spark", "r", "secret", "folder", "bricks"))
    spark.spark.repositories.append("x")
    r.r = RSection()
    secret.docker.base_image_registry.password = "x"

    folder.docker.build_context = DockerBuildContext("git", "https://example.org/x.git")
    bricks.databricks.pypi_libraries.append(PyPiLibrary("tqdm"))

    for environment in (spark, r, secret, folder, bricks):
        with pytest.raises(NotSupportedError):
            environment.to_definition()


def test_existing_conda_environment_is_named() -> None:
    """Nothing is installed then."""
    python = Environment.from_existing_conda_environment("a", "mine").to_definition()["python"]

    assert isinstance(python, dict)
    assert (python["base_conda_environment"], python["conda_dependencies"]) == ("mine", None)


def test_image_dockerfile_and_build_context_exclude_each_other() -> None:
    """Setting one empties the others, as in v1."""
    docker = Environment("a").docker

    docker.base_dockerfile = "FROM x"
    assert (docker.base_image, docker.build_context) == (None, None)
    docker.build_context = DockerBuildContext("git", "https://example.org/x.git")
    assert (docker.base_image, docker.base_dockerfile) == (None, None)
    docker.base_image = "image:1"
    assert (docker.base_dockerfile, docker.build_context) == (None, None)


def test_v1s_properties_are_on_the_class() -> None:
    """Code that asks the class finds what it finds in v1."""
    for name in ("arguments", "base_dockerfile", "base_image", "build_context", "enabled", "gpu_support", "shm_size"):
        assert isinstance(getattr(DockerSection, name), property)


def test_a_build_context_can_be_named_and_kept(work: Path) -> None:
    """The environment can be made and saved; it is refused where a step gets it."""
    made = Environment.from_docker_build_context("a", DockerBuildContext("git", "https://example.org/x.git"))
    made.save_to_directory("saved")

    context = Environment.load_from_directory("saved").docker.build_context
    assert context is not None
    assert (context.location, context.dockerfile_path) == ("https://example.org/x.git", "Dockerfile")
    with pytest.raises(UserErrorException, match="not a DockerBuildContext"):
        Environment.from_docker_build_context("a", "folder")  # type: ignore[arg-type]  # what is tested


def test_repr_shows_the_definition_and_str_the_name() -> None:
    """v1 prints a name and version, and shows JSON in a notebook."""
    environment = Environment("mine")
    environment.docker.base_image_registry.password = "hunter2"

    assert str(environment) == "Environment(Name: mine,\nVersion: None)"
    assert '"baseImage"' in repr(environment)
    assert "hunter2" not in repr(environment)


def test_a_name_is_text() -> None:
    """Another type is v1's TypeError."""
    with pytest.raises(TypeError, match="expected text"):
        Environment(7)  # type: ignore[arg-type]  # what is tested


def test_a_label_finds_a_version(workspace: Workspace) -> None:
    """A label stands for the version that it was put on, `latest` for the newest."""
    environment = Environment("mine")
    environment.register(workspace)
    environment.environment_variables["A"] = "b"
    environment.register(workspace)
    Environment.label(workspace, "mine", "1", ["stable"])

    assert Environment.get(workspace, "mine", label="stable").version == "1"
    assert Environment.get(workspace, "mine", label="latest").version == "2"
    with pytest.raises(RunEnvironmentException, match="label 'gone'"):
        Environment.get(workspace, "mine", label="gone")
    with pytest.raises(UserErrorException, match="one of them"):
        Environment.get(workspace, "mine", version="1", label="stable")
    with pytest.raises(UserErrorException, match="'latest'"):
        Environment.label(workspace, "mine", "1", ["latest"])


@pytest.mark.parametrize(
    ("name", "package"),
    [
        ("AzureML-Tutorial", "scikit-learn"),
        ("AzureML-Scikit-learn-0.20.3", "scikit-learn"),
        ("AzureML-sklearn-1.0-ubuntu20.04-py38-cpu", "scikit-learn"),
        ("AzureML-PyTorch-1.6-GPU", "torch"),
        ("AzureML-pytorch-1.10-ubuntu18.04-py38-cuda11-gpu", "torch"),
        ("AzureML-TensorFlow-2.3-GPU", "tensorflow"),
        ("AzureML-tensorflow-2.16-cuda12", "tensorflow"),
        ("AzureML-lightgbm-3.2-ubuntu18.04-py37-cpu", "lightgbm"),
        ("AzureML-Dask-CPU", "dask[complete]"),
    ],
)
def test_curated_environments_stand_for_packages(work: Path, name: str, package: str) -> None:
    """The names of every year are known in any case."""
    environment = Environment.get(Workspace(None, None, "ml"), name)

    assert environment.name == name
    assert package in _packages(environment).pip_packages


@pytest.mark.parametrize(
    "name",
    ["AzureML-AutoML-DNN-GPU", "AzureML-Chainer-5.1.0-CPU", "AzureML-PySpark-MmlSpark-0.15"],
)
def test_curated_environments_that_are_gone_say_why(work: Path, name: str) -> None:
    """What no machine can have is one clear error with the way out."""
    with pytest.raises(NotSupportedError, match=r"is not available: .*name the packages"):
        Environment.get(Workspace(None, None, "ml"), name)


def test_an_unknown_curated_name_is_an_error(workspace: Workspace) -> None:
    """The prefix is v1's, so nothing registered can have the name."""
    with pytest.raises(RunEnvironmentException, match="'AzureML-Nothing' is not known"):
        Environment.get(workspace, "AzureML-Nothing")


def test_a_reference_is_looked_up(workspace: Workspace) -> None:
    """EnvironmentReference gives the registered environment."""
    Environment("mine").register(workspace)

    assert EnvironmentReference("mine", "1").get_environment(workspace).version == "1"


def test_a_databricks_cluster_exists_or_is_described() -> None:
    """One of the two, as in v1."""
    section = DatabricksSection()

    section.cluster = DatabricksCluster("id")
    for cluster in (DatabricksCluster(), DatabricksCluster("id", spark_version="3")):
        with pytest.raises(UserErrorException, match="one of the two"):
            section.cluster = cluster


def test_the_path_of_a_dockerfile_may_be_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`base_dockerfile` takes the text or the path of a Dockerfile, as in v1."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Dockerfile").write_text("FROM debian\n")
    environment = Environment("mine")

    environment.docker.base_dockerfile = "Dockerfile"
    assert environment.docker.base_dockerfile == "FROM debian\n"
    environment.docker.base_dockerfile = "FROM ubuntu"
    assert environment.docker.base_dockerfile == "FROM ubuntu"


def test_wrong_values_are_named() -> None:
    """A copy without a name, variables that are no mapping and a Dockerfile that is no text are refused in words."""
    environment = Environment("mine")

    with pytest.raises(UserErrorException, match="a copy needs a name"):
        environment.clone("")
    with pytest.raises(UserErrorException, match="environment_variables 5 are no mapping"):
        environment.environment_variables = 5
    with pytest.raises(UserErrorException, match="dockerfile None"):
        Environment.from_dockerfile("mine", None)


def test_an_environment_can_be_built_by_hand(
    workspace: Workspace, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Building gives v1's object, whose log says what was done; without packages nothing has to be."""
    environment = Environment("mine")

    built = environment.build(workspace).wait_for_completion()

    assert built.status == "Succeeded"
    assert "uses the interpreter" in built.get_log()
    assert "Image Build Status: Succeeded" in capsys.readouterr().out
    assert environment.build_local(workspace, useDocker=False).environment_digest == built.environment_digest
    with pytest.raises(NotSupportedError, match="AIRFLOW_ML_IMAGE_REGISTRY"):
        environment.build_local(workspace, pushImageToWorkspaceAcr=True)
    with pytest.raises(UserErrorException, match="no arguments usedocker"):
        environment.build_local(workspace, usedocker=True)


@pytest.mark.docker
def test_an_image_can_be_built_by_hand(workspace: Workspace, docker_engine: DockerForTests) -> None:
    """An image of its own is looked at on this machine's engine."""
    environment = Environment.from_docker_image("mine", docker_engine.image)

    details = environment.get_image_details(workspace)

    assert (details.image_exist, details.repository, details.registry) == (True, docker_engine.image, None)
    assert docker_engine.image in environment.build(workspace).get_log()
    assert not Environment.from_docker_image("a", "no-such-image:1").get_image_details(workspace).image_exist
