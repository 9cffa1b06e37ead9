"""Steps that copy: files and folders between datastores, what is left out, and what a cut leaves."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from servers.azurite import Azurite

from airflow_ml.core import Datastore, Workspace
from airflow_ml.core.compute import ComputeTarget, DataFactoryCompute
from airflow_ml.data.data_reference import DataReference
from airflow_ml.execution.attempt import StepStopped
from airflow_ml.pipeline.core import PipelineData
from airflow_ml.pipeline.steps import DataTransferStep, PythonScriptStep
from airflow_ml.reuse.collection import collect_garbage
from airflow_ml.reuse.garbage import Terms
from airflow_ml.storage.azure.blob_store import BlobStore
from airflow_ml.storage.copy_journal import CopiedFile, CopyJournal


@pytest.fixture
def stores(workspace: Workspace) -> tuple[Path, Path]:
    """The folders of the two datastores that a workspace has."""
    services = workspace.registry()
    return services.home.store("workspaceblobstore"), services.home.store("workspacefilestore")


@pytest.fixture
def copy(workspace: Workspace, start: Callable) -> Callable:
    """Start a run of a step from a path of the one datastore to a path of the other."""

    def make(source: str, destination: str, **options: object) -> object:
        ComputeTarget.create(workspace, "adf", DataFactoryCompute.provisioning_configuration())
        places = (
            DataReference(Datastore.get(workspace, "workspaceblobstore"), "source", source),
            DataReference(Datastore.get(workspace, "workspacefilestore"), "destination", destination),
        )
        step = DataTransferStep("step", *places, compute_target="adf", **options)
        return start(step)

    return make


def write(folder: Path, **files: str) -> None:
    """Write files; `__` in a name is a `/`."""
    for name, text in files.items():
        place = folder / f"{name.replace('__', '/')}.txt"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)


def test_file_goes_to_the_exact_path(copy: Callable, stores: tuple[Path, Path]) -> None:
    """A file is copied to the path of the destination, over what is there."""
    write(stores[0], raw__a="new")
    write(stores[1], there="old")

    run = copy("raw/a.txt", "there.txt")
    run.run()

    assert (stores[1] / "there.txt").read_text() == "new"
    assert run.output("_data_transfer_output") == stores[1] / "there.txt"


def test_folder_goes_into_the_folder(copy: Callable, stores: tuple[Path, Path]) -> None:
    """The content of a folder is copied; files with other names stay."""
    write(stores[0], raw__a="1", raw__b__c="2")
    write(stores[1], copied__own="own", copied__a="old")

    run = copy("raw", "copied")
    run.run()

    found = {
        p.relative_to(stores[1] / "copied").as_posix(): p.read_text() for p in (stores[1] / "copied").rglob("*.txt")
    }
    assert found == {"a.txt": "1", "b/c.txt": "2", "own.txt": "own"}


def test_file_into_a_folder_keeps_its_name(copy: Callable, stores: tuple[Path, Path]) -> None:
    """A file whose destination is a directory lies in it under its own name."""
    write(stores[0], raw__a="1")

    run = copy("raw/a.txt", "copied", destination_reference_type="directory")
    run.run()

    assert run.output("_data_transfer_output") == stores[1] / "copied/a.txt"
    assert (stores[1] / "copied/a.txt").read_text() == "1"


def test_folder_is_no_file(copy: Callable, stores: tuple[Path, Path]) -> None:
    """A folder does not become a file, and what is there stays."""
    write(stores[0], raw__a="1")
    write(stores[1], there="old")

    assert "is a directory" in str(copy("raw", "there.txt").fail())
    assert (stores[1] / "there.txt").read_text() == "old"


def test_missing_source_is_named(copy: Callable) -> None:
    """What is not there is said with its path."""
    assert "'raw' on datastore 'workspaceblobstore' is not there" in str(copy("raw", "copied").fail())


def test_wrong_type_is_an_error(copy: Callable, stores: tuple[Path, Path]) -> None:
    """A folder that is said to be a file is not taken for one."""
    write(stores[0], raw__a="1")

    copy("raw", "copied", source_reference_type="file").fail()


def test_unchanged_source_is_not_copied_again(copy: Callable, stores: tuple[Path, Path]) -> None:
    """A second run takes the first one's copy, unless the source or the copy has changed since."""
    write(stores[0], raw__a="1", raw__b="2")
    copy("raw", "copied").run()
    second = copy("raw", "copied")

    assert second.foreseen() == "reuse"
    (stores[1] / "copied/a.txt").unlink()
    assert second.foreseen() == "run"
    second.run()
    assert (stores[1] / "copied/a.txt").read_text() == "1"
    assert "copied 1 files, 1 bytes; 1 files had not changed since they were copied" in second.log
    write(stores[0], raw__b="3")
    third = copy("raw", "copied")
    assert third.foreseen() == "run"
    third.run()
    assert (stores[1] / "copied/b.txt").read_text() == "3"


def test_copy_is_read_by_the_next_step(
    copy: Callable, workspace: Workspace, script: Callable, start: Callable, stores: tuple[Path, Path]
) -> None:
    """get_output is read where it was copied to."""
    write(stores[0], raw__a="1")
    ComputeTarget.create(workspace, "adf", DataFactoryCompute.provisioning_configuration())
    ends = (
        DataReference(Datastore.get(workspace, "workspaceblobstore"), "source", "raw"),
        DataReference(Datastore.get(workspace, "workspacefilestore"), "destination", "copied"),
    )
    copied = DataTransferStep("copy", *ends, compute_target="adf").get_output()
    made = PipelineData("made")
    source = "import os, sys\nopen(sys.argv[2], 'w').write(str(os.listdir(sys.argv[1])))"
    reader: PythonScriptStep = script(source, copied, made, inputs=[copied], outputs=[made])

    run = start(reader)
    run.run_all()

    assert run.output("made").read_text() == "['a.txt']"


@pytest.mark.azurite
def test_blobs_are_both_ends(
    workspace: Workspace, start: Callable, stores: tuple[Path, Path], blob_store: BlobStore, azurite: Azurite
) -> None:
    """A folder goes into a container and, inside of it, to another place, with odd names, small and large."""
    names = ["a b%20.txt", "deep/\u017elu\u0165 #+?&.bin", "empty"]
    for name, size in zip(names, [3, 9 << 20, 0], strict=True):
        place = stores[0] / "raw" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(os.urandom(size))
    ComputeTarget.create(workspace, "adf", DataFactoryCompute.provisioning_configuration())
    container = blob_store.identity.rpartition("/")[2]
    blobs = Datastore.register_azure_blob_container(
        workspace, "blobs", container, azurite.account, account_key=azurite.key, endpoint=azurite.endpoint
    )
    raw = DataReference(Datastore.get(workspace, "workspaceblobstore"), "raw", "raw")
    there, again = DataReference(blobs, "there", "copied"), DataReference(blobs, "again", "again")
    back = DataReference(Datastore.get(workspace, "workspacefilestore"), "back", "back")
    first = DataTransferStep("first", raw, there, compute_target="adf")
    second = DataTransferStep("second", first.get_output(), again, compute_target="adf")
    third = DataTransferStep("third", second.get_output(), back, compute_target="adf")

    run = start(third)
    run.run_all()

    for name in names:
        assert (stores[1] / "back" / name).read_bytes() == (stores[0] / "raw" / name).read_bytes()
    assert run.foreseen("first") == run.foreseen("second") == run.foreseen("third") == "reuse"
    blob_store.delete("again/empty")
    assert run.foreseen("second") == "run"


def test_killed_copy_goes_on(copy: Callable, stores: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy killed with SIGKILL leaves whole files; the next try copies the others, and says how many it left out."""
    for number in range(40):
        write(stores[0], **{f"raw__f{number:02}": "x" * 10_000})
    run = copy("raw", "copied")
    note, noted, alone = CopyJournal.add, list[CopiedFile](), threading.Lock()

    def die(self: CopyJournal, entry: CopiedFile) -> None:
        with alone:  # several threads copy: none of them may kill in the middle of another one's flush
            note(self, entry)
            noted.append(entry)
            if len(noted) >= 20:
                self.flush()
                os.kill(os.getpid(), signal.SIGKILL)

    child = os.fork()
    if child == 0:
        monkeypatch.setattr(CopyJournal, "add", die)
        try:
            run.run()
        finally:
            os._exit(1)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    left = list((stores[1] / "copied").glob("*.txt"))
    assert len(left) >= 20
    assert {place.stat().st_size for place in left} == {10_000}
    assert not run.services.registry.outputs.of(run.last().id)
    run.run()

    assert len(list((stores[1] / "copied").glob("*.txt"))) == 40
    said = next(line for line in run.log if "had not changed since they were copied" in line)
    assert 20 <= int(said.partition("; ")[2].partition(" ")[0]) < 40


def test_stopped_copy_ends(copy: Callable, stores: tuple[Path, Path]) -> None:
    """A step that is stopped ends with what was copied whole, and without an output."""
    write(stores[0], raw__a="1")
    run = copy("raw", "copied")
    run.is_stopped = True

    with pytest.raises(StepStopped):
        run.run()
    assert not run.services.registry.outputs.of(run.last().id)


def test_folder_does_not_go_into_itself(workspace: Workspace, start: Callable, stores: tuple[Path, Path]) -> None:
    """A folder below the one that is copied would grow for ever."""
    write(stores[0], raw__a="1")
    ComputeTarget.create(workspace, "adf", DataFactoryCompute.provisioning_configuration())
    store = Datastore.get(workspace, "workspaceblobstore")
    ends = DataReference(store, "all", "raw"), DataReference(store, "below", "raw/copy")

    assert "into itself" in str(start(DataTransferStep("step", *ends, compute_target="adf")).fail())


def test_copies_are_never_collected(copy: Callable, stores: tuple[Path, Path]) -> None:
    """What was copied to a place of the user's is not garbage, however long nobody has used it."""
    write(stores[0], raw__a="1")
    run = copy("raw", "copied")
    run.run_all()

    collection = collect_garbage(run.services.reuse, Terms(unused_days=0, grace_hours=0), delete=True)

    assert collection.kept["copied to a place of the user's"] == 1
    assert (stores[1] / "copied/a.txt").is_file()
