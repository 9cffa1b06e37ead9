"""The cells of v1's pipeline notebooks with a container as default datastore, and `kill -9` while outputs go there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from forking import after, before, fork
from plain_text import files_with

from airflow_ml.core import Dataset
from airflow_ml.data import OutputFileDatasetConfig
from airflow_ml.data.data_reference import DataReference
from airflow_ml.execution import outputs, step_attempt
from airflow_ml.pipeline.core import PipelineData
from airflow_ml.storage import commit
from airflow_ml.storage.azure.blob_store import BlobStore

pytestmark = pytest.mark.azurite

EXTRACT = """
import os, sys
source, target = sys.argv[1:]
os.makedirs(target, exist_ok=True)
for name in sorted(os.listdir(source)):
    text = open(os.path.join(source, name)).read()
    open(os.path.join(target, name.upper()), "w").write(text * 2)
"""
COMPARE = """
import os, sys
one, two, target = sys.argv[1:]
names = sorted(os.listdir(one))
assert names == sorted(os.listdir(two)), (names, os.listdir(two))
os.makedirs(target, exist_ok=True)
open(os.path.join(target, "report #1 + 50%.txt"), "w").write(" ".join(names))
"""

#: Files of the notebook's data folder, with names as people give them.
FILES = {"a b.txt": "one", "ü#1.txt": "two", "50%20.txt": ""}

PHASES = {
    "before the files": before(BlobStore, "put_files"),
    "between files and manifest": after(BlobStore, "put_files"),
    "before the manifest": before(commit, "publish"),
    "after the output": after(outputs, "commit_output"),
    "before the end is recorded": before(step_attempt, "end_attempt"),
    "after the end is recorded": after(step_attempt, "end_attempt"),
}


@pytest.fixture
def blobs(azurite, workspace):
    """A container as the workspace's default datastore."""
    with azurite.default_datastore(workspace) as datastore:
        yield datastore


@pytest.fixture
def started(script, start, workspace, blobs):
    """A run of the notebook's pipeline: uploaded data, two steps on it, and one that compares what they made."""
    data = Path("data")
    data.mkdir()
    for name, text in FILES.items():
        (data / name).write_text(text)
    workspace.get_default_datastore().upload(str(data), target_path="groups", show_progress=False)
    given = DataReference(workspace.get_default_datastore(), "input_data", "groups")
    trained = PipelineData("trained")
    extracted = OutputFileDatasetConfig("extracted").register_on_complete("extracted")
    report = PipelineData("report")
    return start(
        script(EXTRACT, given, trained, inputs=[given], outputs=[trained], name="train"),
        script(EXTRACT, given, extracted, inputs=[given], name="extract"),
        script(COMPARE, trained, extracted.as_input(), report, inputs=[trained], outputs=[report], name="compare"),
    )


def committed(store: BlobStore) -> set[str]:
    """Return the ids of the runs whose outputs readers of the container find."""
    return {info.path.split("/")[2] for info in store.list(".airflow_ml/manifests")}


def test_the_notebook_runs(started, workspace, blobs, azurite, services):
    """All that the steps make lies in the container, is registered there, and the account's key is nowhere."""
    assert started.run_all().get_status() == "Finished"

    store = azurite.open(blobs.container_name)
    place = f"azureml/{started.last('compare').id}/report/report #1 + 50%.txt"
    assert store.open_read(place).read().decode() == "50%20.TXT A B.TXT Ü#1.TXT"
    assert {*Dataset.get_by_name(workspace, "extracted").to_path()} == {f"/{name.upper()}" for name in FILES}
    assert azurite.key not in "\n".join(started.log)
    assert files_with(services.registry.home.root, azurite.key) == []


@pytest.mark.parametrize("phase", PHASES)
def test_a_killed_step_commits_all_or_nothing(started, blobs, azurite, phase):
    """Wherever its process dies, no part of an output can be read, and the next try leaves one result."""

    def work() -> None:
        PHASES[phase]()
        started.run("train")

    _, status = os.waitpid(fork(work), 0)

    store = azurite.open(blobs.container_name)
    assert os.WIFSIGNALED(status)
    assert committed(store) == ({started.last("train").id} if "after the" in phase or "recorded" in phase else set())
    assert started.run_all().get_status() == "Finished"
    made = {info.path.rpartition("/")[2]: info.size for info in store.list(f"azureml/{started.last('train').id}")}
    assert made == {name.upper(): 2 * len(text) for name, text in FILES.items()}
    assert not started.leftovers()
