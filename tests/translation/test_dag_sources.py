"""The workspaces of a DAG bundle, and what its versions have of each."""

from pathlib import Path

import pytest

from airflow_ml.exceptions import ServiceException
from airflow_ml.graph import WorkspaceRef
from airflow_ml.registry import Home, open_shared
from airflow_ml.registry.shared import close_shared
from airflow_ml.translation.dag_files import file_name_of
from airflow_ml.translation.dag_sources import FolderSources, OneSource, note_workspace, workspaces_folder


def add(name: str, dag_id: str, graph: str = "{}") -> int:
    """Record a DAG in a workspace of the home folder, and return its number."""
    return open_shared(WorkspaceRef(name)).dag_versions.add(dag_id, graph_json=graph, arguments={}).number


@pytest.fixture
def folder(home: Path) -> Path:
    """Return the folder that lists workspaces."""
    return workspaces_folder(Home(home))


def test_a_bundle_of_one_workspace_has_its_numbers(home: Path):
    """Versions are the workspace's own; what is no number is refused."""
    sources = OneSource(WorkspaceRef("ml"))
    open_shared(WorkspaceRef("ml"))

    assert sources.version() == ("0", {"ml": 0})
    add("ml", "a")
    assert sources.version() == ("1", {"ml": 1})
    [source] = sources.all()
    assert source.number_in("17") == 17
    with pytest.raises(ServiceException, match=r"'w12' is no version of its DAGs.*trigger it anew"):
        source.number_in("w12")


def test_a_version_of_many_workspaces_stays_known(folder: Path):
    """Each version keeps the number of each workspace, also for whoever comes later."""
    for name in ("ml", "other"):
        add(name, "a")
        note_workspace(folder, WorkspaceRef(name))
    first, numbers = FolderSources(folder).version()
    add("other", "b")

    second, _ = FolderSources(folder).version()

    assert (first != second, numbers) == (True, {"ml": 1, "other": 1})
    found = {
        source.key: [source.number_in(version) for version in (first, second)] for source in FolderSources(folder).all()
    }
    assert found == {"ml": [1, 1], "other": [1, 2]}


def test_the_same_content_is_the_same_version(folder: Path):
    """Nothing changes while nothing is recorded; a workspace that is not noted is not looked at."""
    add("ml", "a")
    note_workspace(folder, WorkspaceRef("ml"))
    before = FolderSources(folder).version()
    note_workspace(folder, WorkspaceRef("ml"))
    add("elsewhere", "b")

    assert FolderSources(folder).version() == before


def test_a_version_of_another_service_is_refused(folder: Path):
    """What no file describes cannot be made again, and the error says what to do."""
    note_workspace(folder, WorkspaceRef("ml"))
    [source] = FolderSources(folder).all()

    with pytest.raises(ServiceException, match=r"version 'w0' of the service's DAGs is not known.*trigger it anew"):
        source.number_in("w0")


def test_a_workspace_that_is_gone_keeps_nothing_from_others(folder: Path, home: Path):
    """A deleted workspace has no DAGs, and one whose database is broken those that it had."""
    for name in ("broken", "gone", "ml"):
        add(name, "a")
        note_workspace(folder, WorkspaceRef(name))
    sources = FolderSources(folder)
    sources.version()
    for name in ("broken", "gone"):
        close_shared(WorkspaceRef(name))
    (home / "gone" / "registry.db").unlink()
    (home / "broken" / "registry.db").write_bytes(b"x" * 5000)

    assert sources.version()[1] == {"broken": 1, "gone": 0, "ml": 1}


def test_names_of_files_are_ids_of_dags():
    """A long id is cut, and stays one of its own."""
    long = ["ü" * 150 + end for end in "ab"]

    assert file_name_of("train-1a2b") == "train-1a2b.py"
    assert len({file_name_of(dag_id) for dag_id in long}) == 2
    assert all(len(file_name_of(dag_id).encode()) < 255 for dag_id in long)
