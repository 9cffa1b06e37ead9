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


def test_tags_and_names_are_changed(step):
    """add_tags, remove_tags and update send the whole tags; the last gives up the name."""
    requests = []

    def update(params):
        requests.append(dict(params))
        return saved(FILES, name="raw", version=2, tags=params["tags"] or {}, description=params["description"])

    step.handlers["dataset.update"] = update
    step.handlers["dataset.unregister"] = lambda params: requests.append(dict(params)) or {"count": 2}
    step.handlers["dataset.get"] = lambda params: saved(FILES, name="raw", version=2, tags={"a": "1"})

    step.run("""
        from azureml.core import Dataset, Workspace
        dataset = Dataset.get_by_name(Workspace.from_config(), "raw")
        changed = dataset.add_tags({"b": "2"}).remove_tags(["a"])
        assert changed.tags == {"b": "2"} and dataset.tags == {"a": "1"}
        assert changed.update(description="d").description == "d"
        try:
            dataset.add_tags({"a": "2"})
        except Exception as exc:
            assert "other values" in str(exc)
        dataset.unregister_all_versions()
        dataset.take(1).unregister_all_versions()
    """)

    assert [request.get("tags") for request in requests[:2]] == [{"a": "1", "b": "2"}, {"b": "2"}]
    assert requests[-1] == {"name": "raw"}


def test_conditions_and_times(step, staged, python):
    """Filters and time columns are steps of the definition, and apply when the table is read."""
    step.write(inputs={"t": {"mode": "direct", "kind": "tabular", "dataset": saved(TABLE)}})

    step.run("""
        import datetime
        from azureml.core import Run
        table = Run.get_context().input_datasets["t"]
        chosen = table.filter((table["x"] > 1) & ~table["y"].starts_with("c"))
        assert chosen.to_pandas_dataframe()["x"].tolist() == [2, 4]
        marked = table.with_timestamp_columns("y")
        assert marked.timestamp_columns == ("y", None)
        assert marked.drop_columns("y").timestamp_columns == (None, None)
        timed = marked.time_after(datetime.datetime(2020, 1, 1), validate=False)
        assert timed.definition["steps"][0]["expression"]["op"] == "ge"
    """)


def test_definitions_are_made_on_every_python(step, staged, python):
    """Factories and conditions need neither pandas nor a newer Python than the step's."""
    step.python = python
    step.handlers["datastore.list"] = lambda params: [{"name": "blob", "type": "AzureBlob", "is_default": True}]

    step.run("""
        from azureml.core import Dataset, Datastore, Workspace
        from azureml.data.dataset_factory import DataType
        store = Datastore.get_default(Workspace.from_config())
        files = Dataset.File.from_files([(store, "/raw/*.csv"), "https://host/a.csv"], partition_format="{d:yyyy}.csv")
        assert files.definition == {
            "kind": "file",
            "sources": [{"datastore": "blob", "path": "raw/*.csv"}, {"url": "https://host/a.csv"}],
            "partition_format": "{d:yyyy}.csv",
        }
        assert files.partition_keys == ["d"]
        assert files.filter(files.file_metadata("Size") > 3).take(1).definition["steps"][1]["op"] == "take"
        table = Dataset.Tabular.from_delimited_files(
            store.path("t.csv"), separator=";", set_column_types={"a": DataType.to_long()}
        )
        assert table.definition["parse"] == {
            "format": "delimited", "separator": ";", "set_column_types": {"a": {"type": "long"}}
        }
        assert Dataset.Tabular.from_parquet_files((store, "p")).definition["parse"] == {"format": "parquet"}
        for wrong in ("local.csv", [], 3, (store, "../x")):
            try:
                Dataset.File.from_files(wrong)
            except Exception as exc:
                assert type(exc).__name__ == "UserErrorException", exc
            else:
                raise AssertionError(wrong)
    """)


def test_factories_without_a_counterpart_say_what_to_do(step):
    """Spark is an error that says what to do instead."""
    done = step.run("from azureml.core import Dataset; Dataset.Tabular.register_spark_dataframe(1)", check=False)

    assert "register_spark_dataframe is not supported; use register_pandas_dataframe" in done.stderr


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
