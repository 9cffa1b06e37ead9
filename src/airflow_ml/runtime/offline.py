"""What `Run.get_context()` gives outside a step: every call prints what it would have reported, in v1's form."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from types import TracebackType
    from typing import Any, BinaryIO

__all__ = ["_OfflineRun", "new_id"]


class _OfflineRun:
    """
    Stands in for a run where there is none; it checks no types.

    It has v1's members and no more: no `experiment`, `parent`, `input_datasets`, `get_metrics` or `tags`. Scripts tell
    the difference by AttributeError, by this class, by its name in `str(run)`, or by an id that begins with
    `OfflineRun`.
    """

    def __init__(self, parent_logger: Any = None, run_id: str | None = None, **kwargs: Any) -> None:
        self._run_id = run_id or f"OfflineRun_{new_id()}"

    @property
    def id(self) -> str:
        """An id that begins with `OfflineRun`."""
        return self._run_id

    @property
    def identity(self) -> str:
        """The same as `id`."""
        return self._run_id

    def __enter__(self) -> _OfflineRun:
        _say(f"[START] Run {self.id} context")
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        _say(f"[STOP] Run {self.id} context")

    def log(self, name: str, value: Any, description: str = "", step: int | None = None) -> None:
        """Print a value."""
        _say_metric("scalar", name, value)

    def log_list(self, name: str, value: Iterable[Any], description: str = "") -> None:
        """Print a list."""
        _say_metric("list", name, value)

    def log_row(self, name: str, description: str | None = None, **kwargs: Any) -> None:
        """Print one row of a table."""
        _say_metric("row", name, kwargs)

    def log_table(self, name: str, value: Mapping[str, Any], description: str = "") -> None:
        """Print a table."""
        _say_metric("table", name, value)

    def log_image(self, name: str, path: str | None = None, plot: Any = None, description: str = "") -> None:
        """Print where the image would come from."""
        _say_metric("image", name, plot or path)

    def log_confusion_matrix(self, name: str, value: Any, description: str | None = None) -> None:
        """Print a confusion matrix."""
        _say_metric("confusion_matrix", name, value)

    def log_residuals(self, name: str, value: Any, description: str | None = None) -> None:
        """Print residuals."""
        _say_metric("residual", name, value)

    def log_predictions(self, name: str, value: Any, description: str | None = None) -> None:
        """Print predictions."""
        _say_metric("predictions", name, value)

    def log_accuracy_table(self, name: str, value: Any, description: str | None = None) -> None:
        """Print an accuracy table."""
        _say_metric("accuracy_table", name, value)

    def tag(self, name: str, value: str | None = None) -> None:
        """Print a tag."""
        _say(f"Attempted to add tag {name} with value {value}")

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Print tags."""
        _say(f"Attempted to set tags {tags}")

    def add_properties(self, properties: Mapping[str, str]) -> None:
        """Print properties."""
        _say(f"Attempted to add properties {properties}")

    def upload_file(self, name: str, path_or_stream: str | BinaryIO, datastore_name: str | None = None) -> None:
        """Print what would be uploaded; the file is not opened."""
        _say(f"Attempted to track file {name} at {path_or_stream}")

    def upload_files(
        self,
        name: Sequence[str],
        paths: Sequence[str],
        return_artifacts: bool = False,
        timeout_seconds: float | None = None,
        datastore_name: str | None = None,
    ) -> None:
        """Print what would be uploaded."""
        _say(f"Attempted to track files {name} at {paths} with timeout {timeout_seconds}s")

    def upload_folder(self, name: str, path: str, datastore_name: str | None = None) -> None:
        """Print what would be uploaded."""
        _say(f"Attempted to track folder {name} at {path}")

    def child_run(self, name: str | None = None, run_id: str | None = None, outputs: str | None = None) -> _OfflineRun:
        """Return another offline run."""
        return _OfflineRun(run_id=run_id or f"{self.id}.{name or new_id()}")

    def complete(self) -> None:
        """Do nothing."""

    def fail(self, error_details: Any = None, error_code: str | None = None) -> None:
        """Print the error."""
        _say(f"Run failed with error code {error_code}:\n{error_details}")

    def cancel(self) -> None:
        """Do nothing."""

    def flush(self, timeout_seconds: float = 300) -> None:
        """Print that there was something to wait for."""
        _say(f"Attempted to flush run with id {self.id}")


def new_id() -> str:
    """Return a random id in the form of a UUID, without the 5 ms that `import uuid` costs a script's start."""
    digits = os.urandom(16).hex()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def _say_metric(kind: str, name: str, value: object) -> None:
    _say(f"Attempted to log {kind} metric {name}:\n{value}")


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - printing is what an offline run is for
