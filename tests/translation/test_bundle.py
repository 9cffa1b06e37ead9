"""The DAG bundle of a workspace: which files Airflow finds in a version, and which DAGs they give."""

import os
import shutil
import time
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

import pytest

from airflow_ml.exceptions import UserErrorException
from airflow_ml.graph import Graph, Step, WorkspaceRef
from airflow_ml.registry import Registry, open_shared
from airflow_ml.translation import bundle_dags
from airflow_ml.translation.registered_dags import register_dag, remove_dag

pytestmark = pytest.mark.airflow


@pytest.fixture
def registry(home: Path) -> Registry:
    """Give the registry of a new workspace `ml`."""
    return open_shared(WorkspaceRef("ml"))


@pytest.fixture
def bundle(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., object]:
    """Give a function that makes the bundle of workspace `ml` anew, as each process of Airflow does."""
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH", str(tmp_path / "bundles"))
    from airflow_ml.translation.bundle import WorkspaceBundle

    monkeypatch.setattr("airflow_ml.translation.bundle._LEFT_TO_PLUGIN", 0.0)

    def make(version: str | None = None, **kwargs: object) -> WorkspaceBundle:
        made = WorkspaceBundle(name="pipelines", version=version, **{"workspace": "ml", **kwargs})
        made.initialize()
        return made

    return make


def record(registry: Registry, dag_id: str, *steps: str, **arguments: object) -> int:
    """Record a DAG of those steps, and return its version."""
    graph = Graph(
        name="p",
        workspace=WorkspaceRef("ml"),
        steps=tuple(Step(id=name, name=name, kind="python_script") for name in steps),
    )
    return register_dag(registry, graph, dag_id, **arguments).number


def files(bundle: object) -> list[str]:
    """Return the names of the files that Airflow finds."""
    return sorted(path.stem for path in bundle.path.glob("*/*.py"))


def load(bundle: object, dag_id: str) -> object:
    """Parse a DAG's file as Airflow does."""
    names: dict[str, object] = {"__file__": str(bundle.path / "ml" / f"{dag_id}.py")}
    exec(Path(str(names["__file__"])).read_text(), names)
    return names["dag"]


def steps(dag: object) -> set[str]:
    """Return the steps of a DAG."""
    return {*dag.task_dict} - {"reuse_check", "pipeline_end"}


def test_it_needs_a_workspace(bundle):
    """The configuration must say whose pipelines it shall have."""
    with pytest.raises(UserErrorException, match="DAG bundle 'pipelines': its kwargs need either 'workspace'"):
        bundle(workspace=None)


def test_a_recorded_dag_is_found(registry: Registry, bundle):
    """Its file gives the DAG with what was recorded, running at once and of the workspace as it is reached here."""
    record(registry, "train", "a", experiment="e", schedule="@daily", start_date="2026-01-02T00:00:00+00:00")

    made = bundle()
    dag = load(made, "train")

    assert (files(made), made.get_current_version().version) == (["train"], "1")
    assert (dag.dag_id, steps(dag), dag.is_paused_upon_creation) == ("train", {"a"}, False)
    assert dag.start_date == datetime(2026, 1, 2, tzinfo=timezone.utc)
    assert dag.get_task("reuse_check").pipeline.experiment == "e"


def test_a_refresh_dates_what_changed(registry: Registry, bundle):
    """Airflow parses files that are younger than their last parse: only those of new versions are."""
    for dag_id in ("a", "b"):
        record(registry, dag_id, "x")
    made = bundle()
    old = {path.name: path.stat().st_mtime_ns for path in made.path.glob("ml/*.py")}
    record(registry, "a", "x", "y")
    before = time.time()

    made.refresh()

    new = {path.name: path.stat().st_mtime_ns for path in made.path.glob("ml/*.py")}
    assert (new["b.py"] == old["b.py"], new["a.py"] > before * 1e9) == (True, True)
    assert (made.path.name, steps(load(made, "a"))) == ("3", {"x", "y"})


def test_a_run_keeps_its_version(registry: Registry, bundle):
    """A task of an older version gets the DAG of that version, wherever it runs, also after the DAG was removed."""
    record(registry, "train", "old")
    record(registry, "train", "new")
    remove_dag(registry, "train")
    shutil.rmtree(bundle().base_dir)  # another machine, or a copy that was cleaned away

    assert steps(load(bundle("1"), "train")) == {"old"}
    assert steps(load(bundle("2"), "train")) == {"new"}
    assert load(bundle("3"), "train") is None
    assert files(bundle()) == []


def test_a_version_costs_a_link(registry: Registry, bundle):
    """Nothing is copied for one more version, and the DAG processor's unused ones go."""
    for number in range(5):
        record(registry, f"dag{number}", "x")
    made = bundle()
    first = made.path
    os.utime(first, (0, 0), follow_symlinks=False)
    inodes = {path.name: path.stat().st_ino for path in first.glob("ml/*")}
    record(registry, "one-more", "x")

    made.refresh()

    assert (made.path != first, made.path.is_symlink(), first.is_symlink()) == (True, True, False)
    assert {path.name: path.stat().st_ino for path in made.path.glob("ml/*")}.items() >= inodes.items()
    task = bundle("6")
    assert [path.name for path in task.versions_dir.iterdir()] == ["6"]


def test_airflows_cleaning_takes_no_dag_along(registry: Registry, bundle):
    """When Airflow removes a version that was not used for long, the others stay, and it is made again if needed."""
    record(registry, "train", "old")
    record(registry, "train", "new")
    old, new = bundle("1"), bundle("2")
    shutil.rmtree(old.versions_dir / "1")

    assert steps(load(new, "train")) == {"new"}
    assert steps(load(bundle("1"), "train")) == {"old"}


def test_a_removed_dag_has_no_file(registry: Registry, bundle):
    """After the next refresh Airflow finds it no longer; recorded again it is back."""
    record(registry, "train", "a")
    made = bundle()
    remove_dag(registry, "train")
    made.refresh()
    gone = files(made)
    record(registry, "train", "a")
    made.refresh()

    assert (gone, files(made)) == ([], ["train"])


def test_the_processor_leaves_out_what_was_just_overtaken(registry: Registry, bundle, monkeypatch):
    """A parse at an older version must not write that over the newer one that the plugin has just written."""
    record(registry, "train", "old")
    made = bundle()
    record(registry, "train", "new")

    assert load(made, "train") is None
    assert steps(load(bundle("1"), "train")) == {"old"}  # a task's
    monkeypatch.setattr(bundle_dags, "_YOUNG", 0.0)
    assert steps(load(made, "train")) == {"old"}


def test_a_workspace_that_was_made_anew_has_only_its_own_dags(registry: Registry, bundle):
    """A file that was left by a workspace of the same name is removed by the first look."""
    record(registry, "mine", "a")
    made = bundle()
    left = made.path / "ml" / "left.py"
    left.write_text("")

    assert files(bundle()) == ["mine"]


def test_the_processor_leaves_new_versions_to_the_plugin(registry: Registry, bundle, monkeypatch):
    """It takes them some seconds after it has seen them, each after its own, and looks every second until then."""
    made = bundle(refresh_interval=300)
    clock = [1000.0]
    monkeypatch.setattr("airflow_ml.translation.bundle._LEFT_TO_PLUGIN", 10.0)
    monkeypatch.setattr("airflow_ml.translation.bundle.time.monotonic", lambda: clock[0])
    seen = []
    for seconds, dag_id in [(0, "a"), (1, None), (4, "b"), (10, None), (14, None), (15, None)]:
        if dag_id is not None:
            record(registry, dag_id, "x")
        clock[0] = 1000.0 + seconds
        made.refresh()
        seen.append((seconds, made.get_current_version().version, files(made), made.refresh_interval))

    assert seen == [
        (0, "0", [], 1),
        (1, "0", [], 1),
        (4, "0", [], 1),
        (10, "1", ["a"], 1),
        (14, "2", ["a", "b"], 300),
        (15, "2", ["a", "b"], 300),
    ]


def test_a_thousand_dags_are_found_quickly(registry: Registry, bundle):
    """Only what has changed since is looked at: a refresh of a large workspace takes no longer than a small one's."""
    graph_json = '{"version": 1}'
    for number in range(300):
        registry.dag_versions.add(f"dag{number}", graph_json=graph_json, arguments={})
    made = bundle()
    asked = []
    changes = registry.dag_versions.changes
    registry.dag_versions.changes = lambda **numbers: asked.append(numbers) or changes(**numbers)
    registry.dag_versions.add("one-more", graph_json=graph_json, arguments={})

    made.refresh()
    made.refresh()

    assert (len(files(made)), asked) == (301, [{"after": 300, "until": 301}])
