"""Steps that are kept by name, in versions (`azureml.pipeline.core.module`); a ModuleStep runs one of them."""

from __future__ import annotations

from airflow_ml._late import late
from airflow_ml.exceptions import NotSupportedError, UserErrorException
from airflow_ml.pipeline.core._module_kinds import OtherModuleKinds
from airflow_ml.pipeline.core._module_version import (
    ACTIVE,
    DEPRECATED,
    DISABLED,
    ModuleInterface,
    ModuleVersion,
    ModuleVersionDescriptor,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import TypeAlias

    from airflow_ml.core.runconfig import RunConfiguration
    from airflow_ml.core.workspace import Workspace
    from airflow_ml.data import _caller
    from airflow_ml.pipeline.core import _module_definitions as definitions
    from airflow_ml.pipeline.core import _scripts
    from airflow_ml.pipeline.core._definitions import InputPortDef, OutputPortDef
    from airflow_ml.registry import ModuleRecord
    from airflow_ml.registry.modules import Modules

    Descriptors: TypeAlias = list[ModuleVersionDescriptor]
else:
    _caller = late("airflow_ml.data._caller")
    _scripts = late("airflow_ml.pipeline.core._scripts")
    definitions = late("airflow_ml.pipeline.core._module_definitions")

__all__ = ["Module", "ModuleInterface", "ModuleVersion", "ModuleVersionDescriptor"]


class Module(OtherModuleKinds):
    """
    A step that is kept by name, with versions.

    `create` makes one without versions, `publish_python_script` adds them, `get` finds it.

    Args:
        status: `Active`, `Deprecated` or `Disabled`.
        default_version: None until somebody chooses one.
    """

    def __init__(
        self,
        workspace: Workspace,
        module_id: str,
        name: str,
        description: str | None,
        status: str,
        default_version: str | None,
        module_version_list: Sequence[ModuleVersionDescriptor],
        _module_provider: object = None,
        _module_version_provider: object = None,
    ) -> None:
        self.workspace = workspace
        self._id = module_id
        self._name = name
        self._description = description
        self._status = status
        self._default_version = default_version
        self._versions = list(module_version_list)

    @classmethod
    def _of(cls, workspace: Workspace, record: ModuleRecord) -> Module:
        made = cls(workspace, record.id, record.name, None, record.status, None, ())
        made._take(record)
        return made

    def _take(self, record: ModuleRecord) -> None:
        """See what the record says now."""
        self._name, self._description, self._status = record.name, record.description, record.status
        self._default_version = record.default_version
        self._versions = [ModuleVersionDescriptor(version, version_id) for version, version_id in record.versions]

    @property
    def _records(self) -> Modules:
        return self.workspace.registry().modules

    @staticmethod
    def create(workspace: Workspace, name: str, description: str | None, _workflow_provider: object = None) -> Module:
        """
        Make a module without versions.

        Raises:
            ValueError: the workspace has a module of that name.
        """
        return Module._of(workspace, workspace.registry().modules.create(name, description))

    @staticmethod
    def get(
        workspace: Workspace, module_id: str | None = None, name: str | None = None, _workflow_provider: object = None
    ) -> Module:
        """
        Return the module of that id or name.

        Raises:
            UserErrorException: there is none, or neither is given.
        """
        records = workspace.registry().modules
        if module_id is not None:
            return Module._of(workspace, records.get(module_id))
        if name is None:
            raise UserErrorException("Module.get: neither module_id nor name is given; give one of them")
        return Module._of(workspace, records.named(name))

    @staticmethod
    def get_versions(workspace: Workspace, name: str, _workflow_provider: object = None) -> Descriptors:
        """Return the versions of a module, in the order in which they were published."""
        return Module.get(workspace, name=name).module_version_list()

    @property
    def id(self) -> str:
        """Its id in the workspace."""
        return self._id

    @property
    def name(self) -> str:
        """Its name, which no other module of the workspace has."""
        return self._name

    @property
    def description(self) -> str | None:
        """Free text."""
        return self._description

    @property
    def status(self) -> str:
        """`Active`, `Deprecated` or `Disabled`; as this object last saw it (v1)."""
        return self._status

    @property
    def default_version(self) -> str | None:
        """The version that is used when none is named; None until one is chosen."""
        return self._default_version

    def module_version_list(self) -> Descriptors:
        """Return the versions, in the order in which they were published."""
        self._take(self._records.get(self._id))
        return [*self._versions]

    def get_default_version(self) -> str | None:
        """Return the name of the default version as it is now."""
        self._take(self._records.get(self._id))
        return self._default_version

    def get_default(self) -> ModuleVersion:
        """
        Return the default version.

        Raises:
            UserErrorException: none is chosen.
        """
        chosen = self.get_default_version()
        if chosen is None:
            raise UserErrorException(
                f"module {self._name!r}: it has no default version; choose one with set_default_version, or name one"
            )
        return self.resolve(chosen)

    def resolve(self, version: str | None = None) -> ModuleVersion:
        """
        Return a version.

        Args:
            version: if None, the default one; without one the highest of versions that are dotted numbers; else the
                one that was published last (v1's rule).

        Raises:
            UserErrorException: there is no such version.
        """
        known = {descriptor.version: descriptor.module_version_id for descriptor in self.module_version_list()}
        chosen = str(version) if version is not None else self._default_version or definitions.highest_version([*known])
        if chosen not in known:
            raise UserErrorException(
                f"module {self._name!r}: it has no version {chosen!r}; its versions are"
                f" {', '.join(known) or '(none)'}; publish one"
            )
        return ModuleVersion._of(self.workspace, self._records.version(known[chosen]))

    def publish_python_script(
        self,
        script_name: str,
        description: str | None,
        inputs: Sequence[InputPortDef],
        outputs: Sequence[OutputPortDef],
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
        """
        Add a version that runs a Python script; the script's folder is captured now.

        Args:
            params: values for the script's environment, as `AML_PARAMETER_<name>`, unless a ModuleStep gives others.
            create_sequencing_ports: accepted; every step can be ordered by `run_after`.
            version: the next number unless given.
            hash_paths: not supported: the captured folder counts as a whole.
            arguments: what the script gets unless a ModuleStep gives its own: text, and the definitions of ports and
                parameters in the place of what they are bound to.
            runconfig: for ModuleSteps that give none.

        Raises:
            ValueError: the module has that version, there is no such script, or something is of a wrong type.
            UserErrorException: the folder cannot be captured.
        """
        if hash_paths:
            raise NotSupportedError(
                f"module {self._name!r}: hash_paths={hash_paths!r} is not supported; put the files into the source"
                " directory, which counts as a whole"
            )
        definition = definitions.script_definition(
            self.workspace,
            self._name,
            script_name=script_name,
            source_directory=source_directory,
            inputs=list(inputs or ()),
            outputs=list(outputs or ()),
            params=params or {},
            arguments=list(arguments or ()),
            runconfig=runconfig,
        )
        record = self._records.add_version(
            self._id,
            definition=definition,
            version=None if version is None else str(version),
            description=description,
            category=category,
            is_default=is_default,
        )
        self._take(self._records.get(self._id))
        return ModuleVersion._of(self.workspace, record)

    @staticmethod
    def process_source_directory(name: str, source_directory: str, script_name: str) -> tuple[str, list[str]]:
        """
        Return the folder of a script, and what counts of it: the folder.

        Raises:
            ValueError: there is no such script.
        """
        place = _scripts.find_script(name, _caller.base_directory(), source_directory, script_name)
        return place.directory, [place.directory]

    def set_default_version(self, version_id: str) -> None:
        """
        Make a version, by its name or its id, the default.

        Raises:
            UserErrorException: there is no such version.
        """
        self._take(self._records.set_default(self._id, str(version_id)))

    def set_name(self, name: str) -> None:
        """
        Rename it.

        Raises:
            ValueError: another module has that name.
        """
        self._take(self._records.set_name(self._id, name))

    def set_description(self, description: str | None) -> None:
        """Change the description."""
        self._take(self._records.set_description(self._id, description))

    def enable(self) -> None:
        """Let ModuleSteps use it again, without a warning."""
        self._take(self._records.set_status(self._id, ACTIVE))

    def deprecate(self) -> None:
        """Warn who makes a ModuleStep of it."""
        self._take(self._records.set_status(self._id, DEPRECATED))

    def disable(self) -> None:
        """Let no ModuleStep use it any more; pipelines that were built stay."""
        self._take(self._records.set_status(self._id, DISABLED))

    def __repr__(self) -> str:
        return f"Module(Name: {self._name},\nId: {self._id},\nStatus: {self._status})"
