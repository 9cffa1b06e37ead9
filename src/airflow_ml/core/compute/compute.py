"""What all compute targets have, finding them and making them (`azureml.core.compute.compute`)."""

from __future__ import annotations

from airflow_ml._late import late
from airflow_ml.core._caller import is_parsing_dag
from airflow_ml.exceptions import ComputeTargetException, NotSupportedError, UserErrorException
from airflow_ml.graph.model import ComputeDeclaration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Protocol, TypeAlias

    from airflow_ml.compute import vm_sizes
    from airflow_ml.core.compute import _known
    from airflow_ml.core.workspace import Workspace
    from airflow_ml.graph.model import Json
else:
    from airflow_ml._typing import Protocol

    vm_sizes = late("airflow_ml.compute.vm_sizes")
    _known = late("airflow_ml.core.compute._known")

__all__ = ["ComputeTarget", "ComputeTargetException", "ProvisioningConfiguration"]

_RESERVED = ("amlcompute", "local", "containerinstance")


class ProvisioningConfiguration(Protocol):
    """How a compute target shall be."""

    compute_type: str

    def to_settings(self) -> dict[str, Json]:
        """Return the settings as they are recorded."""
        ...


class ComputeTarget:
    """
    A named place where steps run: an Airflow pool and queue of that name, and the size of one of its nodes.

    `ComputeTarget(workspace, name)` returns the target's own class, such as AmlCompute.

    Attributes:
        type: v1's word, such as `AmlCompute`.
        settings: what was said when it was made.
        is_declared: made by the DAG file that Airflow is parsing; the run applies it.

    Raises:
        ComputeTargetException: there is no target of that name (`ComputeTargetNotFound` is in the text). While
            Airflow parses a DAG file only targets that the file creates are there.
    """

    _compute_type = "ComputeTarget"

    workspace: Workspace
    name: str
    settings: Mapping[str, Json]
    is_declared: bool

    def __new__(cls, workspace: Workspace, name: str) -> ComputeTarget:
        """Return the target of that name in its own class."""
        found = _known.find(workspace, name)
        if found is None:
            raise not_found(workspace, name)
        if not isinstance(found, cls):
            raise ComputeTargetException(
                f"compute target {name!r}: is of type {found.type}, not {cls._compute_type}; open it with "
                "ComputeTarget(workspace, name)"
            )
        return found

    def __init__(self, workspace: Workspace, name: str) -> None:
        """Leave everything as `__new__` has filled it."""

    @classmethod
    def _filled(
        cls, workspace: Workspace, name: str, settings: Mapping[str, Json], *, is_declared: bool = False
    ) -> ComputeTarget:
        target = object.__new__(cls)
        target.workspace = workspace
        target.name = name
        target.settings = settings
        target.is_declared = is_declared
        return target

    @property
    def type(self) -> str:
        """v1's word for the kind of target, such as `AmlCompute`."""
        return self._compute_type

    @property
    def provisioning_state(self) -> str:
        """Always `Succeeded`: nothing has to be rented."""
        return "Succeeded"

    @property
    def provisioning_errors(self) -> list[str]:
        """Always empty."""
        return []

    @property
    def location(self) -> str:
        """The workspace's location."""
        return self.workspace.location

    @property
    def description(self) -> str | None:
        """What was said about the target."""
        text = self.settings.get("description")
        return None if text is None else str(text)

    @property
    def tags(self) -> dict[str, str]:
        """The target's tags; a copy."""
        tags = self.settings.get("tags")
        return {key: str(value) for key, value in tags.items()} if isinstance(tags, dict) else {}

    @property
    def declaration(self) -> ComputeDeclaration | None:
        """The target as the graph declares it, if a DAG file that is being parsed has made it."""
        return ComputeDeclaration(self.name, self.type, self.settings) if self.is_declared else None

    @staticmethod
    def create(workspace: Workspace, name: str, provisioning_configuration: ProvisioningConfiguration) -> ComputeTarget:
        """
        Make a compute target, or change the one of that name.

        While Airflow parses a DAG file it is only recorded; every run applies it before its first step.

        Raises:
            ComputeTargetException: a name that cannot be one, or a VM size that is not known.
            UserErrorException: a reserved name.
        """
        _check_name(name)
        if not hasattr(provisioning_configuration, "to_settings"):
            raise ComputeTargetException(
                f"compute target {name!r}: {provisioning_configuration!r} does not say how it shall be; give what "
                "AmlCompute.provisioning_configuration returns"
            )
        settings = provisioning_configuration.to_settings()
        if is_parsing_dag():
            return _known.declare(workspace, name, provisioning_configuration.compute_type, settings)
        size = settings.get("vm_size")
        if size:
            vm_sizes.find(str(size))
        return _known.put(workspace, name, provisioning_configuration.compute_type, settings)

    @staticmethod
    def attach(workspace: Workspace, name: str, attach_configuration: ProvisioningConfiguration) -> ComputeTarget:
        """
        Record an existing target under a name, if it is of a kind that is known here.

        Raises:
            NotSupportedError: it is not; start an Airflow worker there with the target's name as its queue.
        """
        if hasattr(attach_configuration, "to_settings"):
            return ComputeTarget.create(workspace, name, attach_configuration)
        raise NotSupportedError(
            f"compute target {name!r} of workspace {workspace.name!r}: {attach_configuration!r} cannot be attached; "
            f"create an AmlCompute of that name and start an Airflow worker there (airflow celery worker -q {name})"
        )

    @staticmethod
    def list(workspace: Workspace) -> _ComputeTargets:
        """Return all compute targets of the workspace."""
        return [*workspace.compute_targets.values()]

    def delete(self) -> None:
        """Forget the target; its pool stays until Airflow's own tools remove it."""
        _known.delete(self.workspace, self.name)

    def detach(self) -> None:
        """Forget the target, as `delete` does."""
        self.delete()

    def get_status(self) -> object:
        """Return the state; for plain targets v1's word."""
        return self.provisioning_state

    def refresh_state(self) -> None:
        """Read the target's settings again."""
        if self.is_declared:
            return
        found = _known.find(self.workspace, self.name)
        if found is None:
            raise not_found(self.workspace, self.name)
        self.settings = found.settings

    def wait_for_completion(self, show_output: bool = False, is_delete_operation: bool = False) -> None:
        """
        Return at once: nothing has to be rented.

        Args:
            show_output: say so.
            is_delete_operation: waiting for a deletion; it is done as well.
        """
        if show_output:
            print("Deleted" if is_delete_operation else "Succeeded")  # noqa: T201 - v1's show_output

    def serialize(self) -> dict[str, Json]:
        """Return the target as JSON."""
        return {
            "name": self.name,
            "location": self.location,
            "tags": dict(self.tags),
            "properties": {
                "computeType": self.type,
                "provisioningState": self.provisioning_state,
                "description": self.description,
                "properties": dict(self.settings),
            },
        }

    @staticmethod
    def deserialize(workspace: Workspace, object_dict: Mapping[str, Json]) -> ComputeTarget:
        """Return a target from what `serialize` gave; nothing is recorded."""
        properties = object_dict.get("properties")
        if not isinstance(properties, dict):
            raise ComputeTargetException(f"compute target: {dict(object_dict)!r} is not what serialize() returns")
        settings = properties.get("properties")
        return _known.make(
            workspace,
            str(object_dict.get("name")),
            str(properties.get("computeType")),
            settings if isinstance(settings, dict) else {},
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}(workspace={self.workspace.name!r}, name={self.name!r})"


#: Written here because inside the class `list` is v1's method.
_ComputeTargets: TypeAlias = "list[ComputeTarget]"


def _check_name(name: str) -> None:
    """Raise for a name that a compute target cannot have: it is also a pool's and a queue's."""
    if name.lower() in _RESERVED:
        raise UserErrorException(f"compute target {name!r}: the name is reserved; choose another one")
    is_word = name.isascii() and name.replace("-", "").replace("_", "").isalnum() and name[0].isalpha()
    if not is_word or not 2 <= len(name) <= 63:
        raise ComputeTargetException(
            f"compute target {name!r}: a name has 2 to 63 letters, digits, '-' and '_' and begins with a letter"
        )


def not_found(workspace: Workspace, name: str) -> ComputeTargetException:
    """Return the error for a name that no target has."""
    if is_parsing_dag():
        return ComputeTargetException(
            f"ComputeTargetNotFound: compute target {name!r} is not created by this DAG file, and the workspace is not "
            "read while Airflow parses it; give the step the name as text, or create it here with ComputeTarget.create"
        )
    return ComputeTargetException(
        f"ComputeTargetNotFound: compute target {name!r} is not in workspace {workspace.name!r}; make it with "
        "ComputeTarget.create, or correct the name"
    )
