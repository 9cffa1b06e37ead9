"""What is said of a use: what our code refuses, and what the compatibility page says."""

import pytest

from airflow_ml.check.differences import read_differences


def only(findings, what):
    """Return the one finding about a use."""
    (found,) = [finding for finding in findings if finding.what == what]
    return found


@pytest.mark.parametrize(
    ("code", "what", "instead"),
    [
        ("ws.get_mlflow_tracking_uri()", "Workspace.get_mlflow_tracking_uri()", "log with Run.log"),
        ("AciWebservice.deploy_configuration()", "AciWebservice.deploy_configuration(...)", "tool of your choice"),
        ("NycTlcGreen()", "NycTlcGreen()", "Dataset.File.from_files"),
        ("ws.webservices", "Workspace.webservices", "tool of your choice"),
        ("HyperDriveStep('x', None)", "HyperDriveStep(...)", "PythonScriptStep"),
        ("AksCompute.provisioning_configuration()", "AksCompute.provisioning_configuration()", ""),
    ],
)
def test_the_sentence_is_the_one_of_the_error(check, code, what, instead):
    """What is refused is said in the words of the error that the call would raise, without calling it."""
    head = (
        "from azureml.core import Workspace\nfrom azureml.core.webservice import AciWebservice\n"
        "from azureml.opendatasets import NycTlcGreen\nfrom azureml.pipeline.steps import HyperDriveStep\n"
        "from azureml.core.compute import AksCompute\nws = Workspace.from_config()\n"
    )
    found = only(check(head + code), what)

    assert found.state == "not there"
    assert instead in found.instead
    assert "..." not in found.instead


def test_arguments_that_are_refused_are_found(check):
    """An argument that makes a call fail is said to be missing; with None, or without it, the call is fine."""
    head = "from azureml.core import Workspace\n"

    assert check(head + "Workspace.create('a', storage_account=name())")[0].state == "not there"
    assert check(head + "Workspace.create('a', storage_account=None)")[0].state == "differs"
    assert check(head + "Workspace.create('a')")[0].state == "differs"


def test_arguments_that_no_signature_has_are_found(check):
    """A keyword that the function does not take is named; what comes by ** nobody can know."""
    head = "from azureml.pipeline.steps import PythonScriptStep\n"

    assert "'colour'" in check(head + "PythonScriptStep('a.py', colour=1)")[0].text
    assert check(head + "PythonScriptStep('a.py', **given)")[0].state == "differs"


def test_a_difference_has_its_row(check):
    """What differs is said in the words of the compatibility page, the clause about an argument first."""
    found = check("from azureml.core import Workspace\nWorkspace.from_config(auth=login)")[0]

    assert found.state == "differs"
    assert found.difference is not None
    assert found.difference.section == "Workspace and datastores"
    assert "auth is accepted without effect" in found.text


def test_a_step_finds_the_step_library(check):
    """A script that asks for its run is held against what scripts of steps find, and not against the rest."""
    code = "from azureml.core import Run, Environment\nrun = Run.get_context()\nrun.log('a', 1)\nEnvironment('e')\n"
    found = {finding.what: finding.state for finding in check(code)}

    assert found == {"Run.get_context()": "works", "Run.log(...)": "works", "Environment(...)": "not there"}


@pytest.mark.parametrize(
    ("module", "word"),
    [
        ("azure.ai.ml", "version 2"),
        ("mltable", "Dataset.Tabular"),
        ("azureml.mlflow", "Run.log"),
        ("azureml._x", "private"),
    ],
)
def test_imports_of_other_packages_have_a_word(check, module, word):
    """The newer SDK, and packages around v1, are said to be no part of this."""
    (found,) = check(f"import {module}")

    assert (found.state, word in found.text + found.instead) == ("not there", True)


def test_rows_are_about_names_of_the_face():
    """The page's rows are found by the names that stand in them."""
    keys = {key for row in read_differences() for key in row.keys}

    assert {"Workspace.create", "Pipeline.publish", "AmlCompute", "TabularDatasetFactory.from_sql_query"} <= keys


def test_every_row_of_the_page_is_read():
    """A row that the command cannot read would be lost without a word."""
    from airflow_ml.check import differences

    text = differences._page()
    rows = [
        line
        for line in text.splitlines()
        if line.startswith("| ") and not line.startswith(("| v1 |", "| way |", "| ---"))
    ]
    ways = text.partition("## Workspace")[0].count("\n| ") - 2

    assert len(read_differences()) == len(rows) - ways


def test_modules_of_the_step_library_are_found(check):
    """A step's script may import a module and take the names from it."""
    found = check("from azureml.core import run\nrun.Run.get_context().log('a', 1)")

    assert [finding.state for finding in found] == ["works", "works"]


def test_a_datastore_by_name_is_the_datastore(check):
    """What `Datastore(...)` gives is an object of another class, whose methods count."""
    found = check("from azureml.core import Datastore\nDatastore(w, 'raw').upload_files(['a'], target_path='b')")

    assert [finding.state for finding in found] == ["works", "works"]


def test_a_name_that_is_written_alike_is_proposed(check):
    """A slip is told with the name that is meant."""
    found = check("from azureml.core import Workspace\nWorkspace.from_config().get_default_datastor()")[-1]

    assert (found.state, "'get_default_datastore'" in found.instead) == ("not there", True)


def test_arguments_of_the_classes_below_count(check):
    """What makes a ComputeTarget makes an AmlCompute too, whose methods take more."""
    code = (
        "from azureml.core.compute import ComputeTarget\n"
        "ComputeTarget.create(ws, 'cpu', c).wait_for_completion(show_output=True, min_node_count=None)\n"
    )

    assert check(code)[-1].state == "works"
