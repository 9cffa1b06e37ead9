"""How scripts get datasets, data references and parameters that name data."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from servers.absent import skip_without

from airflow_ml.compute.binding import may_bind
from airflow_ml.core import Dataset
from airflow_ml.data.data_reference import DataReference
from airflow_ml.data.datapath import DataPath, DataPathComputeBinding
from airflow_ml.data.dataset_consumption_config import DatasetConsumptionConfig
from airflow_ml.pipeline.core import PipelineParameter

DUMP = """
import json, os, sys
from azureml.core import Run
given = dict(Run.get_context().input_datasets)
place = sys.argv[1]
found = sorted(os.listdir(place)) if os.path.isdir(place) else open(place).read() if os.path.exists(place) else None
print(json.dumps({"argument": place, "variable": os.environ.get("raw"), "upper": os.environ.get("RAW"),
                  "found": found, "given": {name: str(value) for name, value in given.items()}}))
"""


@pytest.fixture
def store(workspace):
    """The default datastore with `data/a.txt` and `data/b.txt` on it."""
    datastore = workspace.get_default_datastore()
    Path("local").mkdir()
    for name in "ab":
        Path("local", f"{name}.txt").write_text(f"text {name}")
    datastore.upload("local", target_path="data")
    return datastore


@pytest.fixture
def dump(script, start):
    """Run a script that prints what it finds at its argument, and return that."""

    def run(argument: object, **opening: object) -> dict:
        started = start(script(DUMP, argument, inputs=[argument]), **opening)
        started.run()
        return {**json.loads(started.log[-1]), "started": started}

    return run


@pytest.mark.parametrize("mode", ["mount", "download"])
def test_a_folder_dataset_is_a_folder(store, dump, mode):
    """Mounted or downloaded, a dataset of a folder is a folder; argument, variables and input_datasets agree."""
    dataset = Dataset.File.from_files((store, "data")).as_named_input("raw")

    seen = dump(dataset.as_mount() if mode == "mount" else dataset.as_download())

    assert seen["found"] == ["a.txt", "b.txt"]
    assert seen["argument"] == seen["variable"] == seen["upper"] == seen["given"]["raw"]


@pytest.mark.parametrize("mode", ["mount", "download"])
def test_a_single_file_dataset_is_that_file(store, dump, mode):
    """A dataset defined by one file hands the script the file's path."""
    dataset = Dataset.File.from_files((store, "data/a.txt")).as_named_input("raw")

    seen = dump(dataset.as_mount() if mode == "mount" else dataset.as_download())

    assert seen["found"] == "text a"


def test_a_direct_dataset_is_its_id(store, dump, workspace):
    """In direct mode the argument is the saved dataset's id, and input_datasets holds a dataset."""
    dataset = Dataset.File.from_files((store, "data"))

    seen = dump(dataset.as_named_input("raw"))

    assert Dataset.get_by_id(workspace, seen["argument"]).to_path() == ["/a.txt", "/b.txt"]
    assert "Dataset" in seen["given"]["raw"]


def test_a_path_that_is_not_there_mounts_as_an_empty_place(store, dump):
    """Mounting a data reference never asks whether there is anything (v1)."""
    assert dump(DataReference(store, "raw", path_on_datastore="nobody/made/this"))["found"] == []


def test_downloading_a_path_that_is_not_there_fails(store, script, start):
    """Downloading nothing is an error that names step, input and path."""
    reference = DataReference(store, "raw", path_on_datastore="nobody/made/this", mode="download")

    error = start(script(DUMP, reference, inputs=[reference])).fail()

    assert "input 'raw'" in str(error)
    assert "nobody/made/this" in str(error)


def test_a_dataset_whose_data_is_gone_fails(store, script, start):
    """A dataset path that is missing in the run is one error that names step, input and path."""
    dataset = Dataset.File.from_files((store, "data")).as_named_input("raw").as_mount()
    started = start(script(DUMP, dataset))
    started.services.store(store.name).delete("data", recursive=True)

    error = started.fail()

    assert "input 'raw'" in str(error)
    assert "'data'" in str(error)


def test_a_relative_place_is_below_the_scripts_folder(store, dump):
    """A relative path_on_compute is looked up from the working directory."""
    dataset = Dataset.File.from_files((store, "data")).as_named_input("raw")

    assert dump(dataset.as_mount("here/it/is"))["argument"].endswith("/code/here/it/is")


@pytest.mark.parametrize("ending", ["", "; raise SystemExit(3)"])
def test_an_absolute_place_is_a_link_for_the_time_of_the_step(store, script, start, tmp_path: Path, ending):
    """An absolute path_on_compute works, and is gone afterwards, whether the step succeeds or not."""
    place = tmp_path / "mnt" / "data"
    dataset = Dataset.File.from_files((store, "data")).as_named_input("raw").as_mount(str(place))
    started = start(script(f"import os; assert os.listdir({str(place)!r}){ending}", dataset))

    started.fail() if ending else started.run()

    assert not place.is_symlink()


def test_an_absolute_place_that_is_taken_is_refused(store, script, start, tmp_path: Path):
    """What lies at an absolute path_on_compute already stays, and the step fails in words."""
    dataset = Dataset.File.from_files((store, "data")).as_named_input("raw").as_mount(str(tmp_path / "project"))

    assert "exists on this machine already" in str(start(script("pass", dataset)).fail())
    assert Path("src").is_dir()


def test_a_datapath_parameter_chooses_the_data(store, script, start):
    """The run's value of a DataPath parameter is what is mounted."""
    data = PipelineParameter("where", DataPath(store, "nothing")), DataPathComputeBinding("mount")
    check = "import os, sys; assert sorted(os.listdir(sys.argv[1])) == ['a.txt', 'b.txt']"
    started = start(script(check, data, inputs=[data]), parameters={"where": f"datastore://{store.name}/data"})

    assert started.run_all().get_status() == "Finished"


def test_a_dataset_parameter_chooses_the_dataset(store, script, start, workspace):
    """A dataset parameter has its default, and takes a registered dataset by name."""
    Dataset.File.from_files((store, "data/b.txt")).register(workspace, "other")
    parameter = PipelineParameter("which", Dataset.File.from_files((store, "data/a.txt")))
    consumed = DatasetConsumptionConfig("raw", parameter, mode="mount")
    step = script("import sys; print(open(sys.argv[1]).read())", consumed)

    default, chosen = start(step), start(step, parameters={"which": "dataset://other"})
    default.run()
    chosen.run()

    assert (default.log[-1], chosen.log[-1]) == ("text a", "text b")


def test_lineage_of_datasets_is_recorded(store, dump, workspace):
    """A run knows which dataset and version it read, and how."""
    registered = Dataset.File.from_files((store, "data")).register(workspace, "named")

    seen = dump(registered.as_named_input("raw").as_mount())

    [consumed] = seen["started"].services.registry.inputs.of(seen["started"].last().id)
    assert (consumed.dataset_name, consumed.dataset_version, consumed.mode) == ("named", 1, "mount")


LOOK = """
import json, os, sys
place = sys.argv[1]
def tried(do):
    try:
        do()
    except OSError as error:
        return error.strerror
found = {name: os.stat(os.path.join(place, name)).st_ino for name in os.listdir(place)}
attempts = [lambda: open(os.path.join(place, "a.txt"), "w"), lambda: os.remove(os.path.join(place, "a.txt")),
            lambda: open(os.path.join(place, "new"), "w"), lambda: os.chmod(os.path.join(place, "a.txt"), 0o777)]
print(json.dumps([found, [tried(do) for do in attempts]]))
"""


@pytest.fixture
def own_mounts():
    """Steps that may have mounts of their own; skip without that right, but fail in CI."""
    if not may_bind():
        skip_without("steps can have no mounts of their own here; they need root")


@pytest.mark.usefixtures("own_mounts")
@pytest.mark.parametrize("path", ["data", "data/*.txt", ["data/a.txt", "data/b.txt"]])
def test_data_of_this_machine_is_mounted_without_a_copy(store, script, start, path):
    """A step sees the store's own files, read-only also for root; nothing is copied, and no mount is left."""
    raw = Dataset.File.from_files((store, path)).as_named_input("raw").as_mount()
    started = start(script(LOOK, raw))

    started.run()

    found, refused = json.loads(started.log[-1])
    root = started.services.store(store.name).local_path("data")
    assert found == {name: (root / name).stat().st_ino for name in ("a.txt", "b.txt")}
    assert refused == ["Read-only file system"] * 4
    assert not [*started.services.home.cache.glob("[0-9a-f][0-9a-f]/*")]
    assert "inputs/raw" not in Path("/proc/self/mountinfo").read_text()


@pytest.mark.usefixtures("own_mounts")
def test_a_part_of_a_folder_is_mounted_without_the_rest(store, script, start):
    """Files that are not all of their folder are bound one by one."""
    raw = Dataset.File.from_files((store, "data")).take(1).as_named_input("raw").as_mount()
    started = start(script(LOOK, raw))

    started.run()

    found, refused = json.loads(started.log[-1])
    assert (list(found), refused[0]) == (["a.txt"], "Read-only file system")


@pytest.mark.usefixtures("own_mounts")
def test_data_that_changes_under_a_mount_is_not_offered_to_later_runs(store, script, start, tmp_path):
    """A step may read what was written meanwhile; its result then is nobody else's."""
    place = Path(store._workspace.registry().home.store(store.name), "data", "a.txt")
    new = tmp_path / "new"
    new.write_text("new")
    change = f"import os; os.replace({str(new)!r}, {str(place)!r})"
    raw = Dataset.File.from_files((store, "data")).as_named_input("raw").as_mount()
    started = start(script(change, raw))

    started.run()

    assert any("later runs do not take its result" in line for line in started.log)
