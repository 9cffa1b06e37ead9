from __future__ import annotations

import pytest

from airflow_ml.compute.masking import mask_credentials
from airflow_ml.compute.requirements import read_requirements
from airflow_ml.exceptions import RunEnvironmentException


def read(*dependencies):
    """Read a definition with these dependencies."""
    return read_requirements({"name": "e", "python": {"conda_dependencies": {"dependencies": list(dependencies)}}})


def test_both_parts():
    """Conda's part comes first, pip's part as it is, each requirement once."""
    found = read("python=3.8.13", "scikit-learn=1.0", {"pip": ["pandas==2.2", "pandas==2.2", "git+https://h/x.git"]})

    assert found.packages == ("scikit-learn==1.0", "pandas==2.2", "git+https://h/x.git")
    assert found.python == "==3.8.13"


@pytest.mark.parametrize(
    "definition",
    [{}, {"python": None}, {"python": {"conda_dependencies": None}}, {"python": {"conda_dependencies": {"name": "x"}}}],
)
def test_absent_keys(definition):
    """Whatever is absent means nothing to install."""
    assert read_requirements(definition).packages == ()


@pytest.mark.parametrize(
    ("requirement", "kept"),
    [
        ("azureml-defaults", ()),
        ("azureml-defaults==1.49.0", ()),
        ("azureml_core~=1.4", ()),
        ("azureml-sdk[notebooks]>=1", ()),
        ("azureml-pipeline-steps ; python_version > '3'", ()),
        ("azureml-dataprep[pandas,fuse]", ("pandas",)),
        ("azureml-dataset-runtime[pandas]==1.1", ("pandas",)),
        ("azureml-dataset-runtime[fuse]", ()),
        ("azureml-mlflow", ("mlflow-skinny",)),
        ("azureml-interpret", ("azureml-interpret",)),
        ("azure-storage-blob", ("azure-storage-blob",)),
        ("https://host/azureml-core.whl", ("https://host/azureml-core.whl",)),
        ("./azureml-core", ("./azureml-core",)),
    ],
)
def test_provided_packages(requirement, kept):
    """The real SDK's packages are dropped, and what their extras brought is kept."""
    assert read({"pip": [requirement]}).packages == kept


def test_provided_packages_in_the_conda_part():
    """The real SDK's packages are dropped from conda's part as well."""
    assert read("azureml-defaults=1.2", "numpy").packages == ("numpy",)


def test_options_and_comments():
    """Options of pip are kept apart from packages; comments are dropped."""
    found = read({"pip": ["--index-url https://u:p@h/", "# note", "", "-f /wheels", "six"]})

    assert (found.pip_options, found.packages) == (("--index-url https://u:p@h/", "-f /wheels"), ("six",))


@pytest.mark.parametrize("item", [3, {"pip": "six"}, {"npm": ["x"]}])
def test_unreadable(item):
    """A dependency of another form is quoted."""
    with pytest.raises(RunEnvironmentException, match=r"environment 'e': dependency .* cannot be read"):
        read(item)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("--index-url https://user:pass@host/simple", "--index-url https://***@host/simple"),
        ("git+https://token@host/x.git", "git+https://***@host/x.git"),
        ("https://host/x.whl?sv=1&sig=abc%3D&x=1", "https://host/x.whl?sv=1&sig=***&x=1"),
        ("pandas @ https://host/x@1.0", "pandas @ https://host/x@1.0"),
    ],
)
def test_masked_credentials(text, masked):
    """Credentials in URLs are masked, and nothing else is."""
    assert mask_credentials(text) == masked
