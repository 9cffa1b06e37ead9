from pathlib import Path

import pytest


@pytest.fixture
def registered(step):
    """The requests for registration that the operator gets; it says version 3 to each."""
    requests = []

    def register(params):
        requests.append(dict(params))
        return {"id": "m:3", "name": params["name"], "version": 3, "tags": params["tags"], "run_id": "run-1"}

    step.handlers["model.register"] = register
    return requests


def test_register_from_the_working_directory(step, registered):
    """A file in the snapshot's folder is registered from where it lies."""
    step.run("""
        import os
        from azureml.core import Run
        os.makedirs("outputs"); open("outputs/m.pkl", "w").write("model")
        model = Run.get_context().register_model("m", "outputs/m.pkl", tags={"a": "b"}, description="d")
        assert (model.name, model.version, model.tags) == ("m", 3, {"a": "b"})
    """)

    assert registered[0]["path"] == str(Path(step.directory.code) / "outputs" / "m.pkl")
    assert registered[0]["description"] == "d"


def test_register_uploaded_artifacts(step, registered):
    """An artifact or a folder of them is registered also when the file has gone."""
    step.run("""
        import os
        from azureml.core import Run
        run = Run.get_context()
        open("x", "w").write("model")
        run.upload_file("outputs/model/m.pkl", "x"); os.unlink("x")
        run.register_model("folder", "outputs/model")
        run.register_model("file", "outputs/model/m.pkl")
    """)

    folder, file = (Path(request["path"]) for request in registered)
    assert folder.name == "model"
    assert (folder / "m.pkl").read_text() == file.read_text() == "model"
    assert step.directory.contains(str(folder))


def test_register_from_outside(step, registered, tmp_path):
    """What lies outside the run directory is copied into it, under its own name."""
    (tmp_path / "elsewhere" / "sub").mkdir(parents=True)
    (tmp_path / "elsewhere" / "sub" / "w.bin").write_text("weights")

    step.run(f"""
        from azureml.core import Model, Run
        ws = Run.get_context().experiment.workspace
        Model.register(ws, {str(tmp_path / "elsewhere")!r}, "folder")
        Model.register(ws, model_path={str(tmp_path / "elsewhere/sub/w.bin")!r}, model_name="file")
    """)

    folder, file = (Path(request["path"]) for request in registered)
    assert step.directory.contains(str(folder))
    assert (folder.name, file.name) == ("elsewhere", "w.bin")
    assert (folder / "sub" / "w.bin").read_text() == file.read_text() == "weights"


def test_register_nothing(step, registered):
    """A model path that is nowhere is an error that lists what was uploaded."""
    done = step.run("from azureml.core import Run; Run.get_context().register_model('m')", check=False)

    assert "ModelPathNotFoundException: model path 'm': neither in the working directory" in done.stderr
    assert registered == []


def test_model_path(step):
    """`get_model_path` is the path that the operator has staged."""
    step.handlers["model.path"] = lambda params: {"path": f"/staged/{params['name']}/{params['version']}"}

    done = step.run("from azureml.core.model import Model; print(Model.get_model_path('m', version=2))")

    assert done.stdout == "/staged/m/2\n"


def test_list_and_get(step):
    """Models are found by name, tag and as the newest version; the operator compares names, the script labels."""
    models = [{"id": f"a:{n}", "name": "a", "version": n, "tags": {"best": str(n)}} for n in (2, 1)]
    step.handlers["model.list"] = lambda params: (
        models[: 1 if params["latest"] else 2] if params["name"] in (None, "a") else []
    )
    step.handlers["model.get"] = lambda params: next(m for m in models if params["version"] in (None, m["version"]))

    done = step.run(
        """
        from azureml.core import Model, Workspace
        ws = Workspace.from_config()
        assert [m.version for m in Model.list(ws, name="a", latest=True)] == [2]
        assert [m.version for m in Model.list(ws, tags=[["best", "1"]])] == [1]
        assert Model.list(ws, name="b") == []
        assert (Model(ws, "a").version, Model(ws, id="a:1").version, ws.models["a"].version) == (2, 1, 2)
        assert Model(ws, "a", tags=["best"]).version == 2 and Model(ws, tags=[["best", "1"]]).version == 1
        Model(ws, "a", tags=["worst"])
        """,
        check=False,
    )

    assert "ModelNotFoundException: ModelNotFound: no model is registered with name 'a', version None" in done.stderr


def test_register_describes(step, registered):
    """Metrics given as tags become text, datasets go with their purpose, and another run's model says so."""
    step.handlers["run.files"] = lambda params: []
    step.handlers["dataset.get"] = lambda params: {
        "id": "d",
        "name": None,
        "version": None,
        "definition": {"kind": "file"},
    }
    step.run("""
        from azureml.core import Dataset, Run
        run = Run.get_context()
        open("m.pkl", "w").close()
        data = Dataset.get_by_id(run.experiment.workspace, "d")
        run.parent.register_model("m", "m.pkl", tags={"mse": 0.5, "none": None}, datasets=[("training data", data)])
    """)

    (request,) = registered
    assert request["run"] == "pipeline-1"
    assert request["tags"] == {"mse": "0.5", "none": ""}
    assert request["datasets"] == [["training data", {"id": "d", "definition": {"kind": "file"}}]]


def test_what_a_model_tells(step):
    """A model tells when and by which run it was registered, and with which datasets."""
    record = {"id": "m:1", "name": "m", "version": 1, "run_id": "run-1", "created_at": "2026-01-02T03:04:05+00:00"}
    step.handlers["model.get"] = lambda params: {**record, "datasets": [["training", "d-1"]]}
    step.handlers["dataset.get"] = lambda params: {
        "id": params["id"],
        "name": None,
        "version": None,
        "definition": {"kind": "file"},
    }

    step.run("""
        from azureml.core import Model, Workspace
        model = Model(Workspace.from_config(), "m")
        assert (model.created_time.year, model.run.id) == (2026, "run-1")
        assert [data.id for data in model.datasets["training"]] == ["d-1"]
        assert model.serialize()["id"] == "m:1" and Model.Framework.SCIKITLEARN == "ScikitLearn"
    """)


def test_tags_change(step):
    """Tags of a model are added, removed and replaced; the operator is given all that shall be there."""
    asked = []

    def update(params):
        asked.append(params)
        return {"id": "m:1", "name": "m", "version": 1, "tags": params["tags"]}

    step.handlers["model.get"] = lambda params: {"id": "m:1", "name": "m", "version": 1, "tags": {"a": "1"}}
    step.handlers["model.update"] = update
    step.run("""
        from azureml.core import Model, Workspace
        model = Model(Workspace.from_config(), "m")
        model.add_tags({"b": 2}); model.remove_tags(["a"]); model.add_properties({"p": "1"})
        assert model.tags == {"b": "2"}
        model.update(tags={})
    """)

    assert [params["tags"] for params in asked] == [{"a": "1", "b": "2"}, {"b": "2"}, {"b": "2"}, {}]
    assert asked[2]["add_properties"] == {"p": "1"}


def test_serving_is_refused(step):
    """Arguments that concern serving are refused by name."""
    done = step.run(
        "from azureml.core import Run; Run.get_context().register_model('m', 'm', resource_configuration=1)",
        check=False,
    )

    assert "NotSupportedError: model 'm': resource_configuration: not supported" in done.stderr
