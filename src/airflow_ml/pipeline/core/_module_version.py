"""Versions of modules; v1 has the classes in `azureml.pipeline.core.module`."""

from __future__ import annotations

from airflow_ml._late import late
from airflow_ml.exceptions import UserErrorException

TYPE_CHECKING = False
if TYPE_CHECKING:
    import warnings
    from collections.abc import Mapping, Sequence
    from dataclasses import dataclass

    from airflow_ml.core.runconfig import RunConfiguration
    from airflow_ml.core.workspace import Workspace
    from airflow_ml.graph import Json
    from airflow_ml.pipeline.core import _module_definitions as definitions
    from airflow_ml.pipeline.core import module as modules
    from airflow_ml.pipeline.core._definitions import InputPortDef, OutputPortDef, ParamDef
    from airflow_ml.registry import ModuleVersionRecord
    from airflow_ml.registry.modules import Modules as Repository
else:
    from airflow_ml._records import dataclass

    definitions = late("airflow_ml.pipeline.core._module_definitions")
    modules = late("airflow_ml.pipeline.core.module")
    warnings = late("warnings")

__all__ = ["ACTIVE", "DEPRECATED", "DISABLED", "ModuleInterface", "ModuleVersion", "ModuleVersionDescriptor"]

#: v1's words for what may be used, for what is used with a warning, and for what may not.
ACTIVE, DEPRECATED, DISABLED = "Active", "Deprecated", "Disabled"


class ModuleVersionDescriptor:
    """A version of a module with its id: plain data."""

    def __init__(self, version: str, module_version_id: str) -> None:
        self._version = version
        self._module_version_id = module_version_id

    @property
    def version(self) -> str:
        """Name of the version."""
        return self._version

    @property
    def module_version_id(self) -> str:
        """Id of the version."""
        return self._module_version_id


@dataclass(frozen=True)
class ModuleInterface:
    """The ports and parameters of a module's version."""

    inputs: Sequence[InputPortDef]
    outputs: Sequence[OutputPortDef]
    params: Sequence[ParamDef]


class ModuleVersion:
    """
    One version of a module: what a ModuleStep runs.

    Args:
        module_entity: its record.
    """

    def __init__(
        self,
        workspace: Workspace,
        module_entity: ModuleVersionRecord,
        version: str,
        _module_version_provider: object,
    ) -> None:
        self.workspace = workspace
        self._record = module_entity
        self._version = version

    @classmethod
    def _of(cls, workspace: Workspace, record: ModuleVersionRecord) -> ModuleVersion:
        return cls(workspace, record, record.version, None)

    @property
    def _records(self) -> Repository:
        return self.workspace.registry().modules

    @property
    def _definition(self) -> Mapping[str, Json]:
        return self._record.definition

    @staticmethod
    def get(
        workspace: Workspace, module_version_id: str | None = None, _workflow_provider: object = None
    ) -> ModuleVersion:
        """
        Return the version of that id.

        Raises:
            UserErrorException: there is none.
        """
        return ModuleVersion._of(workspace, workspace.registry().modules.version(module_version_id or ""))

    @property
    def module_version_id(self) -> str:
        """Its id in the workspace."""
        return self._record.id

    @property
    def module_id(self) -> str:
        """Id of the module."""
        return self._record.module_id

    @property
    def version(self) -> str:
        """Its name."""
        return self._version

    @property
    def description(self) -> str | None:
        """Free text."""
        return self._record.description

    @property
    def category(self) -> str | None:
        """Free text."""
        return self._record.category

    @property
    def status(self) -> str:
        """`Active`, `Deprecated` or `Disabled`; as this object last saw it (v1)."""
        return self._record.status

    @property
    def interface(self) -> ModuleInterface:
        """Its ports and parameters."""
        return ModuleInterface(*definitions.port_definitions(self._definition))

    @property
    def runconfig(self) -> RunConfiguration | None:
        """The run configuration of ModuleSteps that give none."""
        return definitions.read_runconfig(self._definition)

    def module(self, _workflow_provider: object = None) -> modules.Module:
        """Return its module."""
        return modules.Module.get(self.workspace, self._record.module_id)

    def set_description(self, description: str | None) -> None:
        """Change the description."""
        self._record = self._records.change_version(self._record.id, description=description or "")

    def enable(self) -> None:
        """Let ModuleSteps use it again, without a warning."""
        self._record = self._records.change_version(self._record.id, status=ACTIVE)

    def deprecate(self) -> None:
        """Warn who makes a ModuleStep of it."""
        self._record = self._records.change_version(self._record.id, status=DEPRECATED)

    def disable(self) -> None:
        """Let no ModuleStep use it any more; pipelines that were built stay."""
        self._record = self._records.change_version(self._record.id, status=DISABLED)

    def _check_usable(self, module: modules.Module) -> None:
        """Refuse what is disabled, and warn of what is deprecated."""
        record = self._records.version(self._record.id)
        for what, status in (
            ("it", module.status),
            (f"its version {self.version!r}", record.status),
        ):
            if status == DISABLED:
                raise UserErrorException(
                    f"module {module.name!r}: {what} is Disabled; enable it, or use another version"
                )
            if status == DEPRECATED:
                warnings.warn(f"module {module.name!r}: {what} is Deprecated", stacklevel=4)

    def __repr__(self) -> str:
        return f"ModuleVersion(Version: {self._version},\nId: {self._record.id},\nStatus: {self._record.status})"
