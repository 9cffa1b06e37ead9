"""What `Run.get_context()` gives outside a step: every call prints what it would have reported."""

from __future__ import annotations

import os

from airflow_ml.runtime.calls import ReportingCalls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import TracebackType
    from typing import Any, BinaryIO

__all__ = ["_OfflineRun"]


class _OfflineRun(ReportingCalls):
    """
    Stands in for a run where there is none.

    As in v1 it checks no types and has no `experiment`, `parent`, `input_datasets` or `get_metrics`: scripts tell the
    difference by AttributeError, by this class, or by an id that begins with `OfflineRun`.
    """

    def __init__(self, parent_id: str | None = None) -> None:
        self.id = f"{parent_id or 'OfflineRun'}_{os.urandom(16).hex()}"
        self.name = self.id
        self.display_name: str | None = None
        self.description: str | None = None
        self._tags: dict[str, str | None] = {}
        self._properties: dict[str, str] = {}

    def __enter__(self) -> _OfflineRun:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def __repr__(self) -> str:
        return f"Run(offline, id={self.id!r})"

    def _log(self, kind: str, name: str, value: Any, description: str | None, step: int | None = None) -> None:
        _say(f"{kind} metric {name!r}", value)

    def _log_image(self, name: str, path: str | None, plot: Any, description: str) -> None:
        _say(f"image {name!r}", path if path is not None else plot)

    def _mark(self, event: str, **fields: Any) -> None:
        if event == "tag":
            self._tags[fields["key"]] = fields["value"]
        elif event == "property":
            self._properties[fields["key"]] = fields["value"]
        else:
            for key in fields["keys"]:
                self._tags.pop(key, None)
        _say(event.replace("_", " "), ", ".join(repr(value) for value in fields.values()))

    def get_tags(self) -> dict[str, str | None]:
        """Return the tags that this object was given."""
        return dict(self._tags)

    def get_properties(self) -> dict[str, str]:
        """Return the properties that this object was given."""
        return dict(self._properties)

    def upload_file(self, name: str, path_or_stream: str | BinaryIO, datastore_name: str | None = None) -> None:
        """Print what would be uploaded; the file is not opened."""
        _say(f"file {name!r}", path_or_stream)

    def upload_files(
        self,
        names: Sequence[str],
        paths: Sequence[str],
        return_artifacts: bool = False,
        timeout_seconds: float | None = None,
        datastore_name: str | None = None,
    ) -> None:
        """Print what would be uploaded."""
        for name, path in zip(names, paths):
            self.upload_file(name, path)

    def upload_folder(self, name: str, path: str, datastore_name: str | None = None) -> None:
        """Print what would be uploaded."""
        _say(f"folder {name!r}", path)

    def child_run(self, name: str | None = None, run_id: str | None = None, outputs: str | None = None) -> _OfflineRun:
        """Return another offline run."""
        child = _OfflineRun(self.id)
        child.name = name or child.id
        return child

    def create_children(
        self, count: int | None = None, tag_key: str | None = None, tag_values: Sequence[str] | None = None
    ) -> Iterator[_OfflineRun]:
        """Yield offline runs, one per count or tag value."""
        for value in tag_values if tag_values is not None else [None] * (count or 0):
            child = self.child_run()
            if tag_key is not None:
                child.tag(tag_key, value)
            yield child

    def register_model(
        self,
        model_name: str,
        model_path: str | None = None,
        tags: Mapping[str, str] | None = None,
        properties: Mapping[str, str] | None = None,
        **kwargs: Any,
    ) -> None:
        """Print what would be registered."""
        _say(f"model {model_name!r}", model_path)

    def start(self) -> None:
        """Do nothing."""

    def complete(self, _set_status: bool = True) -> None:
        """Do nothing."""

    def fail(self, error_details: Any = None, error_code: str | None = None, _set_status: bool = True) -> None:
        """Print the error."""
        _say("failure", error_details)

    def cancel(self) -> None:
        """Do nothing."""

    def flush(self, timeout_seconds: float = 300) -> None:
        """Do nothing: what was reported is printed already."""

    def get_status(self) -> str:
        """Return Running."""
        return "Running"


def _say(what: str, value: object) -> None:
    print(f"Offline run: {what}: {value}", flush=True)  # noqa: T201 - printing is what an offline run is for
