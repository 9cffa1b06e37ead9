"""Rare kinds of outputs, and v1's option holders. Imported at their first use."""

from __future__ import annotations

from airflow_ml.data.abstract_datastore import AbstractDatastore
from airflow_ml.data.output_dataset_config import OutputDatasetConfig, OutputFileDatasetConfig
from airflow_ml.exceptions import NotSupportedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "HDFSOutputDatasetConfig",
    "LinkFileOutputDatasetConfig",
    "LinkTabularOutputDatasetConfig",
    "MountOptions",
    "UploadOptions",
]


class HDFSOutputDatasetConfig(OutputFileDatasetConfig):
    """
    v1's output written through HDFS paths by Spark; constructing one raises NotSupportedError.

    Write with OutputFileDatasetConfig.
    """

    def __init__(
        self,
        name: str | None = None,
        destination: AbstractDatastore | tuple[AbstractDatastore, str | None] | None = None,
    ) -> None:
        raise NotSupportedError(
            f"output {name!r} to {destination!r}: HDFSOutputDatasetConfig needs Spark, which is not there; write to a "
            "folder with OutputFileDatasetConfig"
        )


class LinkFileOutputDatasetConfig(OutputDatasetConfig):
    """
    v1's output that a script links to an existing dataset; constructing one raises NotSupportedError.

    Let the script register the dataset under a name, and read it by that name.
    """

    def __init__(self, name: str | None = None) -> None:
        raise _no_links(type(self).__name__, name)


class LinkTabularOutputDatasetConfig(OutputDatasetConfig):
    """The same for tables; constructing one raises NotSupportedError."""

    kind = "tabular"

    def __init__(self, name: str | None = None) -> None:
        raise _no_links(type(self).__name__, name)


def _no_links(kind: str, name: str | None) -> NotSupportedError:
    return NotSupportedError(
        f"output {name!r}: {kind} is not supported; let the script register the dataset (dataset.register) and the "
        "next step read it by name (Dataset.get_by_name), or write files with OutputFileDatasetConfig"
    )


class UploadOptions:
    """
    How an output is uploaded; what `as_upload` sets.

    Args:
        source_globs: one pattern or several; kept as a list.
    """

    def __init__(self, overwrite: bool = False, source_globs: str | Sequence[str] | None = None) -> None:
        self.overwrite = overwrite
        self.source_globs = [source_globs] if isinstance(source_globs, str) else source_globs


class MountOptions:
    """How an output is mounted; `disable_metadata_cache` has no effect, see `OutputFileDatasetConfig.as_mount`."""

    def __init__(self, disable_metadata_cache: bool = False) -> None:
        self.disable_metadata_cache = disable_metadata_cache
