"""Registered models."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_ml.core import Dataset, Model, Workspace
from airflow_ml.core.model import InferenceConfig
from airflow_ml.core.resource_configuration import ResourceConfiguration
from airflow_ml.core.webservice import AciWebservice, Webservice
from airflow_ml.exceptions import (
    ModelNotFoundException,
    ModelPathNotFoundException,
    NotSupportedError,
    UserErrorException,
    WebserviceException,
)


@pytest.fixture
def model(workspace: Workspace) -> Model:
    """A model of one file."""
    Path("model.pkl").write_bytes(b"weights")
    return Model.register(workspace, "model.pkl", "digits", tags={"kind": "svm"}, properties={"p": "q"})


def test_file_comes_back(model: Model) -> None:
    """A model that was a file is downloaded as a file of that name."""
    path = model.download("here")

    assert path == "here/model.pkl"
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
    """get_model_path downloads from the workspace that is named, and finds the copy again without it."""
    path = Model.get_model_path("digits", _workspace=workspace)

    assert path == "azureml-models/digits/1/model.pkl"
    assert Path(path).is_file()
    assert Model.get_model_path("digits") == Model.get_model_path("digits", version=1) == path


def test_model_path_may_be_a_file_here(work: Path) -> None:
    """Without a workspace and a copy, a file of that name in the current folder is taken (v1's last place)."""
    with pytest.raises(ModelNotFoundException, match="_workspace"):
        Model.get_model_path("model.pkl")
    Path("model.pkl").write_bytes(b"weights")

    assert Model.get_model_path("model.pkl") == "model.pkl"
    with pytest.raises(WebserviceException, match="whole number"):
        Model.get_model_path("model.pkl", version="1")  # type: ignore[arg-type]  # what is tested


def test_a_target_named_like_the_file_becomes_a_folder(model: Model) -> None:
    """v1 downloads into a folder, whatever its name."""
    assert model.download("model.pkl.new") == "model.pkl.new/model.pkl"


def test_child_paths_take_a_part_of_a_folder(workspace: Workspace) -> None:
    """Only the files and folders that are named are registered, at their places."""
    Path("net/inner").mkdir(parents=True)
    for name in ("a", "b", "inner/c"):
        Path("net", name).write_text(name)

    path = Model.register(workspace, "net", "net", child_paths=["a", "inner"]).download("here")

    assert sorted(item.relative_to(path).as_posix() for item in Path(path).rglob("*")) == ["a", "inner", "inner/c"]
    with pytest.raises(ModelPathNotFoundException, match="'gone'"):
        Model.register(workspace, "net", "net", child_paths=["gone"])
    with pytest.raises(UserErrorException, match="is not in"):
        Model.register(workspace, "net", "net", child_paths=["../other"])
    with pytest.raises(UserErrorException, match="list of paths in a folder"):
        Model.register(workspace, "net/a", "net", child_paths=["a"])


def test_what_is_said_of_a_model_is_kept(workspace: Workspace) -> None:
    """Framework, samples, resources and datasets come back, and can be changed."""
    Path("model.pkl").write_bytes(b"weights")
    store = workspace.get_default_datastore()
    first, second = (Dataset.File.from_files((store, name)) for name in ("first", "second"))

    model = Model.register(
        workspace,
        "model.pkl",
        "digits",
        model_framework=Model.Framework.SCIKITLEARN,
        datasets=[("training", first)],
        sample_input_dataset=first,
        resource_configuration=ResourceConfiguration(cpu=1, memory_in_gb=0.5),
    )
    model.add_dataset_references([("validation", second)])
    model.update(description="better", sample_output_dataset=second)

    again = Model(workspace, "digits", model_framework="ScikitLearn")
    assert {use: len(found) for use, found in again.datasets.items()} == {"training": 1, "validation": 1}
    assert again.sample_input_dataset is not None
    assert again.sample_output_dataset is not None
    assert again.resource_configuration is not None
    assert (again.resource_configuration.cpu, again.resource_configuration.memory_in_gb) == (1, 0.5)
    assert again.description == "better"
    assert [item.id for item in Model.list(workspace, dataset_id=second.id)] == ["digits:1"]


def test_a_serialized_model_can_be_read(workspace: Workspace, model: Model) -> None:
    """Deserialize is the inverse of serialize and looks nothing up."""
    again = Model.deserialize(workspace, model.serialize())

    assert again.serialize() == model.serialize()
    assert again.download("here") == "here/model.pkl"
    with pytest.raises(UserErrorException, match="serialize"):
        Model.deserialize(workspace, {"name": "digits"})


def test_a_model_of_a_run_names_it(workspace: Workspace) -> None:
    """Run and experiment of a model that a run registered are at hand."""
    run = workspace.registry().runs.create("e", "r", kind="interactive")
    workspace.registry().models.register("net", datastore="workspaceartifactstore", path="x", run_id=run.id)

    model = Model(workspace, "net")
    assert model.run is not None
    assert (model.run.id, model.experiment_name) == (run.id, "e")
    assert model.url == "datastore://workspaceartifactstore/x"


def test_tags_change_and_properties_grow(workspace: Workspace, model: Model) -> None:
    """Tags may be replaced and removed; properties are added, and another value is refused (v1 rule)."""
    model.add_tags({"a": "b"})
    model.remove_tags(["kind"])
    model.add_properties({"p": "q", "r": "s"})
    with pytest.raises(WebserviceException, match="'p' is 'q' and cannot become 'other'"):
        model.update_tags_properties(add_tags={"not": "added"}, add_properties={"p": "other"})

    again = Model(workspace, "digits")
    assert again.tags == {"a": "b"}
    assert again.properties == {"p": "q", "r": "s"}


def test_serving_is_not_done(workspace: Workspace, model: Model) -> None:
    """Everything that needs a service names the way out; v1's classes can be imported and named."""
    assert not isinstance(model, (Webservice, InferenceConfig))
    assert not hasattr(Webservice, "list")
    for use in (
        lambda: Model.deploy(workspace, "service", [model]),
        lambda: Model.package(workspace, [model]),
        lambda: Model.profile(workspace, "p", [model], None, None),  # type: ignore[arg-type]  # never looked at
        lambda: Model.print_configuration([model], None, None, None),
        lambda: InferenceConfig("score.py"),
        lambda: AciWebservice.deploy_configuration(cpu_cores=1),
        model.get_sas_urls,
    ):
        with pytest.raises(NotSupportedError, match="download"):
            use()


def test_labels_become_text(workspace: Workspace, model: Model) -> None:
    """Numbers in tags and properties are text afterwards, as v1's service answers them, and are found as text."""
    model.add_tags({"accuracy": 0.9})
    model.add_properties({"epochs": 3})

    assert (model.tags["accuracy"], model.properties["epochs"]) == ("0.9", "3")
    assert [found.id for found in Model.list(workspace, tags=[["accuracy", "0.9"]])] == [model.id]
