from pathlib import Path

import pytest

FILES = {"kind": "file", "sources": [{"datastore": "blob", "path": "raw/"}]}
TABLE = {"kind": "tabular", "sources": [{"datastore": "blob", "path": "t.csv"}], "parse": {"format": "delimited"}}


def saved(definition, **changes):
    """Return a dataset's record as the operator gives it."""
    return {"id": "d-1", "name": None, "version": None, "definition": definition, **changes}


@pytest.fixture
def staged(step, tmp_path):
    """Files that the operator stages whatever is asked; gives the requests it gets."""
    root = tmp_path / "staged"
    (root / "sub").mkdir(parents=True)
    (root / "a.csv").write_text("x,y\n1,a\n2,b\n3,c\n")
    (root / "sub" / "b.csv").write_text("x,y\n4,d\n")
    requests = []

    def stage(params):
        requests.append(dict(params))
        definition = params.get("definition") or TABLE
        return {"root": str(root), "files": ["a.csv", "sub/b.csv"], "definition": definition}

    step.handlers["dataset.stage"] = stage
    return requests


def test_inputs(step):
    """A direct input is a dataset; a mounted, downloaded or plain one is its path; others are a KeyError."""
    step.write(
        inputs={
            "direct": {"mode": "direct", "kind": "tabular", "dataset": saved(TABLE)},
            "mounted": {"mode": "mount", "kind": "file", "path": "/in/m", "dataset": saved(FILES)},
            "data": {"mode": "download", "kind": "path", "path": "/in/d", "dataset": None},
        },
        outputs={"out": {"kind": "file_dataset", "path": "/out"}},
    )

    done = step.run(
        """
        from azureml.core import Run
        from azureml.data import TabularDataset
        run = Run.get_context()
        inputs = run.input_datasets
        assert isinstance(inputs["direct"], TabularDataset) and inputs["direct"].id == "d-1"
        assert (inputs["mounted"], inputs["data"], sorted(inputs)) == ("/in/m", "/in/d", ["data", "direct", "mounted"])
        assert run.output_datasets["out"] == "/out"
        inputs["other"]
        """,
        check=False,
    )

    assert "KeyError: \"input 'other': this step has ['data', 'direct', 'mounted']\"" in done.stderr


def test_look_up(step):
    """Datasets are found by id, by name and version, and all at once."""
    step.handlers["dataset.get"] = lambda params: saved(FILES, name=params.get("name"), version=params.get("version"))
    step.handlers["dataset.list"] = lambda params: [saved(TABLE, name="t", version=2)]

    step.run("""
        from azureml.core import Dataset, Workspace
        ws = Workspace.from_config()
        assert Dataset.get_by_id(ws, "d-1").id == "d-1"
        assert Dataset.get_by_name(ws, "raw").version is None
        assert Dataset.get_by_name(ws, "raw", version="3").version == 3
        assert ws.datasets["t"].version == Dataset.get_all(ws)["t"].version == 2
    """)


def test_file_dataset(step, staged, python):
    """A file dataset's files are listed, copied and mounted."""
    step.python = python
    step.handlers["dataset.get"] = lambda params: saved(FILES)

    step.run("""
        import os
        from azureml.core import Dataset, Workspace
        dataset = Dataset.get_by_id(Workspace.from_config(), "d-1")
        assert dataset.to_path() == ["/a.csv", "/sub/b.csv"]
        paths = dataset.download("here")
        assert paths == [os.path.abspath("here/a.csv"), os.path.abspath("here/sub/b.csv")]
        with dataset.mount() as mounted:
            assert os.listdir(mounted.mount_point + "/sub") == ["b.csv"]
        os.mkdir("point")
        with dataset.mount("point"):
            assert open("point/sub/b.csv").read().endswith("4,d\\n")
        assert not os.path.exists("point")
        try:
            dataset.download("here")
        except Exception as exc:
            assert "exists; give overwrite=True" in str(exc)
    """)


def test_frame(step, staged):
    """A tabular input is read as a frame; each method gives a new dataset that is staged by its definition."""
    step.write(inputs={"t": {"mode": "direct", "kind": "tabular", "dataset": saved(TABLE)}})

    step.run("""
        from azureml.core import Run
        table = Run.get_context().input_datasets["t"]
        assert table.to_pandas_dataframe()["x"].tolist() == [1, 2, 3, 4]
        small = table.skip(1).take(2).keep_columns("y")
        assert small.to_pandas_dataframe().to_dict("list") == {"y": ["b", "c"]}
        one, two = table.random_split(0.5)
        both = one.to_pandas_dataframe()["x"].tolist() + two.to_pandas_dataframe()["x"].tolist()
        assert sorted(both) == [1, 2, 3, 4]
        assert table.id == "d-1" and small.id is None
    """)

    assert staged[0] == {"id": "d-1"}
    assert [step["op"] for step in staged[1]["definition"]["steps"]] == ["skip", "take", "keep_columns"]


def test_register(step):
    """Registering sends the definition and gives a dataset with name and version."""
    requests = []

    def register(params):
        requests.append(dict(params))
        return saved(params["definition"], name=params["name"], version=1)

    step.handlers["dataset.register"] = register
    step.write(inputs={"t": {"mode": "direct", "kind": "tabular", "dataset": saved(TABLE)}})

    step.run("""
        from azureml.core import Run
        run = Run.get_context()
        made = run.input_datasets["t"].register(run.experiment.workspace, "table", tags={"a": "b"})
        assert (made.name, made.version) == ("table", 1)
    """)

    assert requests[0] == {
        "name": "table",
        "definition": TABLE,
        "description": None,
        "tags": {"a": "b"},
        "create_new_version": False,
    }


def test_factories_say_what_to_do(step):
    """Making a dataset inside a step is an error that says where to make it."""
    done = step.run("from azureml.core import Dataset; Dataset.Tabular.from_delimited_files('x')", check=False)

    assert "Dataset.Tabular.from_delimited_files is not available inside a step; make the dataset where" in done.stderr


def test_dataset_that_is_not_there(step):
    """The operator's error is raised in the script as the class it had there."""
    from airflow_ml.exceptions import DatasetNotFoundError

    def missing(params):
        raise DatasetNotFoundError("dataset 'no': not registered")

    step.handlers["dataset.get"] = missing
    done = step.run(
        """
        from azureml.core import Dataset, Workspace
        from azureml.exceptions import UserErrorException
        try:
            Dataset.get_by_name(Workspace.from_config(), "no")
        except UserErrorException as exc:
            print(type(exc).__name__, exc)
        """
    )

    assert done.stdout == "DatasetNotFoundError dataset 'no': not registered\n"
    assert Path(step.directory.root).is_dir()
