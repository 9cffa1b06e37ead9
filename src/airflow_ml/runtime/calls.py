"""
The calls with which runs are reported to, the same inside a step and where a run is recorded.

Each call names its kind and hands on.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

__all__ = ["MetricCalls", "ReportingCalls"]


class MetricCalls(ABC):
    """Metrics as v1's `Run` takes them."""

    @abstractmethod
    def _log(self, kind: str, name: str, value: Any, description: str | None, step: int | None = None) -> None:
        """Take one metric."""

    @abstractmethod
    def _log_image(self, name: str, path: str | None, plot: Any, description: str) -> None:
        """Take an image, from a file or from something with `savefig`."""

    def log(self, name: str, value: Any, description: str = "", step: int | None = None) -> None:
        """
        Log one value; logged again, `get_metrics` gives the list of all values.

        Args:
            value: a number, text, bool, or something with `item()` that gives one (numpy, torch); of anything else
                but a list, range or generator the text that `repr` gives is kept, as in v1.
            step: position on the x axis where it is not the count of values.

        Raises:
            UserErrorException: the value is a list, range or generator; `log_list` takes those.
        """
        self._log("scalar", name, value, description, step)

    def log_list(self, name: str, value: Iterable[Any], description: str = "") -> None:
        """Log several values at once: what a loop over the value gives; nothing if it is empty (v1)."""
        self._log("list", name, value, description)

    def log_row(self, name: str, description: str | None = None, **kwargs: Any) -> None:
        """Log one row of a table, a column per keyword; rows of the same name are put below each other."""
        self._log("row", name, kwargs, description)

    def log_table(self, name: str, value: Mapping[str, Any], description: str = "") -> None:
        """Log a table as a dict of columns: lists of equal length, or one value each for a table of one row."""
        self._log("table", name, value, description)

    def log_image(self, name: str, path: str | None = None, plot: Any = None, description: str = "") -> None:
        """
        Log an image; exactly one of path and plot is given.

        Args:
            path: an image file; it is copied now, later changes do not count, and kept under this path (v1).
            plot: anything with `savefig`, such as `matplotlib.pyplot` or a figure; kept as `<name>_<unix time>.png`.
        """
        self._log_image(name, path, plot, description)

    def log_confusion_matrix(self, name: str, value: Mapping[str, Any] | str, description: str = "") -> None:
        """Log a confusion matrix in v1's JSON form (`schema_type`, `schema_version`, `data`)."""
        self._log("confusion_matrix", name, value, description)

    def log_residuals(self, name: str, value: Mapping[str, Any] | str, description: str = "") -> None:
        """Log residuals in v1's JSON form."""
        self._log("residuals", name, value, description)

    def log_predictions(self, name: str, value: Mapping[str, Any] | str, description: str = "") -> None:
        """Log predictions in v1's JSON form."""
        self._log("predictions", name, value, description)

    def log_accuracy_table(self, name: str, value: Mapping[str, Any] | str, description: str = "") -> None:
        """Log an accuracy table in v1's JSON form."""
        self._log("accuracy_table", name, value, description)


class ReportingCalls(MetricCalls):
    """Metrics, tags and properties as v1's `Run` takes them."""

    @abstractmethod
    def _mark(self, event: str, **fields: Any) -> None:
        """Take a tag, a property or another change of the run's record."""

    def tag(self, key: str, value: str | None = None) -> None:
        """Set a tag; a later value replaces an earlier one."""
        self._mark("tag", key=str(key), value=None if value is None else str(value))

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Set several tags; others stay."""
        for key, value in tags.items():
            self.tag(key, value)

    def remove_tags(self, tags: Iterable[str] | str) -> None:
        """Remove tags by key; one that is not there is passed over."""
        self._mark("remove_tags", keys=[tags] if isinstance(tags, str) else [str(tag) for tag in tags])

    def add_properties(self, properties: Mapping[str, str]) -> None:
        """
        Add properties, which never change again.

        Raises:
            UserErrorException: a property of that key has another value already.
        """
        for key, value in properties.items():
            self._mark("property", key=str(key), value=str(value))
