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
    """Models are found by name, tag and as the newest version."""
    models = [{"id": f"a:{n}", "name": "a", "version": n, "tags": {"best": str(n)}} for n in (1, 2)]
    step.handlers["model.list"] = lambda params: models
    step.handlers["model.get"] = lambda params: models[(params["version"] or 2) - 1]

    step.run("""
        from azureml.core import Model, Workspace
        ws = Workspace.from_config()
        assert [m.version for m in Model.list(ws, name="a", latest=True)] == [2]
        assert [m.version for m in Model.list(ws, tags=[["best", "1"]])] == [1]
        assert Model.list(ws, name="b") == []
        assert (Model(ws, "a").version, Model(ws, id="a:1").version, ws.models["a"].version) == (2, 1, 2)
    """)
