"""Secrets that a script may ask for."""

from __future__ import annotations

import pytest

from airflow_ml.compute.request import inherited_environment
from airflow_ml.exceptions import UserErrorException
from airflow_ml.execution.secrets import read_secret


def test_a_secret_is_a_variable_of_the_worker(monkeypatch):
    """A name leads to the variable in upper case, with other characters replaced, which no script inherits."""
    monkeypatch.setenv("AIRFLOW_ML_SECRET_DB_PASS_WORD", "s3")

    assert read_secret("db-pass.word") == "s3"
    assert "AIRFLOW_ML_SECRET_DB_PASS_WORD" not in inherited_environment()


def test_a_missing_secret_names_its_variable():
    """What is not there is an error that says where it belongs, unless it may be missing."""
    with pytest.raises(
        UserErrorException,
        match=r"secret 'a-b': .* has no environment variable AIRFLOW_ML_SECR",
    ):
        read_secret("a-b")
    assert read_secret("a-b", missing_ok=True) is None
