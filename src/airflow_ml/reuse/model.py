"""What the room of reuse speaks of: fingerprints, what they are made from, and where all of it is looked up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from airflow_ml.hookspecs import Record

if TYPE_CHECKING:
    from airflow_ml.hashing.stat_cache import StatCache
    from airflow_ml.registry import Home, Registry
    from airflow_ml.storage.protocol import ReadableStore, Store

__all__ = ["Fingerprint", "Record", "ReuseContext", "UpstreamOutput", "WorkspaceStores"]


@dataclass(frozen=True)
class Fingerprint:
    """
    The identity of a step's result.

    Attributes:
        digest: sha256, in hexadecimal digits.
        records: what it was made from, in canonical order.
    """

    digest: str
    records: tuple[Record, ...] = ()


@dataclass(frozen=True)
class UpstreamOutput:
    """
    A committed output of a step that ran, as its consumers are compared by it.

    Attributes:
        identity: of the manifest's content: equal for equal files, whatever run wrote them.
        run_id: of the step run that wrote it; for explanations.
        file_name: what consumers see it called, where it is one file; without anything that changes from run to run.
        shared_folder: datastore and path of a folder that is not the run's own, in which other files may lie too.
    """

    identity: str
    is_file: bool
    run_id: str
    file_name: str = ""
    shared_folder: tuple[str, str] | None = None


class WorkspaceStores(Protocol):
    """The stores of a workspace."""

    def __call__(self, name: str, /) -> Store:
        """Return the store of a datastore; raises UserErrorException for a name that the workspace does not have."""
        ...

    @property
    def web(self) -> ReadableStore:
        """The web, as far as the workspace may read it; paths are whole addresses."""
        ...


@dataclass(frozen=True)
class ReuseContext:
    """
    One workspace and this machine, as the room of reuse sees them; safe for several threads.

    Attributes:
        store: gives the store of a datastore's name, and the web.
        artifacts: the store of snapshots, logs, and of the lists of files behind inputs.
        home: folders of this machine.
        digests: of files of this machine, without reading those that did not change.
    """

    registry: Registry
    store: WorkspaceStores
    artifacts: Store
    home: Home
    digests: StatCache
