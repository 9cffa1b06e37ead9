"""Compute targets: made, found, described in v1's form."""

from __future__ import annotations

import pytest

from airflow_ml.core import ComputeTarget as FromCore
from airflow_ml.core import Workspace
from airflow_ml.core.compute import AmlCompute, ComputeInstance, ComputeTarget, DatabricksCompute, DataFactoryCompute
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


def test_kinds_that_are_missing_say_what_to_do(workspace: Workspace) -> None:
    """Attaching, Databricks, Data Factory and machines' administration raise NotSupportedError."""
    with pytest.raises(NotSupportedError, match="celery worker"):
        ComputeTarget.attach(workspace, "c1", object())
    with pytest.raises(NotSupportedError, match="Databricks operators"):
        DatabricksCompute.attach_configuration(resource_group="g")
    with pytest.raises(NotSupportedError, match="no compute target"):
        DataFactoryCompute.provisioning_configuration()
    with pytest.raises(NotSupportedError, match="vnet_name"):
        AmlCompute.provisioning_configuration(max_nodes=1, vnet_name="v")
