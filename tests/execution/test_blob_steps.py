"""Steps whose data lies in Azure Blob: outputs, inputs, reuse, and what is left when a store fails."""

from __future__ import annotations

import pytest
from plain_text import files_with

from airflow_ml.core import Dataset
from airflow_ml.pipeline.core import PipelineData

pytestmark = pytest.mark.azurite

WRITE = """
import os, sys
os.makedirs(sys.argv[1] + "/sub dir")
for name in ("a.txt", "sub dir/b + %20.txt"):
    open(os.path.join(sys.argv[1], name), "w").write(name)
"""
READ = """
import os, sys
found = sorted(os.path.relpath(os.path.join(folder, name), sys.argv[1])
               for folder, _, names in os.walk(sys.argv[1]) for name in names)
assert found == ["a.txt", "sub dir/b + %20.txt"], found
assert all(open(os.path.join(sys.argv[1], name)).read() == name for name in found)
"""


@pytest.fixture
def blobs(azurite, workspace):
    """A container as the workspace's default datastore."""
    with azurite.default_datastore(workspace) as datastore:
        yield datastore


def test_outputs_are_handed_on_through_a_container(script, start, blobs, azurite):
    """Files, manifest and nothing else lie there; mounting and downloading give the consumer the same."""
    out = PipelineData("out")
    first = script(WRITE, out, outputs=[out], name="first")
    second = script(READ, out, inputs=[out], name="second")
    copied = out.as_download(input_name="copy")
    third = script(READ, copied, inputs=[copied], name="third")

    started = start(first, second, third)

    assert started.run_all().get_status() == "Finished"
    store, run_id = azurite.open(blobs.container_name), started.last("first").id
    place = f"azureml/{run_id}/out"
    assert [info.path for info in store.list()] == [f"{place}/a.txt", f"{place}/sub dir/b + %20.txt"]
    assert [info.path for info in store.list(".airflow_ml")] == [f".airflow_ml/manifests/{run_id}/out.json"]


def test_an_unchanged_step_is_not_run_again(script, start, blobs, azurite):
    """Its output is looked at in the container; one that was changed there is no result any more."""
    out = PipelineData("out")
    steps = [script(WRITE, out, outputs=[out], name="first", allow_reuse=True)]
    first = start(*steps)
    first.run_all()

    assert start(*steps).foreseen("first") == "reuse"
    store = azurite.open(blobs.container_name)
    store.write(f"azureml/{first.last('first').id}/out/a.txt", b"spoil")
    assert start(*steps).foreseen("first") == "run"


def test_files_of_a_container_are_an_input(script, start, blobs, azurite):
    """A dataset of files that others have put there; a changed file changes what is computed."""
    store = azurite.open(blobs.container_name)
    for name in ("a.txt", "sub dir/b + %20.txt"):
        store.write(f"in/{name}", name.encode())
    dataset = Dataset.File.from_files((blobs, "in/**"))
    steps = [script(READ, dataset.as_named_input("data").as_mount(), name="step", allow_reuse=True)]

    assert start(*steps).run_all().get_status() == "Finished"
    assert start(*steps).foreseen() == "reuse"
    store.write("in/a.txt", b"other")
    assert start(*steps).foreseen() == "run"


def test_the_key_is_nowhere_but_encrypted(script, start, blobs, azurite, services):
    """Neither in the log of a step, nor in the records, nor in a run directory."""
    out = PipelineData("out")
    started = start(script(WRITE, out, outputs=[out], name="first"))
    started.run_all()

    assert azurite.key not in "\n".join(started.log)
    home = services.registry.home.root
    assert files_with(home, azurite.key) == []
