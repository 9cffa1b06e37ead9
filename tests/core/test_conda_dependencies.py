"""Lists of packages in conda's form."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from airflow_ml.core.conda_dependencies import CondaDependencies
from airflow_ml.core.environment import CondaDependencies as FromEnvironment
from airflow_ml.core.runconfig import CondaDependencies as FromRunconfig
from airflow_ml.exceptions import NotSupportedError, UserErrorException

PYTHON = f"python={sys.version_info.major}.{sys.version_info.minor}"


def test_articles_snippet() -> None:
    """Python first, then pip, then the conda packages."""
    packages = CondaDependencies.create(
        conda_packages=["pandas", "scikit-learn"],
        pip_packages=["azureml-sdk", "azureml-dataprep[fuse,pandas]"],
        pin_sdk_version=False,
    )

    assert packages.as_dict() == {
        "name": "project_environment",
        "channels": ["anaconda", "conda-forge"],
        "dependencies": [PYTHON, {"pip": ["azureml-sdk", "azureml-dataprep[fuse,pandas]"]}, "pandas", "scikit-learn"],
    }


def test_one_class_in_three_modules() -> None:
    """v1 code imports the class from three places."""
    assert FromEnvironment is FromRunconfig is CondaDependencies


def test_package_of_the_same_name_is_replaced() -> None:
    """Adding a package again changes its version; names compare as pip compares them."""
    packages = CondaDependencies.create(pip_packages=["scikit_learn==1.0"], conda_packages=["numpy=1.20"])

    packages.add_pip_package("Scikit-Learn==1.1")
    packages.add_conda_package("numpy")
    packages.remove_conda_package("other")

    assert packages.pip_packages == ["Scikit-Learn==1.1"]
    assert packages.conda_packages == [PYTHON, "numpy"]


def test_python_version_can_be_set() -> None:
    """There is one Python, and it stands first."""
    packages = CondaDependencies.create(conda_packages=["numpy"], python_version="3.8.13")
    packages.set_python_version("3.9")

    assert packages.get_python_version() == "3.9"
    assert packages.conda_packages == ["python=3.9", "numpy"]


def test_channels_and_options() -> None:
    """Channels are kept in order; an index url replaces the one before."""
    packages = CondaDependencies.create(pip_indexurl="https://a.example")
    packages.set_pip_index_url("https://b.example")
    packages.set_pip_option("--extra-index-url https://c.example")
    packages.add_channel("mine")
    packages.remove_channel("anaconda")

    assert packages.pip_options == ["--index-url https://b.example", "--extra-index-url https://c.example"]
    assert packages.conda_channels == ["conda-forge", "mine"]
    packages.remove_pip_option("--index-url")
    assert packages.pip_options == ["--extra-index-url https://c.example"]


def test_file_comes_back(work: Path) -> None:
    """Save writes what the constructor reads."""
    packages = CondaDependencies.create(pip_packages=["tqdm"], conda_packages=["numpy"])

    packages.save("c.yml")
    name = packages.save_to_file("folder")

    assert CondaDependencies("c.yml") == packages
    assert CondaDependencies(f"folder/{name}") == packages


@pytest.mark.parametrize("text", ["- a\n- b\n", "a: [", "dependencies: [{npm: [x]}]"])
def test_bad_file_is_a_users_error(work: Path, text: str) -> None:
    """What is no conda file raises UserErrorException with its name or content."""
    Path("c.yml").write_text(text)

    with pytest.raises(UserErrorException):
        CondaDependencies("c.yml")
    with pytest.raises(UserErrorException, match="missing"):
        CondaDependencies("missing.yml")


def test_frameworks() -> None:
    """TensorFlow for CPU or GPU; CNTK has ended."""
    packages = CondaDependencies.create()
    packages.add_tensorflow_pip_package(version="2.0")
    packages.add_tensorflow_conda_package("gpu")

    assert "tensorflow==2.0" in packages.pip_packages
    assert "tensorflow-gpu" in packages.conda_packages
    with pytest.raises(NotSupportedError):
        packages.add_cntk_package()


def test_requirements_of_one_package_are_merged() -> None:
    """Two limits of one package become one line."""
    assert CondaDependencies.merge_requirements(["a>1", "b", "a<2"]) == ["a>1,<2", "b"]


def test_a_list_of_packages_is_a_list() -> None:
    """Text would be taken letter by letter, so it is refused."""
    with pytest.raises(UserErrorException, match=r"write \['numpy'\]"):
        CondaDependencies.create(pip_packages="numpy")


def test_numbers_and_paths_are_v1s(work: Path) -> None:
    """The default numbers are a pair, and save says where it wrote."""
    packages = CondaDependencies()

    assert packages.get_default_number_of_packages() == (1, 1)
    assert packages.save("packages.yml") == "packages.yml"
    assert CondaDependencies("packages.yml") == packages


def test_an_option_of_pip_begins_with_a_dash() -> None:
    """Anything else is a package, and refused."""
    with pytest.raises(UserErrorException, match="does not begin with '-'"):
        CondaDependencies().set_pip_option("numpy")


def test_no_pip_packages_are_none() -> None:
    """An empty list installs nothing by pip; without a list it is v1's default."""
    assert CondaDependencies.create(pip_packages=[]).pip_packages == []
    assert CondaDependencies.create().pip_packages == ["azureml-defaults"]


def test_what_is_no_text_is_named() -> None:
    """A number for a version (3.10 would be 3.1) or for a package is refused in words."""
    packages = CondaDependencies()

    with pytest.raises(UserErrorException, match=r"Python version is .*, expected text"):
        CondaDependencies.create(python_version=3.10)
    with pytest.raises(UserErrorException, match="a conda package is None"):
        packages.remove_conda_package(None)
    with pytest.raises(UserErrorException, match="index is 5"):
        packages.set_pip_index_url(5)
    with pytest.raises(UserErrorException, match="neither text nor a list"):
        packages.set_pip_requirements(None)
    with pytest.raises(UserErrorException, match="does not begin with '-'"):
        packages.remove_pip_option("numpy")


def test_python_stays_first() -> None:
    """Python that is added as a package comes before the others, as in v1."""
    packages = CondaDependencies.create(conda_packages=["numpy"])
    packages.add_conda_package("python=3.9")

    assert packages.conda_packages == ["python=3.9", "numpy"]


def test_options_are_not_merged() -> None:
    """Lines that begin with a dash stay as they are."""
    assert CondaDependencies.merge_requirements(["-f x", "a>1", "a<2"]) == ["-f x", "a>1,<2"]
