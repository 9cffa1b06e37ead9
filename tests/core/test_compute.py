"""Compute targets: made, found, described in v1's form."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_ml.compute.targets import TargetSettings
from airflow_ml.core import ComputeTarget as FromCore
from airflow_ml.core import Workspace, compute
from airflow_ml.core.compute import AmlCompute, ComputeInstance, ComputeTarget, DataFactoryCompute
from airflow_ml.core.compute.amlcompute import ScaleSettings
from airflow_ml.core.compute_target import ComputeTargetException
from airflow_ml.exceptions import NotSupportedError, UserErrorException


@pytest.fixture
def cluster(workspace: Workspace) -> AmlCompute:
    """A cluster made as in the article."""
    config = AmlCompute.provisioning_configuration(vm_size="STANDARD_NC6", min_nodes=0, max_nodes=4)
    made = ComputeTarget.create(workspace, "aml-compute", config)
    assert isinstance(made, AmlCompute)
    return made


def test_articles_snippet_finds_what_it_made(workspace: Workspace, cluster: AmlCompute) -> None:
    """`in`, `[...]` and `type(...) is AmlCompute` hold outside of a DAG file."""
    assert "aml-compute" in workspace.compute_targets
    found = workspace.compute_targets["aml-compute"]

    assert type(found) is AmlCompute
    assert (found.type, found.vm_size, found.scale_settings.maximum_node_count) == ("AmlCompute", "STANDARD_NC6", 4)
    assert type(FromCore(workspace, "aml-compute")) is AmlCompute
    assert [target.name for target in ComputeTarget.list(workspace)] == ["aml-compute"]
    assert found.declaration is None


def test_wait_for_completion_returns_at_once(cluster: AmlCompute, capsys: pytest.CaptureFixture[str]) -> None:
    """It prints what v1's output begins and ends with."""
    cluster.wait_for_completion(show_output=True, min_node_count=None, timeout_in_minutes=20)

    assert capsys.readouterr().out == "Succeeded\nAmlCompute wait for completion finished\n"


def test_status_has_v1s_keys(cluster: AmlCompute) -> None:
    """status.serialize() is the JSON that v1 code prints and reads."""
    status = cluster.status.serialize()

    assert list(status) == [
        "currentNodeCount",
        "targetNodeCount",
        "nodeStateCounts",
        "allocationState",
        "allocationStateTransitionTime",
        "errors",
        "creationTime",
        "modifiedTime",
        "provisioningState",
        "provisioningStateTransitionTime",
        "scaleSettings",
        "vmPriority",
        "vmSize",
    ]
    assert list(status["nodeStateCounts"]) == [
        f"{state}NodeCount" for state in ("preparing", "running", "idle", "unusable", "leaving", "preempted")
    ]
    assert status["scaleSettings"] == {
        "minNodeCount": 0,
        "maxNodeCount": 4,
        "nodeIdleTimeBeforeScaleDown": "PT1800S",
    }


def test_nodes_that_work_are_counted(workspace: Workspace, cluster: AmlCompute) -> None:
    """A run that is prepared or runs has a node, one of a distributed step each of its nodes; others have none."""
    runs, meetings = workspace.registry().runs, workspace.registry().meetings
    one, two, _ = (
        runs.create("e", name, kind="script", status=status, target="aml-compute")
        for name, status in (("one", "Preparing"), ("two", "Running"), ("three", "Completed"))
    )
    for node in (0, 1):
        meetings.join(two.id, node, address=f"10.0.0.{node}", ports=[])

    nodes, status = cluster.list_nodes(), cluster.get_status().serialize()

    assert [(node["runId"], node["nodeState"], node["privateIpAddress"]) for node in nodes] == [
        (one.id, "preparing", None),
        (two.id, "running", "10.0.0.0"),
        (two.id, "running", "10.0.0.1"),
    ]
    counts = status["nodeStateCounts"]
    assert isinstance(counts, dict)
    assert (status["currentNodeCount"], counts["preparingNodeCount"], counts["runningNodeCount"]) == (3, 1, 2)


def test_a_cluster_at_rest_has_no_nodes(cluster: AmlCompute) -> None:
    """The nodes agree with the status: none."""
    assert cluster.list_nodes() == []
    assert cluster.get_status().serialize()["currentNodeCount"] == 0


def test_missing_target_has_v1s_word(workspace: Workspace) -> None:
    """The notebooks' try/except needs ComputeTargetException with ComputeTargetNotFound."""
    with pytest.raises(ComputeTargetException, match="ComputeTargetNotFound"):
        ComputeTarget(workspace=workspace, name="nothing")
    with pytest.raises(KeyError):
        workspace.compute_targets["nothing"]


@pytest.mark.parametrize("numbers", [{}, {"min_nodes": 5, "max_nodes": 4}, {"min_nodes": -1, "max_nodes": 1}])
def test_numbers_of_nodes_are_checked(numbers: dict[str, int]) -> None:
    """max_nodes must be given and fit."""
    with pytest.raises(ComputeTargetException):
        AmlCompute.provisioning_configuration(vm_size="STANDARD_D2_V2", **numbers)


def test_number_as_text_is_a_type_error() -> None:
    """v1 raises TypeError there."""
    with pytest.raises(TypeError):
        AmlCompute.provisioning_configuration(max_nodes="4")  # type: ignore[arg-type]  # what is tested


def test_unknown_size_fails_where_it_is_made(workspace: Workspace) -> None:
    """The configuration takes any size, as in v1; create does not."""
    config = AmlCompute.provisioning_configuration(vm_size="STANDARD_NC7", max_nodes=1)

    with pytest.raises(ComputeTargetException, match="STANDARD_NC7"):
        ComputeTarget.create(workspace, "c1", config)


@pytest.mark.parametrize("name", ["local", "AmlCompute", "containerinstance", "1a", "a b", "a", "a/b"])
def test_impossible_names_are_refused(workspace: Workspace, name: str) -> None:
    """Reserved names, and names that no pool can have."""
    with pytest.raises((UserErrorException, ComputeTargetException)):
        ComputeTarget.create(workspace, name, AmlCompute.provisioning_configuration(max_nodes=1))


def test_second_create_and_update_change_the_target(workspace: Workspace, cluster: AmlCompute) -> None:
    """A name is one target: the last word wins."""
    cluster.update(max_nodes=8)
    assert workspace.compute_targets["aml-compute"].settings["max_nodes"] == 8

    ComputeTarget.create(workspace, "aml-compute", AmlCompute.provisioning_configuration(max_nodes=2))
    cluster.refresh_state()

    assert (cluster.scale_settings.maximum_node_count, cluster.vm_size) == (2, "")


def test_deleted_target_is_gone(workspace: Workspace, cluster: AmlCompute) -> None:
    """Delete forgets it; a second time is an error."""
    cluster.delete()

    assert len(workspace.compute_targets) == 0
    with pytest.raises(ComputeTargetException, match="ComputeTargetNotFound"):
        cluster.delete()


def test_serialized_target_can_be_read(workspace: Workspace, cluster: AmlCompute) -> None:
    """Deserialize gives an object of the class again."""
    again = ComputeTarget.deserialize(workspace, cluster.serialize())

    assert type(again) is AmlCompute
    assert again.settings == cluster.settings


def test_instance_is_one_node(workspace: Workspace) -> None:
    """A compute instance is a target of its own class, and not an AmlCompute."""
    ComputeTarget.create(workspace, "mine", ComputeInstance.provisioning_configuration(vm_size="STANDARD_D2_V2"))

    assert type(ComputeTarget(workspace, "mine")) is ComputeInstance
    with pytest.raises(ComputeTargetException, match="of type ComputeInstance"):
        AmlCompute(workspace, "mine")


_MISSING = [
    *(compute.AdlaCompute, compute.AksCompute, compute.BatchCompute, compute.DatabricksCompute, compute.DsvmCompute),
    *(compute.HDInsightCompute, compute.KustoCompute, compute.SynapseCompute),
]


@pytest.mark.parametrize("kind", _MISSING)
def test_kinds_that_are_missing_say_what_to_do(work: Path, kind: type[ComputeTarget]) -> None:
    """Importing works; opening one raises NotSupportedError with the way out."""
    with pytest.raises(NotSupportedError, match=rf"{kind.__name__}.* is not supported; \w+"):
        kind(Workspace(None, None, "ml"), "name")


def test_attaching_what_cannot_be_attached_shows_no_secret() -> None:
    """v1's parameters are taken, and the text has none of their values."""
    with pytest.raises(NotSupportedError, match=r"start an Airflow worker") as caught:
        compute.RemoteCompute.attach_configuration("me", address="host", password="hunter2")
    assert "hunter2" not in str(caught.value)
    with pytest.raises(NotSupportedError, match="Databricks operators"):
        compute.DatabricksCompute.attach_configuration("group", "name", access_token="hunter2")
    with pytest.raises(NotSupportedError, match="use AmlCompute"):
        compute.BatchCompute.attach_configuration("group", "account")


def test_a_machine_is_attached(workspace: Workspace) -> None:
    """A machine of the team's own is a target for one step at a time, and says itself what it has."""
    configuration = compute.RemoteCompute.attach_configuration("me", address="box", gpus=4, launcher="docker")

    attached = ComputeTarget.attach(workspace, "box", configuration)

    assert type(ComputeTarget(workspace, "box")) is compute.RemoteCompute
    target = TargetSettings.read("box", attached.type, attached.settings)
    assert (target.type, target.launcher, target.slots, target.queue) == ("Remote", "docker", 4, "box")
    with pytest.raises(ComputeTargetException, match="address is missing"):
        compute.RemoteCompute.attach_configuration("me")
    with pytest.raises(NotSupportedError, match="Azure is not asked for machines"):
        compute.RemoteCompute.attach_configuration("me", resource_id="/subscriptions/x")


def test_a_kubernetes_cluster_is_attached(workspace: Workspace) -> None:
    """It is that of Airflow's executor: the target says the namespace and the size of a pod."""
    configuration = compute.KubernetesCompute.attach_configuration(
        namespace="ml", vm_size="STANDARD_NC6", max_nodes=3, executor="k8s", node_selector={"pool": "gpu"}
    )

    attached = ComputeTarget.attach(workspace, "pods", configuration)

    target = TargetSettings.read("pods", attached.type, attached.settings)
    assert (target.launcher, target.executor, target.namespace) == ("kubernetes", "k8s", "ml")
    assert (target.slots, target.node_selector) == (3, {"pool": "gpu"})
    with pytest.raises(NotSupportedError, match="service account"):
        compute.KubernetesCompute.attach_configuration(identity_type="SystemAssigned")


def test_where_steps_run_stays_when_a_target_is_updated(workspace: Workspace) -> None:
    """Launcher, executor and GPUs are no scale settings: changing those keeps them."""
    wanted = AmlCompute.provisioning_configuration(max_nodes=1, launcher="docker", executor="celery", gpus=2)
    target = ComputeTarget.create(workspace, "own", wanted)
    assert isinstance(target, AmlCompute)

    target.update(max_nodes=3)

    found = TargetSettings.read("own", "AmlCompute", ComputeTarget(workspace, "own").settings)
    assert (found.launcher, found.executor, found.gpus_per_node, found.slots) == ("docker", "celery", 2, 6)
    with pytest.raises(ComputeTargetException, match="launcher is 'ssh', expected one of process, docker, kubernetes"):
        ComputeInstance.provisioning_configuration(launcher="ssh")
    with pytest.raises(ComputeTargetException, match="gpus is -1"):
        AmlCompute.provisioning_configuration(max_nodes=1, gpus=-1)


def test_the_administration_of_machines_is_refused() -> None:
    """Networks of nodes are set up where the worker runs."""
    with pytest.raises(NotSupportedError, match="vnet_name"):
        AmlCompute.provisioning_configuration(max_nodes=1, vnet_name="v")


def test_only_configurations_make_targets(workspace: Workspace) -> None:
    """What is no configuration is refused by create and attach."""
    with pytest.raises(ComputeTargetException, match="does not say how"):
        ComputeTarget.create(workspace, "name", "STANDARD_D2_V2")  # type: ignore[arg-type]  # what is tested
    with pytest.raises(NotSupportedError, match="celery worker -q name"):
        ComputeTarget.attach(workspace, "name", object())  # type: ignore[arg-type]  # what is tested


def test_a_data_factory_is_a_name(workspace: Workspace) -> None:
    """The usual "use it or else make it" works, and so does attaching one."""
    with pytest.raises(ComputeTargetException, match="ComputeTargetNotFound"):
        DataFactoryCompute(workspace, "factory")
    made = ComputeTarget.create(workspace, "factory", DataFactoryCompute.provisioning_configuration())
    made.wait_for_completion()

    found = DataFactoryCompute(workspace, "factory")
    assert (type(found), found.type, found.get_status()) == (DataFactoryCompute, "DataFactory", "Succeeded")
    attached = ComputeTarget.attach(workspace, "other", DataFactoryCompute.attach_configuration("group", "mine"))
    assert attached.settings == {"resource_group": "group", "factory_name": "mine"}
    assert type(DataFactoryCompute.attach(workspace, "third", "/subscriptions/x")) is DataFactoryCompute
    with pytest.raises(ComputeTargetException, match="do not name one factory"):
        DataFactoryCompute.attach_configuration("group")


def test_states_come_back(cluster: AmlCompute, workspace: Workspace) -> None:
    """Deserialize is the inverse of serialize, and gives None for nothing."""
    config = ComputeInstance.provisioning_configuration(vm_size="STANDARD_D2_V2")
    instance = ComputeTarget.create(workspace, "single", config)
    assert isinstance(instance, ComputeInstance)

    for status in (cluster.get_status(), instance.get()):
        again = type(status).deserialize(status.serialize())
        assert again is not None
        assert again.serialize() == status.serialize()
        assert type(status).deserialize(None) is None


@pytest.mark.parametrize(("text", "seconds"), [("PT120S", 120), ("PT1H2M3S", 3723), ("P1D", None)])
def test_durations_of_v1_are_read(text: str, seconds: int | None) -> None:
    """The idle time is an ISO 8601 duration."""
    scale = ScaleSettings.deserialize({"minNodeCount": 0, "nodeIdleTimeBeforeScaleDown": text})

    assert scale is not None
    assert scale.idle_seconds_before_scaledown == seconds


def test_active_runs_are_those_that_name_the_target(cluster: AmlCompute, workspace: Workspace) -> None:
    """Runs that wait or run on the target are given, those that have ended and those of others are not."""
    runs = workspace.registry().runs
    for name, target, status in (("a", "aml-compute", "Running"), ("b", "other", "Running")):
        runs.create("e", name, kind="script", target=target, status=status)
    runs.create("e", "c", kind="script", target="aml-compute", status="Completed")

    assert [run.get_details()["target"] for run in cluster.get_active_runs()] == ["aml-compute"]
    assert list(cluster.get_active_runs(status="Queued")) == []


def test_an_instance_is_deleted_in_words(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    """Delete takes v1's arguments."""
    made = ComputeTarget.create(workspace, "single", ComputeInstance.provisioning_configuration())
    assert isinstance(made, ComputeInstance)

    made.delete(wait_for_completion=True, show_output=True)

    assert "Deleted" in capsys.readouterr().out
    assert "single" not in workspace.compute_targets
