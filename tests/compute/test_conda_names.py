from __future__ import annotations

import pytest

from airflow_ml.compute.conda_names import translate
from airflow_ml.exceptions import RunEnvironmentException


@pytest.mark.parametrize(
    ("conda", "pip"),
    [
        ("scikit-learn", "scikit-learn"),
        ("numpy=1.21", "numpy==1.21"),
        ("numpy==1.21.2", "numpy==1.21.2"),
        ("numpy=1.21.2=py38h6a678d5_0", "numpy==1.21.2"),
        ("numpy 1.21.2 py38_0", "numpy==1.21.2"),
        ("numpy=1.21.*", "numpy==1.21.*"),
        ("numpy = 1.21", "numpy==1.21"),
        ("numpy=*", "numpy"),
        ("pandas>=1.2", "pandas>=1.2"),
        ("pandas >=1.2, <2", "pandas>=1.2,<2"),
        ("pandas!=1.3", "pandas!=1.3"),
        ("conda-forge::lightgbm=3.2", "lightgbm==3.2"),
        ("conda-forge/linux-64::lightgbm", "lightgbm"),
        ("pytorch::pytorch=1.6", "torch==1.6"),
        ("TensorFlow-GPU=2.2", "tensorflow==2.2"),
        ("matplotlib-base", "matplotlib"),
        ("python-dateutil", "python-dateutil"),
        ("pytables", "tables"),
        ("ruamel_yaml", "ruamel.yaml"),
    ],
)
def test_names_and_versions(conda, pip):
    """Names and versions are put in pip's words."""
    assert translate([conda], where="environment 'e'").requirements == (pip,)


@pytest.mark.parametrize(
    ("conda", "python"), [("python=3.8.13", "==3.8.13"), ("python>=3.9", ">=3.9"), ("python", None)]
)
def test_python(conda, python):
    """`python` is no package but the interpreter's version."""
    translated = translate([conda], where="environment 'e'")

    assert (translated.python, translated.requirements) == (python, ())


@pytest.mark.parametrize("conda", ["pip", "pip=20.2.4", "pip>=21", "nomkl", "cpuonly"])
def test_ignored(conda):
    """Parts of conda's own machinery are dropped without a word."""
    assert translate([conda], where="environment 'e'") == translate([], where="environment 'e'")


def test_one_warning():
    """All translated packages are told in one line."""
    translated = translate(["python=3.8", "pytorch=1.6", "numpy"], where="environment 'e'")

    assert translated.warnings == ("environment 'e': conda packages are taken from pip as torch==1.6, numpy",)


def test_equal_packages_once():
    """Two conda packages that are one to pip are asked for once."""
    assert translate(["matplotlib", "matplotlib-base"], where="e").requirements == ("matplotlib",)


def test_not_on_pip():
    """Packages that pip cannot have are all named, with the ways out."""
    packages = ["cudatoolkit=10.1", "numpy", "r-base", "r-dplyr", "libgcc-ng", "gcc_linux-64", "conda-forge::ffmpeg"]

    with pytest.raises(
        RunEnvironmentException,
        match=r"environment 'e': conda packages cudatoolkit, r-base, r-dplyr, libgcc-ng, gcc_linux-64, ffmpeg are not"
        r" .*remove them, or .*container image",
    ):
        translate(packages, where="environment 'e'")


@pytest.mark.parametrize("conda", ["numpy=1.2|1.3", "numpy[version='>=1']", "numpy>", "=1.2", ""])
def test_unreadable(conda):
    """A specification that cannot be put in pip's words is quoted."""
    with pytest.raises(RunEnvironmentException, match="environment 'e': conda package "):
        translate([conda], where="environment 'e'")
