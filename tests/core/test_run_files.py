"""Files of runs outside of a step, the snapshot as a zip, and models made of files."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from airflow_ml.core import Dataset, Experiment, Model, Run, Workspace
from airflow_ml.core.resource_configuration import ResourceConfiguration
from airflow_ml.exceptions import ModelPathNotFoundException, NotSupportedError, UserErrorException


@pytest.fixture
def run(workspace: Workspace, work: Path) -> Run:
    """Start an interactive run in a folder with a few files."""
    for name in ("a.txt", "folder/b.txt", "folder/sub/c.txt"):
        (work / name).parent.mkdir(parents=True, exist_ok=True)
        (work / name).write_text(name)
    return Experiment(workspace, "e").start_logging(snapshot_directory=None)


def files_below(folder: Path) -> list[str]:
    """Return the relative paths of a folder's files."""
    return sorted(place.relative_to(folder).as_posix() for place in folder.rglob("*") if place.is_file())


def test_uploads_are_found_by_name(run, work):
    """A file, a stream, several files and a folder are kept under the names that were given."""
    run.upload_file("one/a.txt", "a.txt")
    run.upload_file("stream", io.BytesIO(b"bytes"))
    places = run.upload_files(["two", "three"], ["a.txt", "a.txt"], return_artifacts=True)
    assert run.upload_files(["two"], ["a.txt"]) is None
    run.upload_folder("all", "folder")

    assert run.get_file_names() == ["all/b.txt", "all/sub/c.txt", "one/a.txt", "stream", "three", "two"]
    assert places["two"] == f"ExperimentRun/dcid.{run.id}/two"
    run.download_file("stream")
    assert (work / "stream").read_bytes() == b"bytes"


def test_wrong_uploads_say_what_is_wrong(run):
    """Missing files and folders, other objects, unequal lists and a datastore's name are errors."""
    with pytest.raises(UserErrorException, match="there is no file 'nowhere'"):
        run.upload_file("n", "nowhere")
    with pytest.raises(UserErrorException, match="got int, expected a path or a stream"):
        run.upload_file("n", 3)
    with pytest.raises(UserErrorException, match="there is no such folder"):
        run.upload_folder("n", "a.txt")
    with pytest.raises(TypeError, match="upload_files got 2 names and 1 paths"):
        run.upload_files(["a", "b"], ["a.txt"])
    with pytest.raises(NotSupportedError, match="not in 'store'"):
        run.upload_file("n", "a.txt", datastore_name="store")
    assert run.get_file_names() == []


def test_one_file_is_downloaded(run, work):
    """To its own name, to a path whose folders are made, or into a folder that exists; an unknown one is named."""
    run.upload_file("outputs/m.txt", "a.txt")
    (work / "into").mkdir()

    run.download_file("outputs/m.txt")
    run.download_file("outputs/m.txt", "new/n.txt")
    run.download_file("outputs/m.txt", "into")

    assert [(work / name).read_text() for name in ("m.txt", "new/n.txt", "into/m.txt")] == ["a.txt"] * 3
    with pytest.raises(UserErrorException, match="file 'x' does not exist"):
        run.download_file("x")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, ["all/b.txt", "all/sub/c.txt", "alls"]),
        ({"prefix": "all"}, ["all/b.txt", "all/sub/c.txt"]),
        ({"prefix": "all/", "append_prefix": False}, ["b.txt", "sub/c.txt"]),
        ({"prefix": "all", "output_paths": ["x", "y"]}, ["x", "y"]),
        ({"prefix": "all", "output_paths": ["x"]}, ["all/b.txt", "all/sub/c.txt"]),
        ({"prefix": "no"}, []),
        ({"prefix": "all/b.txt", "append_prefix": False}, ["all/b.txt"]),
    ],
)
def test_many_files_are_downloaded_as_v1_did(run, work, arguments, expected):
    """
    A prefix is a folder; it stays in the paths unless it is not wanted; paths must be as many as files.

    As one file's name it gives that file, under its whole path.
    """
    run.upload_folder("all", "folder")
    run.upload_file("alls", "a.txt")

    run.download_files(output_directory="back", **arguments)

    assert files_below(work / "back") == expected


def test_outputs_are_kept_when_the_run_ends(workspace, work):
    """The folder is made at the start (v1), and its files become the run's when it ends, however that is."""
    run = Experiment(workspace, "e").start_logging(outputs="./out", snapshot_directory=None)
    child = run.child_run(outputs=str(work / "of" / "child"))
    Path("out", "model.pkl").write_text("m")
    Path("of", "child", "log.txt").write_text("l")

    child.fail("no")
    run.complete()

    assert (run.get_file_names(), child.get_file_names()) == (["out/model.pkl"], ["child/log.txt"])


def test_code_is_restored_as_a_zip(workspace, work):
    """The current folder is the run's code unless none is wanted; the zip has the snapshot's name and content."""
    (work / "train.py").write_text("print(1)")
    run = Experiment(workspace, "e").start_logging()

    place = run.restore_snapshot(path="back")

    assert place == str(work / "back" / f"{run.get_snapshot_id()}.zip")
    with zipfile.ZipFile(place) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {"train.py": b"print(1)"}
    assert files_below(work / "back") == [Path(place).name]


def test_a_file_or_a_folder_becomes_a_model(run, work, workspace):
    """The model has the run, the data and copies of the files; `model_path` is the model's name unless given."""
    run.upload_folder("outputs/net", "folder")
    run.upload_file("single", "a.txt")
    data = Dataset.File.from_files((workspace.get_default_datastore(), "raw/"))
    run.complete()

    net = run.register_model("net", "outputs/net", tags={"a": "b"}, properties={"p": "1"}, datasets=[("train", data)])
    single = run.register_model("single", model_framework="Custom", description="d")

    assert files_below(Path(net.download("models"))) == ["b.txt", "sub/c.txt"]
    assert Path(single.download("models")).read_text() == "a.txt"
    assert (net.run_id, net.tags, net.properties, net.version) == (run.id, {"a": "b"}, {"p": "1"}, 1)
    assert (single.model_framework, single.description) == ("Custom", "d")
    assert [model.name for model in Model.list(workspace, run_id=run.id)] == ["single", "net"]
    assert [model.name for model in Model.list(workspace, dataset_id=data.ensure_saved(workspace))] == ["net"]


def test_what_is_kept_with_a_model(run, workspace):
    """Samples and resources are kept as by Model.register; other arguments are refused by name."""
    data = Dataset.File.from_files((workspace.get_default_datastore(), "raw/"))
    run.upload_file("m", "a.txt")

    model = run.register_model("m", sample_input_dataset=data, resource_configuration=ResourceConfiguration(cpu=2))

    assert model.sample_input_dataset.id == data.ensure_saved(workspace)
    assert model.resource_configuration.cpu == 2
    with pytest.raises(UserErrorException, match="unknown argument 'colour'"):
        run.register_model("m", colour="red")


def test_a_model_of_nothing_is_refused(run):
    """The error lists the run's files."""
    run.upload_file("outputs/m.pkl", "a.txt")

    with pytest.raises(ModelPathNotFoundException, match=r"'outputs/n' is none of its files, .*outputs/m.pkl"):
        run.register_model("n", "outputs/n")


def test_logs_are_written_below_a_folder(run, work):
    """Files in v1's folders of logs are logs; their texts are in the details on demand."""
    run.upload_file("logs/azureml/executionlogs.txt", "a.txt")
    run.upload_file("other", "a.txt")
    name = "logs/azureml/executionlogs.txt"

    assert run.get_details_with_logs()["logFiles"] == {name: "a.txt"}
    assert Path(run.get_details()["logFiles"][name]).read_text() == "a.txt"
    assert run.get_all_logs("back") == [f"back/{name}"]
    assert run.get_all_logs() == [f"assets/{run.id}/{name}"]
    with pytest.raises(UserErrorException, match="'a\\.txt' is a file, expected a folder"):
        run.get_all_logs("a.txt")
