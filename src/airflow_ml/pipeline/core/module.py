"""Stored steps (`azureml.pipeline.core.module`): a later version has them."""

from __future__ import annotations

from airflow_ml._refusals import not_yet

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import TypeAlias

    from airflow_ml.core.runconfig import RunConfiguration
    from airflow_ml.core.workspace import Workspace

    Descriptors: TypeAlias = Sequence["ModuleVersionDescriptor"]

__all__ = ["Module", "ModuleVersion", "ModuleVersionDescriptor"]

_INSTEAD = "share a Python function that returns a PythonScriptStep"


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


class Module:
    """A step that is stored by name, with versions."""

    def __init__(
        self,
        workspace: Workspace,
        module_id: str,
        name: str,
        description: str | None,
        status: str,
        default_version: str,
        module_version_list: Sequence[ModuleVersionDescriptor],
        _module_provider: object = None,
        _module_version_provider: object = None,
    ) -> None:
        raise not_yet("Module", _INSTEAD)

    @staticmethod
    def create(workspace: Workspace, name: str, description: str | None, _workflow_provider: object = None) -> Module:
        """Store a module."""
        raise not_yet("Module.create", _INSTEAD)

    @property
    def default_version(self) -> str:
        """The version that is used when none is named."""
        raise not_yet("Module.default_version", _INSTEAD)

    def deprecate(self) -> None:
        """Warn who uses it."""
        raise not_yet("Module.deprecate", _INSTEAD)

    @property
    def description(self) -> str | None:
        """Free text."""
        raise not_yet("Module.description", _INSTEAD)

    def disable(self) -> None:
        """Refuse new uses."""
        raise not_yet("Module.disable", _INSTEAD)

    def enable(self) -> None:
        """Take new uses again."""
        raise not_yet("Module.enable", _INSTEAD)

    @staticmethod
    def get(
        workspace: Workspace, module_id: str | None = None, name: str | None = None, _workflow_provider: object = None
    ) -> Module:
        """Return the module of that id or name."""
        raise not_yet("Module.get", _INSTEAD)

    def get_default(self) -> ModuleVersion:
        """Return the default version."""
        raise not_yet("Module.get_default", _INSTEAD)

    def get_default_version(self) -> str:
        """Return the name of the default version."""
        raise not_yet("Module.get_default_version", _INSTEAD)

    @staticmethod
    def get_versions(workspace: Workspace, name: str, _workflow_provider: object = None) -> Descriptors:
        """Return the versions of a module."""
        raise not_yet("Module.get_versions", _INSTEAD)

    @property
    def id(self) -> str:
        """Its id."""
        raise not_yet("Module.id", _INSTEAD)

    @staticmethod
    def module_def_builder(
        name: str,
        description: str | None,
        execution_type: str,
        input_bindings: Sequence[object],
        output_bindings: Sequence[object],
        param_defs: Sequence[object] | None = None,
        create_sequencing_ports: bool = True,
        allow_reuse: bool = True,
        version: str | None = None,
        module_type: str | None = None,
        step_type: str | None = None,
        arguments: Sequence[object] | None = None,
        runconfig: RunConfiguration | None = None,
        cloud_settings: object = None,
    ) -> object:
        """Describe a module."""
        raise not_yet("Module.module_def_builder", _INSTEAD)

    def module_version_list(self) -> Descriptors:
        """Return the versions."""
        raise not_yet("Module.module_version_list", _INSTEAD)

    @property
    def name(self) -> str:
        """Its name."""
        raise not_yet("Module.name", _INSTEAD)

    @staticmethod
    def process_source_directory(name: str, source_directory: str, script_name: str) -> tuple[str, list[str]]:
        """Find a script in its folder."""
        raise not_yet("Module.process_source_directory", _INSTEAD)

    def publish(
        self,
        description: str | None,
        execution_type: str,
        inputs: Sequence[object],
        outputs: Sequence[object],
        param_defs: Sequence[object] | None = None,
        create_sequencing_ports: bool = True,
        version: str | None = None,
        is_default: bool = False,
        content_path: str | None = None,
        hash_paths: Sequence[str] | None = None,
        category: str | None = None,
        arguments: Sequence[object] | None = None,
        runconfig: RunConfiguration | None = None,
    ) -> ModuleVersion:
        """Add a version."""
        raise not_yet("Module.publish", _INSTEAD)

    def publish_adla_script(
        self,
        script_name: str,
        description: str | None,
        inputs: Sequence[object],
        outputs: Sequence[object],
        params: Mapping[str, object] | None = None,
        create_sequencing_ports: bool = True,
        degree_of_parallelism: int | None = None,
        priority: int | None = None,
        runtime_version: str | None = None,
        compute_target: object = None,
        version: str | None = None,
        is_default: bool = False,
        source_directory: str | None = None,
        hash_paths: Sequence[str] | None = None,
        category: str | None = None,
        arguments: Sequence[object] | None = None,
    ) -> ModuleVersion:
        """Add a version that runs a U-SQL script."""
        raise not_yet("Module.publish_adla_script", _INSTEAD)

    def publish_azure_batch(
        self,
        description: str | None,
        compute_target: object,
        inputs: Sequence[object],
        outputs: Sequence[object],
        params: Mapping[str, object] | None = None,
        create_sequencing_ports: bool = True,
        version: str | None = None,
        is_default: bool = False,
        create_pool: bool = False,
        pool_id: str | None = None,
        delete_batch_job_after_finish: bool = False,
        delete_batch_pool_after_finish: bool = False,
        is_positive_exit_code_failure: bool = True,
        vm_image_urn: str = "urn:MicrosoftWindowsServer:WindowsServer:2012-R2-Datacenter",
        run_task_as_admin: bool = False,
        target_compute_nodes: int = 1,
        vm_size: str = "standard_d1_v2",
        executable: str | None = None,
        source_directory: str | None = None,
        category: str | None = None,
        arguments: Sequence[object] | None = None,
    ) -> ModuleVersion:
        """Add a version that runs on Azure Batch."""
        raise not_yet("Module.publish_azure_batch", _INSTEAD)

    def publish_python_script(
        self,
        script_name: str,
        description: str | None,
        inputs: Sequence[object],
        outputs: Sequence[object],
        params: Mapping[str, object] | None = None,
        create_sequencing_ports: bool = True,
        version: str | None = None,
        is_default: bool = False,
        source_directory: str | None = None,
        hash_paths: Sequence[str] | None = None,
        category: str | None = None,
        arguments: Sequence[object] | None = None,
        runconfig: RunConfiguration | None = None,
    ) -> ModuleVersion:
        """Add a version that runs a Python script."""
        raise not_yet("Module.publish_python_script", _INSTEAD)

    def resolve(self, version: str | None = None) -> ModuleVersion:
        """Return a version by name, else the default one."""
        raise not_yet("Module.resolve", _INSTEAD)

    def set_default_version(self, version_id: str) -> None:
        """Make a version the default."""
        raise not_yet("Module.set_default_version", _INSTEAD)

    def set_description(self, description: str | None) -> None:
        """Change the description."""
        raise not_yet("Module.set_description", _INSTEAD)

    def set_name(self, name: str) -> None:
        """Rename it."""
        raise not_yet("Module.set_name", _INSTEAD)

    @property
    def status(self) -> str:
        """`Active`, `Deprecated` or `Disabled`."""
        raise not_yet("Module.status", _INSTEAD)


class ModuleVersion:
    """One version of a module."""

    def __init__(
        self,
        workspace: Workspace,
        module_entity: object,
        version: str,
        _module_version_provider: object,
    ) -> None:
        raise not_yet("ModuleVersion", _INSTEAD)

    @property
    def category(self) -> str | None:
        """Free text."""
        raise not_yet("ModuleVersion.category", _INSTEAD)

    def deprecate(self) -> None:
        """Warn who uses it."""
        raise not_yet("ModuleVersion.deprecate", _INSTEAD)

    @property
    def description(self) -> str | None:
        """Free text."""
        raise not_yet("ModuleVersion.description", _INSTEAD)

    def disable(self) -> None:
        """Refuse new uses."""
        raise not_yet("ModuleVersion.disable", _INSTEAD)

    def enable(self) -> None:
        """Take new uses again."""
        raise not_yet("ModuleVersion.enable", _INSTEAD)

    @staticmethod
    def get(
        workspace: Workspace, module_version_id: str | None = None, _workflow_provider: object = None
    ) -> ModuleVersion:
        """Return the version of that id."""
        raise not_yet("ModuleVersion.get", _INSTEAD)

    @property
    def interface(self) -> object:
        """Its ports and parameters."""
        raise not_yet("ModuleVersion.interface", _INSTEAD)

    def module(self, _workflow_provider: object = None) -> Module:
        """Return its module."""
        raise not_yet("ModuleVersion.module", _INSTEAD)

    @property
    def module_id(self) -> str:
        """Id of the module."""
        raise not_yet("ModuleVersion.module_id", _INSTEAD)

    @property
    def module_version_id(self) -> str:
        """Its id."""
        raise not_yet("ModuleVersion.module_version_id", _INSTEAD)

    @property
    def runconfig(self) -> RunConfiguration | None:
        """Its run configuration."""
        raise not_yet("ModuleVersion.runconfig", _INSTEAD)

    def set_description(self, description: str | None) -> None:
        """Change the description."""
        raise not_yet("ModuleVersion.set_description", _INSTEAD)

    @property
    def status(self) -> str:
        """`Active`, `Deprecated` or `Disabled`."""
        raise not_yet("ModuleVersion.status", _INSTEAD)

    @property
    def version(self) -> str:
        """Its name."""
        raise not_yet("ModuleVersion.version", _INSTEAD)
