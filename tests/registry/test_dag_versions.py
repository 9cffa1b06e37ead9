"""The DAGs of pipelines in service, version by version."""

from concurrent.futures import ThreadPoolExecutor

from airflow_ml.registry import open_registry


def test_a_dag_comes_back_as_it_was_recorded(registry):
    """Graph and arguments are the same, and the first version has the number 1."""
    added = registry.dag_versions.add("train", graph_json='{"a": 1}', arguments={"schedule": "@daily"})

    assert registry.dag_versions.find("train") == added
    assert (added.number, added.graph_json, added.arguments) == (1, '{"a": 1}', {"schedule": "@daily"})


def test_the_same_again_is_no_new_version(registry):
    """A DAG that is recorded as it is keeps its version; other arguments or another graph make a new one."""
    numbers = [
        registry.dag_versions.add("train", graph_json=graph, arguments={"x": x}).number
        for graph, x in [("{}", 1), ("{}", 1), ("{}", 2), ('{"a": 1}', 2), ('{ "a":1 }', 2), ("{}", 1)]
    ]

    assert numbers == [1, 1, 2, 3, 3, 4]
    assert registry.dag_versions.last_number() == 4


def test_a_version_has_of_each_dag_its_newest_entry(registry):
    """What came later is not in it, whatever became of it since."""
    dags = registry.dag_versions
    dags.add("a", graph_json='{"v": 1}', arguments={})
    dags.add("b", graph_json='{"v": 2}', arguments={})
    dags.add("a", graph_json='{"v": 3}', arguments={})
    dags.remove("b")

    found = {(name, at): dags.find(name, at=at) for name in "ab" for at in range(5)}

    assert [found["a", at] and found["a", at].graph_json for at in range(5)] == [
        None,
        *['{"v": 1}'] * 2,
        *['{"v": 3}'] * 2,
    ]
    assert [found["b", at] and found["b", at].number for at in range(5)] == [None, None, 2, 2, None]


def test_changes_name_each_dag_once(registry):
    """Between two versions a DAG has one change, the last; removing what is not there is none."""
    dags = registry.dag_versions
    for version in range(3):
        dags.add("a", graph_json=f'{{"v": {version}}}', arguments={})
    dags.add("b", graph_json="{}", arguments={})

    assert dags.remove("c") is None
    assert dags.remove("b") == 5
    assert dags.remove("b") is None
    changes = [(change.dag_id, change.number, change.is_removed) for change in dags.changes(after=1, until=5)]
    assert changes == [("a", 3, False), ("b", 5, True)]
    assert dags.changes(after=5, until=5) == []


def test_many_at_once_get_numbers_without_gaps(registry):
    """Writers wait for each other: no number twice, and the same DAG once."""
    with ThreadPoolExecutor(4) as threads:
        added = [
            threads.submit(registry.dag_versions.add, f"dag{number % 8}", graph_json="{}", arguments={})
            for number in range(16)
        ]
        numbers = {result.result().number for result in added}

    assert numbers == {*range(1, 9)}
    assert registry.dag_versions.last_number() == 8


def test_secrets_are_sealed(registry, ref):
    """Values of secret-looking params are not in the database in plain text, and come back."""
    arguments = {"params": {"db_password": "very-secret"}}
    registry.dag_versions.add("a", graph_json="{}", arguments=arguments)

    with open_registry(ref) as other, other._scope.database.read() as session:
        rows = [*session.connection().exec_driver_sql("SELECT arguments FROM aml_dag_versions")]
        assert "very-secret" not in str(rows)
        assert other.dag_versions.find("a").arguments == arguments


def test_snapshots_of_dags_are_kept(registry):
    """Graphs of all versions count as published: their code is needed for as long as their runs may be cleared."""
    registry.dag_versions.add("a", graph_json='{"v": 1}', arguments={})
    registry.dag_versions.add("a", graph_json='{"v": 2}', arguments={})

    assert sorted(registry.retention.published_graphs()) == ['{"v": 1}', '{"v": 2}']
