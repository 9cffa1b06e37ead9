"""
The plugins that are loaded: ours, and those that other packages register by entry point.

The functions here call one hook each, check what plugins return, and say which plugin failed.
"""

from __future__ import annotations

import functools
import importlib
import importlib.metadata
import json
import sys
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import pluggy

from airflow_ml import hookspecs
from airflow_ml._slow_calls import watched
from airflow_ml.exceptions import ServiceException, UserErrorException
from airflow_ml.hookspecs import PROJECT, Record, ReuseAnswer

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from airflow_ml.graph import Graph, Json, Step
    from airflow_ml.hookspecs import ReuseQuestion

__all__ = [
    "PluginError",
    "Plugins",
    "check_reuse",
    "datastore_kinds",
    "find_installed",
    "fingerprint_records",
    "normalise_output",
    "plugins",
]

#: Ours, by module: they lie in rooms above this one, which is why they are named and not imported.
_BUILT_IN = ("airflow_ml.reuse.lookup",)

_lock = threading.Lock()
_loaded: Plugins | PluginError | None = None
_installed: tuple[list[tuple[str, int | None]], Sequence[EntryPoint]] | None = None


class PluginError(UserErrorException):
    """A plugin cannot be loaded, raised an exception, or returned something else than its hook asks for."""


class Plugins(pluggy.PluginManager):
    """
    Registered plugins; `plugins()` gives those of this process.

    What an implementation raises becomes a `PluginError` that names it, apart from a `ServiceException`.
    """

    def __init__(self) -> None:
        super().__init__(PROJECT)
        self.add_hookspecs(hookspecs)

    def get_canonical_name(self, plugin: object) -> str:
        """Return the name of a plugin that was registered without one: the same in every process."""
        kind = type(plugin)
        return str(getattr(plugin, "__name__", None) or f"{kind.__module__}.{kind.__qualname__}")

    def register(self, plugin: object, name: str | None = None) -> str | None:
        """Register a plugin, and see to it that its name is in the errors that come from it."""
        registered = super().register(plugin, name)
        for caller in self.get_hookcallers(plugin) or ():
            for implementation in caller.get_hookimpls():
                if implementation.plugin is plugin and not implementation.hookwrapper:
                    # Final for others than the one who makes it, and pluggy has no place to say how it is called.
                    object.__setattr__(implementation, "function", _named(implementation, caller.name))
        return registered

    def _load_entry(self, entry: importlib.metadata.EntryPoint) -> None:
        try:
            self.register(entry.load(), name=entry.name)
        except (Exception, SystemExit) as error:  # foreign code: anything can come out of it
            raise PluginError(
                f"plugin {entry.name!r} ({entry.value}) cannot be loaded: {error!r}; correct or uninstall it", error
            ) from error

    def implementing(self, hook: str) -> tuple[str, ...]:
        """Return the names of the plugins that implement a hook."""
        return tuple(sorted(item.plugin_name for item in getattr(self.hook, hook).get_hookimpls()))

    def load(self) -> None:
        """
        Register our own plugins and those of all installed packages.

        Raises:
            PluginError: one of them cannot be loaded; leaving it out could mean to reuse what it would have refused.
        """
        for module in _BUILT_IN:
            self.register(importlib.import_module(module))
        for entry in find_installed():
            self._load_entry(entry)
        try:
            self.check_pending()
        except pluggy.PluginValidationError as error:
            raise PluginError(
                f"plugin {self.get_name(error.plugin)!r}: {error}; the hooks are in airflow_ml.hookspecs"
            ) from error


def find_installed() -> Sequence[EntryPoint]:
    """
    Return the entry points of installed packages; they are looked for anew only where something has changed since.

    Reading those of all packages takes longer than all that a step's task asks of a plugin. Installing and removing one
    changes the folder that it lies in.
    """
    global _installed
    state = [(path, _changed_at(path)) for path in sys.path]
    if _installed is None or _installed[0] != state:
        _installed = state, tuple(importlib.metadata.entry_points(group=PROJECT))
    return _installed[1]


def _changed_at(path: str) -> int | None:
    try:
        return Path(path).stat().st_mtime_ns
    except OSError:
        return None


def plugins() -> Plugins:
    """
    Return the plugins of this process, which are loaded at the first call.

    Raises:
        PluginError: one of them cannot be loaded.
    """
    global _loaded
    with _lock:
        if _loaded is None:
            loading = Plugins()
            try:
                loading.load()
                _loaded = loading
            except PluginError as error:
                _loaded = error
        if isinstance(_loaded, PluginError):
            raise PluginError(_loaded.message) from _loaded
        return _loaded


def check_reuse(question: ReuseQuestion) -> ReuseAnswer | None:
    """
    Ask which run's result a step takes; None if there is none.

    Raises:
        PluginError: a plugin failed.
        ServiceException: registry or storage failed; trying again can help.
    """
    return cast("ReuseAnswer | None", plugins().hook.airflow_ml_check_reuse(question=question))


def datastore_kinds() -> Mapping[str, Callable[..., object]]:
    """
    Return what opens the kinds of datastores that plugins bring, by kind.

    Raises:
        PluginError: a plugin failed, or two of them give the same kind.
    """
    found: dict[str, Callable[..., object]] = {}
    for answer in plugins().hook.airflow_ml_datastore_kinds():
        for kind, opener in answer.items():
            if kind in found:
                raise PluginError(f"two plugins give the kind of datastore {kind!r}; uninstall one of them")
            found[kind] = opener
    return found


def fingerprint_records(step: Step, graph: Graph, parameters: Mapping[str, Json]) -> tuple[Record, ...]:
    """
    Return what plugins add to a step's fingerprint.

    Raises:
        PluginError: a plugin failed.
    """
    loaded = plugins()
    answers = loaded.hook.airflow_ml_fingerprint_records(step=step, graph=graph, parameters=parameters)
    return tuple(record for answer in answers for record in answer)


def normalise_output(normaliser: str, path: str, source: BinaryIO) -> Iterable[bytes]:
    """
    Return what a file of an output says, as the named normaliser sees it, in pieces.

    Raises:
        PluginError: no plugin knows the normaliser, or one failed; it can come with any piece.
    """
    loaded = plugins()
    pieces = loaded.hook.airflow_ml_normalise_output(normaliser=normaliser, path=path, source=source)
    if pieces is None:
        names = ", ".join(loaded.implementing("airflow_ml_normalise_output")) or "none"
        raise PluginError(
            f"normaliser {normaliser!r} is known to no plugin (plugins with normalisers: {names}); install the package"
            " that has it, or correct the name in the output's declaration"
        )
    return cast("Iterable[bytes]", pieces)


def _named(implementation: pluggy.HookImpl, hook: str) -> Callable[..., object]:
    """Return an implementation's function with the plugin's name in what it raises, and its result checked."""
    function: Callable[..., Any] = implementation.function
    plugin = implementation.plugin_name
    where = f"plugin {plugin!r}: {hook}"
    is_ours = plugin in _BUILT_IN

    @functools.wraps(function)
    def call(*args: object) -> object:
        with _named_errors(where), nullcontext() if is_ours else watched(where):
            return _checked(hook, plugin, function(*args))

    @functools.wraps(function)
    def wrap(*args: object) -> Generator[None, object, object]:
        with _named_errors(where):
            result = yield from function(*args)
            return _checked(hook, plugin, result) if hook == "airflow_ml_check_reuse" else result

    return wrap if implementation.wrapper else call


@contextmanager
def _named_errors(where: str) -> Iterator[None]:
    try:
        yield
    except (PluginError, ServiceException):
        raise
    except (Exception, SystemExit) as error:  # the border to foreign code: anything can come out of it
        raise PluginError(f"{where} raised {type(error).__name__}: {error}", error) from error


def _checked(hook: str, plugin: str, result: object) -> object:
    """Return what an implementation returned, if it is what the hook asks for."""
    where = f"plugin {plugin!r}: {hook}"
    if hook == "airflow_ml_check_reuse" and not isinstance(result, (ReuseAnswer, type(None))):
        raise PluginError(
            f"{where} returned {result!r}; expected ReuseAnswer.of(...), ReuseAnswer.refused(...) or None"
        )
    if hook == "airflow_ml_fingerprint_records" and result is not None:
        # Generators run here, where their errors get the plugin's name.
        return [_record(where, plugin, item) for item in cast("Iterable[object]", result)]
    if hook == "airflow_ml_normalise_output" and result is not None:
        return _pieces(where, cast("Iterable[object]", result))
    if hook == "airflow_ml_datastore_kinds" and result is not None:
        return _openers(where, result)
    return result


def _openers(where: str, result: object) -> Mapping[str, Callable[..., object]]:
    if not isinstance(result, Mapping) or not all(isinstance(key, str) and callable(result[key]) for key in result):
        raise PluginError(f"{where} returned {result!r}; expected a mapping from kinds to functions that open stores")
    return result


def _record(where: str, plugin: str, item: object) -> Record:
    if not isinstance(item, (tuple, list)) or len(item) != 2 or not isinstance(item[0], str):
        raise PluginError(f"{where} gave {item!r}; expected pairs of a name and a JSON value")
    try:
        json.dumps(item[1], allow_nan=False)
    except (TypeError, ValueError) as error:
        raise PluginError(f"{where} gave {item[0]!r} a value that is no JSON: {error}", error) from error
    return Record("plugin", f"{plugin}: {item[0]}", cast("Json", item[1]))


def _pieces(where: str, pieces: Iterable[object]) -> Iterator[bytes]:
    with _named_errors(where):
        if isinstance(pieces, (bytes, str)):
            raise PluginError(
                f"{where} returned {type(pieces).__name__}; expected bytes in pieces, for instance [data]"
            )
        for piece in pieces:
            if not isinstance(piece, bytes):
                raise PluginError(f"{where} gave a piece of type {type(piece).__name__}; expected bytes")
            yield piece
