"""Inputs that come when they are read: real rclone mounts of containers, and what becomes of them."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
import uuid
from pathlib import Path

import pytest
from forking import die, fork
from plain_text import files_with
from servers.absent import skip_without

from airflow_ml.compute.orphans import find_orphans
from airflow_ml.core import Dataset, Datastore, RunConfiguration
from airflow_ml.exceptions import ServiceException, UserErrorException
from airflow_ml.execution.following import Follower
from airflow_ml.execution.stopping import StepStopped
from airflow_ml.pipeline.core import PipelineData
from airflow_ml.storage import fuse_mount
from airflow_ml.storage.azure.blob_store import BlobStore

pytestmark = [pytest.mark.azurite, pytest.mark.fuse]

NAMES = ["a.txt", "sub dir/b + %20 #?&.txt", "dot.", "back\\slash", "😀 zażółć", "sub dir/deeper/\u2421", "\uff0e"]

READ = f"""
import os, sys
root = sys.argv[1]
found = {{os.path.relpath(os.path.join(folder, name), root) for folder, _, names in os.walk(root) for name in names}}
assert found == set({NAMES!r}), found
assert all(open(os.path.join(root, name)).read() == name for name in found)
place = os.path.realpath(os.path.join(root, "a.txt"))
print("lies on", os.stat(place).st_dev != os.stat(root).st_dev)
try:
    open(place, "a")
except OSError as error:
    print("refused", error.errno)
print("secrets", [name for name in os.environ if "RCLONE" in name])
"""


@pytest.fixture
def blobs(azurite, workspace, programs):
    """A container as a datastore, with files in `in` and one beside it."""
    datastore = Datastore.register_azure_blob_container(
        workspace,
        "blobs",
        f"test-{uuid.uuid4().hex}",
        azurite.account,
        account_key=azurite.key,
        endpoint=azurite.endpoint,
        create_if_not_exists=True,
    )
    store = azurite.open(datastore.container_name)
    for name in NAMES:
        store.write(f"in/{name}", name.encode())
    store.write("other", b"")
    yield datastore
    store.delete_container()


@pytest.fixture
def programs():
    """The programs and the device; skip without them, but fail in CI."""
    if shutil.which("rclone") and shutil.which("fusermount3") and Path("/dev/fuse").exists():
        return
    reason = "rclone or FUSE is not installed; run .ci/system-packages"
    skip_without(reason)


@pytest.fixture
def lazily(monkeypatch):
    """Set the worker's environment so that inputs are mounted by FUSE."""
    monkeypatch.setenv(fuse_mount.MOUNT_VARIABLE, "fuse")


@pytest.fixture(autouse=True)
def nothing_is_left(home):
    """After each test no mount below its home is there."""
    yield
    left = mounts_below(home)
    for point in left:
        subprocess.run(["umount", "-l", point], check=False)
    assert left == []


def mounts_below(folder: Path) -> list[str]:
    """Return what is mounted below a folder, as the kernel lists it."""
    points = [line.split(" ")[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    return [point for point in points if point.startswith(f"{folder}/")]


def rclones(run_id: str) -> list[int]:
    """Return the process ids of an attempt's rclone, which is not its keeper."""
    return [item.pid for item in find_orphans(run_id) if item.command.startswith("rclone ")]


def data(blobs):
    """Return the files of `in` as a mounted input."""
    return Dataset.File.from_files((blobs, "in/**")).as_named_input("data").as_mount()


def test_a_script_sees_exactly_the_files(script, start, blobs, lazily, azurite):
    """Whatever their names; on another file system that refuses writing, and with no secret in the script's reach."""
    started = start(script(READ, data(blobs)))
    commands = []
    started.on_line = lambda _line: commands.extend(
        Path(f"/proc/{pid}/cmdline").read_bytes() for pid in rclones(started.last().id)
    )

    assert started.run_all().get_status() == "Finished"

    log = "\n".join(started.log)
    assert "lies on True" in log
    assert "refused 30" in log
    assert "secrets []" in log
    assert not started.leftovers()
    home = started.services.registry.home.root
    assert files_with(home, azurite.key, "sig=") == []
    secrets = (azurite.key.encode(), b"sig=")
    assert commands
    assert not any(secret in command for command in commands for secret in secrets)
    assert "sig=" not in log


def test_nothing_is_fetched_before_it_is_read(script, start, blobs, lazily, azurite):
    """The cache of the machine gets no file, and a large file of which a script reads the beginning comes in part."""
    azurite.open(blobs.container_name).write("large/f", bytes(64 << 20))
    source = """
    import os, sys
    with open(sys.argv[1] + "/f", "rb", buffering=0) as file:
        assert file.read(10) == bytes(10)
    mounts = os.path.join(os.environ["AIRFLOW_ML_RUN_DIRECTORY"], "mounts")
    blocks = sum(os.stat(os.path.join(folder, name)).st_blocks * 512
                 for folder, _, names in os.walk(mounts + "/0/cache/vfs") for name in names)
    print("fetched", blocks < 32 << 20)
    """
    large = Dataset.File.from_files((blobs, "large/**")).as_named_input("data").as_mount()

    started = start(script(source, large))
    started.run_all()

    assert "fetched True" in "\n".join(started.log)
    kept = [place for place in started.services.home.cache.rglob("*") if place.is_file()]
    assert all(place.stat().st_size < 64 << 20 for place in kept)


def test_outputs_of_steps_and_single_files_are_mounted(script, start, blobs, lazily):
    """An output is what its manifest lists, and a file is given as the path of that file."""
    blobs.set_as_default()
    out = PipelineData("out")
    write = "import os, sys; os.mkdir(sys.argv[1]); open(sys.argv[1] + '/x', 'w').write('whole')"
    read = """
    import os, sys
    assert open(sys.argv[1] + "/x").read() == "whole", sys.argv
    assert os.path.basename(sys.argv[2]) == "a.txt" and open(sys.argv[2]).read() == "a.txt"
    assert all("/mounts/" in os.path.realpath(place) for place in (sys.argv[1] + "/x", sys.argv[2]))
    """
    single = Dataset.File.from_files((blobs, "in/a.txt")).as_named_input("one").as_mount()
    steps = [
        script(write, out, outputs=[out], name="first"),
        script(read, out, single, inputs=[out], name="second"),
    ]

    assert start(*steps).run_all().get_status() == "Finished"


def test_it_does_not_count_for_reuse(script, start, blobs, monkeypatch):
    """The same data: what was computed with the cache is taken with FUSE, in the worker's setting and in the step's."""
    start(script(READ, data(blobs), allow_reuse=True)).run_all()

    monkeypatch.setenv(fuse_mount.MOUNT_VARIABLE, "fuse")
    assert start(script(READ, data(blobs), allow_reuse=True)).foreseen() == "reuse"
    monkeypatch.delenv(fuse_mount.MOUNT_VARIABLE)
    config = RunConfiguration()
    config.environment_variables = {fuse_mount.MOUNT_VARIABLE: "fuse"}
    step = script(READ, data(blobs), allow_reuse=True, runconfig=config)
    assert start(step).foreseen() == "reuse"


def test_a_step_asks_for_itself(script, start, blobs):
    """By a variable of its own environment."""
    config = RunConfiguration()
    config.environment_variables = {fuse_mount.MOUNT_VARIABLE: "fuse"}
    started = start(script(READ, data(blobs), runconfig=config))

    started.run_all()

    assert "lies on True" in "\n".join(started.log)


def test_a_mount_that_dies_fails_the_step(script, start, blobs, lazily, gate):
    """Even where the script did not notice; the sentence says what to do, and nothing is left."""
    started = start(script(gate.wait_here, data(blobs)))

    def kill() -> None:
        gate.wait()
        for pid in rclones(started.last().id):
            os.kill(pid, signal.SIGKILL)
        gate.open()

    killing = threading.Thread(target=kill)
    killing.start()
    error = started.fail()
    killing.join()

    assert isinstance(error, ServiceException)
    assert "the FUSE mount of " in str(error)
    assert "died while the script ran (rclone killed by signal 9" in str(error)


def test_a_stopped_step_leaves_no_mount(script, start, blobs, lazily):
    """Cancelling is no failure of the mount."""
    started = start(script("import signal\nprint('here', flush=True)\nsignal.pause()", data(blobs)))
    started.on_line = lambda line: setattr(started, "is_stopped", started.is_stopped or line.endswith("here"))

    with pytest.raises(StepStopped):
        started.run()

    assert mounts_below(started.services.registry.home.root) == []
    assert not started.leftovers()


@pytest.mark.parametrize("dies", ["the worker", "the worker and rclone", "the worker and the keepers"])
def test_a_killed_worker_leaves_no_mount(script, start, blobs, lazily, dies):
    """The keeper of rclone ends it; what even that could not is cleared by the next attempt, which completes."""
    started = start(script(READ, data(blobs)))

    def kill(*_: object) -> None:
        for orphan in find_orphans(started.last().id):
            is_ours = orphan.is_keeper if dies.endswith("keepers") else orphan.command.startswith("rclone ")
            if dies != "the worker" and is_ours:
                os.kill(orphan.pid, signal.SIGKILL)
        die()

    def work() -> None:
        Follower.look = kill
        started.run()

    os.waitpid(fork(work), 0)
    lost = started.last().id
    if dies == "the worker and the keepers":
        assert mounts_below(started.services.registry.home.root)

    started.run(waits=True)

    assert mounts_below(started.services.registry.home.root) == []
    assert not find_orphans(lost)
    assert not started.leftovers()


def test_what_is_missing_is_told(script, start, blobs, lazily, monkeypatch):
    """Before anything is started."""
    monkeypatch.setattr(fuse_mount.shutil, "which", lambda _program: None)

    error = start(script(READ, data(blobs))).fail()

    assert isinstance(error, UserErrorException)
    assert "this machine has no rclone, no fusermount3: install the packages rclone and fuse3" in str(error)


def test_another_value_is_told(script, start, blobs, monkeypatch):
    """A word that means nothing must not pass for the default."""
    monkeypatch.setenv(fuse_mount.MOUNT_VARIABLE, "lazy")

    assert "AIRFLOW_ML_MOUNT is 'lazy', expected 'fuse' or 'cache'" in str(start(script(READ, data(blobs))).fail())


def test_what_rclone_cannot_mount_is_told(script, start, blobs, lazily, monkeypatch):
    """With rclone's own reason, and without what opens the container."""
    address = "http://127.0.0.1:1/account/other?sig=secret"
    monkeypatch.setattr(BlobStore, "for_rclone", lambda self: ("c", {"type": "azureblob", "sas_url": address}))

    error = start(script(READ, data(blobs))).fail()

    assert isinstance(error, ServiceException)
    assert "rclone did not mount 'c/in'" in str(error)
    assert "container name in SAS URL and container provided in command do not match" in str(error)
    assert "secret" not in str(error)


def test_local_data_is_bound_as_ever(script, start, workspace, lazily, programs):
    """FUSE is for containers; other stores are mounted as without it."""
    store = workspace.get_default_datastore()
    Path("f").write_text("x")
    store.upload_files(["f"], target_path="in", show_progress=False)
    step = script("import sys; assert open(sys.argv[1] + '/f').read() == 'x'", data(store))

    assert start(step).run_all().get_status() == "Finished"
