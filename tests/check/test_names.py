"""Which uses of v1's names are found in code, whatever way the names come."""

import pytest

_WORKSPACE = "from azureml.core import Workspace\n"


def states(findings) -> dict[str, str]:
    """Return the verdict on each use."""
    return {finding.what: finding.state for finding in findings}


@pytest.mark.parametrize(
    "code",
    [
        "import azureml.core\nazureml.core.Workspace.from_config().list_keys()",
        "import azureml.core as sdk\nsdk.Workspace.from_config().list_keys()",
        "import azureml\nimport azureml.core\nazureml.core.workspace.Workspace.from_config().list_keys()",
        "from azureml import core\ncore.Workspace.from_config().list_keys()",
        "from azureml.core.workspace import Workspace as W\nws = W.from_config()\nws.list_keys()",
        "from azureml.core import *\nWorkspace.from_config().list_keys()",
        "from airflow_ml.core import Workspace\nWorkspace.from_config().list_keys()",
    ],
)
def test_every_way_of_importing_leads_to_the_same_names(check, code):
    """A module, an alias, a star, our own name: the call is the same call."""
    assert states(check(code))["Workspace.list_keys()"] == "not there"


@pytest.mark.parametrize(
    "code",
    [
        "ws: Workspace = load()\nws.list_keys()",
        "def keys(ws: Workspace):\n    return ws.list_keys()",
        "def keys(ws: 'Workspace'):\n    return ws.list_keys()",
        "def keys(ws):\n    return ws.list_keys()",
        "def keys(there):\n    return there.list_keys()\nkeys(Workspace.from_config())",
        "def find():\n    return Workspace.from_config()\nfind().list_keys()",
        "class Job:\n    def __init__(self, w):\n        self.w = w\n    def go(self):\n        self.w.list_keys()\n"
        "Job(Workspace.from_config()).go()",
        "a, b = Workspace.from_config(), 3\na.list_keys()",
        "ws = Workspace.from_config() if True else None\nws.list_keys()",
        "for one in [Workspace.from_config()]:\n    one.list_keys()",
        "[one.list_keys() for one in [Workspace.from_config()]]",
        "with open('x') as f:\n    Workspace.from_config().list_keys()",
        "try:\n    ws = Workspace.from_config()\nexcept Exception:\n    ws = other()\nws.list_keys()",
        "import asyncio\nasync def go():\n    Workspace.from_config().list_keys()",
    ],
)
def test_values_are_followed(check, code):
    """Annotations, parameters, returns, attributes of objects, tuples, loops and branches keep what they stand for."""
    assert states(check(_WORKSPACE + code))["Workspace.list_keys()"] == "not there"


def test_what_calls_return_is_followed(check):
    """The types of our own annotations say what a method gives: datastores, runs, steps."""
    code = """
from azureml.core import Dataset, Experiment, Workspace
from azureml.pipeline.core import Pipeline
ws = Workspace.from_config()
for name, dataset in ws.datasets.items():
    dataset.to_spark_dataframe()
run = Experiment(ws, "one").submit(Pipeline(ws, steps=[]))
for step in run.get_steps():
    step.get_stdout_log()
Dataset.Tabular.from_delimited_files(ws.get_default_datastore().path("a.csv")).to_spark_dataframe()
"""
    found = states(check(code))

    assert found["TabularDataset.to_spark_dataframe()"] == "not there"
    assert found["PipelineRun.get_steps()"] == "works"
    assert found["StepRun.get_stdout_log()"] == "differs"


@pytest.mark.parametrize(
    "code",
    [
        "def lists(data):\n    return data.to_pandas_dataframe()\nlists(files)\nlists(table)",
        "for data in [files, table]:\n    data.to_pandas_dataframe()",
        "if x:\n    data = table\nelse:\n    data = files\ndata.to_pandas_dataframe()",
        "data = files if x else table\ndata.to_pandas_dataframe()",
    ],
)
def test_what_may_be_one_of_two_is_not_judged(check, code):
    """Where a name stands for things of two kinds, nothing is said that holds for one of them alone."""
    head = (
        "from azureml.core import Dataset\nfiles = Dataset.File.from_files('a')\n"
        "table = Dataset.Tabular.from_delimited_files('a')\n"
    )

    assert "not there" not in states(check(head + code)).values()


def test_other_objects_are_left_alone(check):
    """Nothing is said of names that have nothing to do with v1, or that nothing is known of."""
    code = "import pandas\nws = connect()\nws.list_keys()\npandas.DataFrame().get()\nclass Workspace: ...\nWorkspace()"

    assert check(code) == []


def test_a_line_and_a_file_are_named(check):
    """A place is the file and the line, as editors and shells read it."""
    found = check(f"{_WORKSPACE}\n\nWorkspace.from_config()\n")

    assert str(found[0].place).endswith("script.py:4")


def test_private_and_unknown_names_are_not_there(check):
    """A name that neither v1 nor we have is said to be missing, once, and nothing of what follows from it."""
    found = check(
        _WORKSPACE + "ws = Workspace.from_config()\nws.fly().high().higher()\nfrom azureml.core import Spaceship"
    )

    assert [finding.what for finding in found if finding.state == "not there"] == [
        "Workspace.fly(...)",
        "from azureml.core import Spaceship",
    ]
