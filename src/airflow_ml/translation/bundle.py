"""
The DAG bundle of a workspace: every published or submitted pipeline is a DAG, made from its graph in the registry.

Airflow's configuration names it, here for one workspace in a shared database::

    [dag_processor]
    dag_bundle_config_list = [{
        "name": "ml",
        "classpath": "airflow_ml.translation.bundle.WorkspaceBundle",
        "kwargs": {"workspace": "ml", "registry_url": "postgresql://airflow@db/ml", "refresh_interval": 10}}]

A DAG run keeps the version of the bundle that it was started with, as Airflow does it. Nothing is copied for a version:
below Airflow's place for bundles lies one small file per DAG, and a link for each version that is in use.
"""

from __future__ import annotations

import os
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.dag_processing.bundles.base import BaseDagBundle, BundleVersion

from airflow_ml.exceptions import UserErrorException
from airflow_ml.graph.model import WorkspaceRef
from airflow_ml.registry import open_shared
from airflow_ml.translation.bundle_dags import CURRENT
from airflow_ml.translation.dag_files import file_name_of, write_dag_file, write_whole
from airflow_ml.translation.dag_sources import DagSource, FolderSources, OneSource

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from airflow_ml.registry.dag_versions import ChangedDag
    from airflow_ml.translation.dag_sources import DagSources

__all__ = ["WorkspaceBundle"]

#: Seconds into the future that a changed file is dated. Airflow parses a file again if it is younger than its last
#: parse has ended, and a parse of the version before may end after the file was dated.
_AHEAD = 1.0

#: Seconds for which the DAG processor leaves a new version to the plugin, which writes its DAG into Airflow's database.
#: If both make the rows of a new DAG in the same moment, Airflow 3.3's processor dies of it.
_LEFT_TO_PLUGIN = 10.0

#: Seconds after which the DAG processor has no use for a version that is not the newest.
_IN_USE = 3600.0


@dataclass(frozen=True)
class _Version:
    """A version of the bundle: the number that each workspace has in it, and when it was first seen."""

    name: str
    numbers: Mapping[str, int]
    seen_at: float


class WorkspaceBundle(BaseDagBundle):
    """
    The pipelines of one workspace, or of those that a folder lists.

    Args:
        workspace: its name.
        registry_url: its database, without a password; None for what `AIRFLOW_ML_REGISTRY` or this machine's home
            folder says.
        workspaces_folder: in place of a workspace, the folder by which the service of this machine knows all of them.
    """

    supports_versioning = True

    def __init__(
        self,
        *,
        workspace: str | None = None,
        registry_url: str | None = None,
        workspaces_folder: str | None = None,
        **arguments: Any,
    ) -> None:
        super().__init__(**arguments)
        if (workspace is None) == (workspaces_folder is None):
            raise UserErrorException(
                f"DAG bundle {self.name!r}: its kwargs need either 'workspace' or 'workspaces_folder'; give the name"
                " of the workspace whose pipelines it shall have"
            )
        self.sources: DagSources = (
            OneSource(WorkspaceRef(workspace, registry_url=registry_url))
            if workspace is not None
            else FolderSources(Path(str(workspaces_folder)))
        )
        self._seen: dict[str, int] = {}
        self._current = self.version
        self._pending: list[_Version] = []
        self._usual_interval = self.refresh_interval

    @property
    def path(self) -> Path:
        """The folder of the version that was asked for, or of the newest one that was looked at."""
        if self.version is not None:
            return self.versions_dir / self.version / self.version
        return self.base_dir / CURRENT / (self._current or "0")

    def get_current_version(self) -> BundleVersion | None:
        """Return the version that the path has."""
        if self._current is None:
            self._current = self.sources.version()[0]
        return BundleVersion(self._current)

    def initialize(self) -> None:
        """Make the folder of the version: that of a task, or the first one of the DAG processor."""
        if self.version is None:
            self.refresh()
        else:
            self._complete(self.version)
            _link(self.path, self.base_dir / "all")
        super().initialize()

    def refresh(self) -> None:
        """
        Look for a newer version, and make its folder; files of DAGs that are other than before look changed.

        A version that comes while the DAG processor runs is taken some seconds after it was first seen.
        """
        if self.version is not None:
            return
        now = time.monotonic()
        newest = _Version(*self.sources.version(), seen_at=now)
        if not self.is_initialized:
            self._take(newest)
            return
        if newest.name != (self._pending[-1].name if self._pending else self._current):
            self._pending.append(newest)
        ready = [item for item in self._pending if now - item.seen_at >= _LEFT_TO_PLUGIN]
        self._pending = self._pending[len(ready) :]
        # Airflow asks for it: as long as something is waiting, the next look is a second away.
        self.refresh_interval = 1 if self._pending else self._usual_interval
        if ready:
            self._take(ready[-1])

    def _take(self, version: _Version) -> None:
        """Make a version the one that the path has."""
        with self.lock():
            for source in self.sources.all():
                self._bring_up_to_date(source, version.numbers.get(source.key, 0))
            self._remove_others(version.numbers)
            _link(self.base_dir / CURRENT / version.name, self.base_dir / "live")
        if version.name != self._current:
            self._remove_old_links(version.name)
        self._current = version.name

    def place_of(self, source: DagSource, dag_id: str, version: str) -> Path:
        """Return a DAG's file in a version that others make runnable; it is made if it is not there."""
        write_dag_file(self.base_dir / "all", source, dag_id)
        link = self.versions_dir / version / version
        _link(link, self.base_dir / "all")
        return link / source.key / file_name_of(dag_id)

    def _bring_up_to_date(self, source: DagSource, number: int) -> None:
        """Write, date and remove the files of what has changed in a workspace since the last look."""
        seen = self._seen.get(source.key, 0)
        if number == seen:
            return
        is_first = seen == 0 or number < seen  # what was there before may be of a workspace that was deleted
        folder = self.base_dir / "live"
        changes = _changes(source, 0 if is_first else seen, number)
        if is_first:
            wanted = {file_name_of(change.dag_id) for change in changes if not change.is_removed}
            _remove_files(folder / source.key, keep=wanted)
        for change in changes:
            if change.is_removed:
                (folder / source.key / file_name_of(change.dag_id)).unlink(missing_ok=True)
                continue
            place = write_dag_file(folder, source, change.dag_id)
            if not is_first:  # the first look follows a start, after which Airflow parses everything
                changed_at = time.time() + _AHEAD
                os.utime(place, (changed_at, changed_at))
        self._seen[source.key] = number

    def _remove_others(self, numbers: Mapping[str, int]) -> None:
        """Remove the files of workspaces that are gone."""
        live = self.base_dir / "live"
        for folder in [*live.iterdir()] if live.is_dir() else []:
            if not numbers.get(folder.name):
                _remove_files(folder, keep=())
                self._seen.pop(folder.name, None)

    def _complete(self, version: str) -> None:
        """Write the files of all DAGs that a version has, unless that was done on this machine before."""
        folder = self.base_dir / "all"
        for source in self.sources.all():
            number = source.number_in(version)
            mark = folder / f".{source.key}"
            done = _read_mark(mark)
            if done >= number:
                continue
            for change in _changes(source, done, number):
                write_dag_file(folder, source, change.dag_id)
            write_whole(mark, str(number))

    def _remove_old_links(self, version: str) -> None:
        for link in (self.base_dir / CURRENT).iterdir():
            with suppress(FileNotFoundError):
                if link.name != version and time.time() - link.lstat().st_mtime > _IN_USE:
                    link.unlink()


def _changes(source: DagSource, after: int, until: int) -> Sequence[ChangedDag]:
    return open_shared(source.workspace, create=False).dag_versions.changes(after=after, until=until)


def _remove_files(folder: Path, *, keep: Collection[str]) -> None:
    for file in folder.glob("*.py"):
        if file.name not in keep:
            file.unlink(missing_ok=True)


def _read_mark(mark: Path) -> int:
    try:
        return int(mark.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 0


def _link(link: Path, target: Path) -> None:
    """Make a link to a folder, which is made as well; several processes may do so at once."""
    if link.is_symlink():
        return
    target.mkdir(parents=True, exist_ok=True)
    link.parent.mkdir(parents=True, exist_ok=True)
    temporary = link.with_name(f".{uuid.uuid4().hex}.new")
    temporary.symlink_to(target, target_is_directory=True)
    temporary.replace(link)
