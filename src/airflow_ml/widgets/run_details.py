"""
A table of a run that follows it (`azureml.widgets.RunDetails`).

In Jupyter the table is refreshed until the run ends, by ipywidgets where it is installed (`airflow-ml[widgets]`), else
by IPython's own displays. In a terminal it is text, as of now. Showing never waits: one thread for each shown table
looks at the run, and ends with the run, with the table, or with the process, whichever is first.
"""

from __future__ import annotations

import html
import sys
import threading
from typing import TYPE_CHECKING, Any, Protocol

from airflow_ml.core.run import Run
from airflow_ml.exceptions import AzureMLException, UserErrorException
from airflow_ml.widgets._tables import as_html, as_text
from airflow_ml.widgets._watched_run import WatchedRun

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["RunDetails"]

_SECONDS_BETWEEN_LOOKS = 2.0


class RunDetails:
    """
    A live table of a run: its steps or children with state, duration, metrics and log.

    Args:
        run_instance: a pipeline's, a step's, a script's run, or any other.

    Raises:
        UserErrorException: something else is given.
    """

    def __init__(self, run_instance: Run) -> None:
        if not isinstance(run_instance, Run):
            raise UserErrorException(
                f"RunDetails takes a run, not {type(run_instance).__name__}; give what Experiment.submit returned"
            )
        self._watched = WatchedRun(run_instance)
        self._following: _Following | None = None

    def show(self, render_lib: object = None, widget_settings: Mapping[str, object] | None = None) -> None:
        """
        Show the table and return; showing again moves it below the newer cell.

        Args:
            render_lib: without effect, as in v1 where it chose a chart library.
            widget_settings: without effect; v1's settings are about its own pages.
        """
        if self._following is not None:
            self._following.stop()
        data, is_final = self._watched.read()
        if not _is_notebook():
            print(as_text(data))  # noqa: T201 - the terminal's form of the widget
            return
        surface = _make_surface(as_html(data))
        if not is_final:
            self._following = _Following(self._watched, surface)

    def get_widget_data(self, widget_settings: Mapping[str, object] | None = None) -> dict[str, Any]:
        """Return what the table shows, as of now: plain data."""
        return {**self._watched.read()[0], "widget_settings": dict(widget_settings or {})}

    def __repr__(self) -> str:
        return as_text(self._watched.read()[0])


class _Surface(Protocol):
    """Where a table is shown; `update` returns False when the table is gone."""

    def update(self, text: str) -> bool: ...


class _WidgetSurface:
    """A table of ipywidgets."""

    def __init__(self, text: str) -> None:
        from IPython.display import display
        from ipywidgets import HTML

        self._widget = HTML(text)
        display(self._widget)

    def update(self, text: str) -> bool:
        if self._widget.comm is None:  # closed by the user
            return False
        self._widget.value = text
        return True


class _DisplaySurface:
    """A display of IPython that is written anew."""

    def __init__(self, text: str) -> None:
        from IPython.display import HTML, display

        self._handle = display(HTML(text), display_id=True)

    def update(self, text: str) -> bool:
        from IPython.display import HTML

        self._handle.update(HTML(text))
        return True


class _Following:
    """Refreshes a table until the run has ended."""

    def __init__(self, watched: WatchedRun, surface: _Surface) -> None:
        self._watched = watched
        self._surface = surface
        self._stopping = threading.Event()
        # A daemon, so that a process never waits for it.
        self._thread = threading.Thread(target=self._follow, name="airflow-ml-run-details", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Refresh no more; returns when the thread has ended."""
        self._stopping.set()
        self._thread.join()

    def _follow(self) -> None:
        while not self._stopping.wait(_SECONDS_BETWEEN_LOOKS):
            try:
                data, is_final = self._watched.read()
            except AzureMLException as exc:  # the workspace cannot be read now: said once, and not asked again
                self._surface.update(f"<div>{html.escape(str(exc))}</div>")
                return
            if not self._surface.update(as_html(data)) or is_final:
                return


def _is_notebook() -> bool:
    """Whether a Jupyter kernel runs this code; IPython in a terminal is a terminal."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return getattr(shell, "kernel", None) is not None


def _make_surface(text: str) -> _Surface:
    try:
        return _WidgetSurface(text)
    except ImportError:
        return _DisplaySurface(text)
