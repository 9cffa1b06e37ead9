"""Registered models."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_ml.core import Model, Workspace
from airflow_ml.exceptions import (
    ModelNotFoundException,
    ModelPathNotFoundException,
    NotSupportedError,
    UserErrorException,
)


@pytest.fixture
def model(workspace: Workspace) -> Model:
    """A model of one file."""
    Path("model.pkl").write_bytes(b"weights")
    return Model.register(workspace, "model.pkl", "digits", tags={"kind": "svm"}, properties={"p": "q"})


def test_file_comes_back(model: Model) -> None:
    """A model that was a file is downloaded as a file of that name."""
    path = model.download("here")

    assert Path(path) == Path("here/model.pkl").absolute()
    assert Path(path).read_bytes() == b"weights"
    with pytest.raises(UserErrorException, match="exist_ok"):
        model.download("here")
    assert model.download("here", exist_ok=True) == path


def test_folder_comes_back(workspace: Workspace) -> None:
    """A model that was a folder is downloaded as a folder of that name."""
    Path("net/inner").mkdir(parents=True)
    Path("net/inner/w.bin").write_text("1")

    path = Model.register(workspace, "net", "net").download("here")

    assert (Path(path) / "inner" / "w.bin").read_text() == "1"


def test_versions_are_counted_and_found(workspace: Workspace, model: Model) -> None:
    """The newest one is found by name; id, version, tags and properties narrow."""
    second = Model.register(workspace, "model.pkl", "digits")

    assert (model.version, second.version) == (1, 2)
    assert Model(workspace, "digits").version == 2
    assert Model(workspace, "digits", version=1).tags == {"kind": "svm"}
    assert Model(workspace, id="digits:1").properties == {"p": "q"}
    assert [item.id for item in Model.list(workspace, tags=[["kind", "svm"]])] == ["digits:1"]
    assert workspace.models["digits"].version == 2


def test_missing_models_raise(workspace: Workspace, model: Model) -> None:
    """An unknown name or version, or a path that is not there."""
    for arguments in ({"name": "other"}, {"name": "digits", "version": 7}, {"id": "digits:9"}):
        with pytest.raises(ModelNotFoundException, match="ModelNotFound"):
            Model(workspace, **arguments)  # type: ignore[arg-type]  # each a legal combination
    with pytest.raises(ModelPathNotFoundException):
        Model.register(workspace, "nothing.pkl", "digits")


def test_model_path_is_a_local_copy(workspace: Workspace, model: Model) -> None:
    """get_model_path downloads once the workspace is named; without one it says so."""
    path = Path(Model.get_model_path("digits", _workspace=workspace))

    assert path == Path("azureml-models/digits/1/model.pkl").absolute()
    assert path.is_file()
    with pytest.raises(ModelNotFoundException, match="_workspace"):
        Model.get_model_path("digits")


def test_tags_change_and_properties_grow(workspace: Workspace, model: Model) -> None:
    """Tags may be replaced and removed; properties keep their values."""
    model.add_tags({"a": "b"})
    model.remove_tags(["kind"])
    model.add_properties({"p": "other", "r": "s"})

    again = Model(workspace, "digits")
    assert again.tags == {"a": "b"}
    assert again.properties == {"p": "q", "r": "s"}


def test_serving_is_not_done(workspace: Workspace, model: Model) -> None:
    """Deploy names the way out."""
    with pytest.raises(NotSupportedError, match="download"):
        Model.deploy(workspace, "service", [model])
