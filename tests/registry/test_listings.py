"""Pages of pipelines and datasets."""

from airflow_ml.graph import WorkspaceRef
from airflow_ml.registry import Registry, open_registry
from airflow_ml.registry.known_workspaces import known_workspaces


def run_in(registry: Registry, dag_id: str, number: int) -> str:
    """Record a pipeline run in a DAG and return its id."""
    return registry.runs.open_pipeline("exp", "p", dag_id=dag_id, dag_run_id=f"run {number}").id


def test_dags_come_by_name_and_once_each(registry: Registry) -> None:
    """A page begins behind the last DAG of the page before; runs of other kinds are no pipelines."""
    for number, dag_id in enumerate(("b", "a", "c", "a")):
        run_in(registry, dag_id, number)
    registry.runs.create("exp", "script", kind="script", dag_id="d")

    assert registry.listings.dags(limit=2) == ["a", "b"]
    assert registry.listings.dags(after="b", limit=2) == ["c"]


def test_runs_of_a_dag_are_newest_first(registry: Registry) -> None:
    """They can be narrowed to one run of the DAG."""
    ids = [run_in(registry, "a", number) for number in range(3)]

    assert [run.id for run in registry.listings.pipeline_runs("a", limit=2)] == [ids[2], ids[1]]
    assert [run.id for run in registry.listings.pipeline_runs("a", dag_run_id="run 1")] == [ids[1]]


def test_steps_are_counted_by_whether_they_were_reused(registry: Registry) -> None:
    """A reused step is one that took another run's result."""
    pipeline, empty = run_in(registry, "a", 0), run_in(registry, "a", 1)
    for node in ("x", "y"):
        registry.runs.create("exp", node, kind="step", parent_id=pipeline, node_id=node)
    properties = {"azureml.reusedrunid": "other", "azureml.isreused": "true"}
    registry.runs.create("exp", "z", kind="step", parent_id=pipeline, node_id="z", properties=properties)

    counts = registry.listings.step_counts([pipeline, empty])

    assert (counts[pipeline].steps, counts[pipeline].reused) == (3, 1)
    assert (counts[empty].steps, counts[empty].reused) == (0, 0)


def test_published_pipelines_are_newest_first(registry: Registry) -> None:
    """A page begins before the last one of the page before."""
    ids = [registry.published_pipelines.add(f"p{n}", graph_json=f'{{"n": {n}}}', steps=n).id for n in range(3)]

    page = registry.listings.published(limit=2)

    assert [record.id for record in page] == [ids[2], ids[1]]
    assert [record.id for record in registry.listings.published(before=ids[1])] == [ids[0]]
    assert page[0] == registry.published_pipelines.get(ids[2])


def test_datasets_come_by_name_in_their_latest_version(registry: Registry) -> None:
    """Names that were unregistered are not listed."""
    for name in ("b", "a", "gone"):
        registry.datasets.register(name, {"files": name})
    registry.datasets.register("a", {"files": "other"}, create_new_version=True)
    registry.datasets.unregister("gone")

    assert [(item.name, item.version) for item in registry.listings.datasets()] == [("a", 2), ("b", 1)]
    assert [item.name for item in registry.listings.datasets(after="a")] == ["b"]


def test_workspaces_are_known_by_their_folders_or_by_the_shared_database(
    ref: WorkspaceRef, monkeypatch: object
) -> None:
    """Folders without a registry, and a database without tables, have none."""
    assert known_workspaces() == []
    if ref.registry_url:
        monkeypatch.setenv("AIRFLOW_ML_REGISTRY", ref.registry_url)
    open_registry(ref).close()

    assert ref.name in known_workspaces()
