"""A step's inputs: from what the graph says about them to paths and datasets on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from airflow_ml.exceptions import AzureMLException, GraphError, StepFailedError
from airflow_ml.execution.input_sources import find_dataset, find_output, handed_on, parameter_data
from airflow_ml.execution.lineage import dataset_consumed, output_consumed, place_consumed
from airflow_ml.execution.records import definition_of_output
from airflow_ml.graph import (
    DatabaseSource,
    DataReferenceSource,
    DatasetSource,
    InputPort,
    ParameterSource,
    Source,
    StepOutputSource,
)
from airflow_ml.registry import DatasetRecord, RunInputRecord
from airflow_ml.storage.datasets import stage_dataset
from airflow_ml.storage.files_state import FilesState
from airflow_ml.storage.manifests import read_manifest_at
from airflow_ml.storage.staging import stage_input

if TYPE_CHECKING:
    from airflow_ml.execution.attempt import Attempt
    from airflow_ml.graph import Json
    from airflow_ml.storage.fuse_mount import LazyPlacing
    from airflow_ml.storage.in_place import Bind

__all__ = ["StagedInput", "stage_inputs"]


@dataclass(frozen=True)
class StagedInput:
    """
    An input as the script gets it.

    Attributes:
        path: for mount and download; None in direct mode.
        dataset: for inputs that are datasets, and always in direct mode.
        state: which files were staged; None in direct mode and for outputs of steps.
    """

    port: InputPort
    kind: Literal["file", "tabular", "path"]
    lineage: RunInputRecord
    path: Path | None = None
    dataset: DatasetRecord | None = None
    state: str | None = None

    @property
    def text(self) -> str:
        """What stands in the script's argv and environment: the path, or the dataset's id."""
        if self.path is not None:
            return str(self.path)
        assert self.dataset is not None
        return self.dataset.id


def stage_inputs(attempt: Attempt, binds: list[Bind], lazy: LazyPlacing | None) -> dict[str, StagedInput]:
    """
    Bring every input of the step onto this machine; links for an absolute `path_on_compute` lie outside of its place.

    Args:
        binds: receives what the launcher has to bind for the script, if it can do that.
        lazy: mounts what the script shall get when it reads it, if that was asked for.

    Raises:
        AzureMLException: of the kind that the cause has; the text names step and input.
    """
    stager = _Stager(attempt, binds if attempt.launcher.can_bind else None, lazy)
    return {port.name: stager.stage_named(port) for port in attempt.task.step.inputs}


class _Stager:
    def __init__(self, attempt: Attempt, binds: list[Bind] | None, lazy: LazyPlacing | None) -> None:
        self._services, self._task, self._run = attempt.services, attempt.task, attempt.run
        self._directory, self._outside = attempt.directory, attempt.place.outside
        self._binds = binds
        self._lazy = lazy

    def stage_named(self, port: InputPort) -> StagedInput:
        """Stage one input; an error says which one it is about."""
        try:
            return self.stage(port, port.source)
        except AzureMLException as error:
            raise error.at(f"{self._task.title}: input {port.name!r}") from error

    def stage(self, port: InputPort, source: Source) -> StagedInput:
        if isinstance(source, StepOutputSource):
            return self._stage_output(port, source)
        if isinstance(source, DatasetSource):
            return self._stage_dataset(port, find_dataset(self._services, source))
        if isinstance(source, DataReferenceSource):
            return self._stage_reference(port, source)
        if isinstance(source, ParameterSource):
            return self.stage(port, parameter_data(self._task, source))
        if isinstance(source, DatabaseSource):
            raise GraphError("a database is no input of a step that runs a script; copy it with a DataTransferStep")
        return self.stage(port, handed_on(self._task, source))

    def _stage_output(self, port: InputPort, source: StepOutputSource) -> StagedInput:
        output = find_output(self._services, self._task, source)
        lineage = output_consumed(self._run, port, output)
        if port.mode == "direct":
            definition = definition_of_output(
                output.datastore, output.path, is_file=output.is_file, transformations=port.transformations
            )
            dataset = self._services.registry.datasets.get(self._services.registry.datasets.save(definition))
            return StagedInput(port, _kind_of(dataset.definition), lineage, dataset=dataset)
        store = self._services.store(output.datastore)
        manifest = read_manifest_at(store, output.manifest_path)
        if manifest is None:
            raise GraphError(
                f"the output {output.name!r} of step {source.step!r} is gone from datastore {output.datastore!r}:"
                f" {output.manifest_path!r} is missing; run that step again"
            )
        path = stage_input(
            store,
            manifest.path,
            self._target(port),
            port.mode,
            cache=self._services.home.cache,
            datastore=output.datastore,
            files=[file.path for file in manifest.files],
            binds=self._binds,
            lazy=self._lazy,
        )
        return self._placed(StagedInput(port, "path", lineage, path=path))

    def _stage_dataset(self, port: InputPort, dataset: DatasetRecord) -> StagedInput:
        kind = _kind_of(dataset.definition)
        lineage = dataset_consumed(self._run, port, dataset)
        if port.mode == "direct":
            return StagedInput(port, kind, lineage, dataset=dataset)
        state = FilesState()
        staged = stage_dataset(
            dataset.definition,
            self._services.store,
            self._target(port),
            port.mode,
            self._services.home.cache,
            state=state,
            binds=self._binds,
            lazy=self._lazy,
        )
        return self._placed(StagedInput(port, kind, lineage, path=staged.path, dataset=dataset, state=str(state)))

    def _stage_reference(self, port: InputPort, source: DataReferenceSource) -> StagedInput:
        lineage = place_consumed(self._run, port, source.datastore, source.path)
        state = FilesState()
        path = stage_input(
            self._services.store(source.datastore),
            source.path,
            self._target(port),
            "download" if port.mode == "download" else "mount",
            cache=self._services.home.cache,
            datastore=source.datastore,
            allow_missing=port.mode == "mount",
            state=state,
            binds=self._binds,
            lazy=self._lazy,
        )
        return self._placed(StagedInput(port, "path", lineage, path=path, state=str(state)))

    def _target(self, port: InputPort) -> Path:
        """Return the folder to stage into: inside the script's folder where a relative place was asked for."""
        wanted = port.path_on_compute or (port.name if port.is_resource else None)
        if wanted and not wanted.startswith("/"):
            target = Path(self._directory.code, wanted)
            if not self._directory.contains(str(target)):
                raise GraphError(f"path_on_compute {wanted!r} leads out of the run directory; write it without '..'")
            return target
        return Path(self._directory.inputs, port.name)

    def _placed(self, staged: StagedInput) -> StagedInput:
        """Make an absolute `path_on_compute` point at the staged data for as long as the step runs."""
        wanted = staged.port.path_on_compute
        if not wanted or not wanted.startswith("/"):
            return staged
        place = Path(wanted)
        if place.is_symlink() and not place.exists():
            place.unlink()
        if place.exists() or place.is_symlink():
            raise StepFailedError(
                f"path_on_compute {wanted!r} exists on this machine already; use a relative path, or another one"
            )
        place.parent.mkdir(parents=True, exist_ok=True)
        assert staged.path is not None
        place.symlink_to(staged.path)
        self._outside.append(place)
        return replace(staged, path=place)


def _kind_of(definition: Mapping[str, Json]) -> Literal["file", "tabular"]:
    return "tabular" if definition.get("kind") == "tabular" else "file"
