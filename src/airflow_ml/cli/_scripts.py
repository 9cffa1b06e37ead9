"""
The pipelines that a Python file or module builds, found by executing it without starting any of them.

A script is executed up to its first submit or publish, and left there. What it does before that it does: nobody can
know which pipeline it builds otherwise. A DAG file is executed as Airflow would do it; Airflow itself is imported only
if the file does. What the code prints goes to standard error.
"""

from __future__ import annotations

import importlib
import re
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from airflow_ml._late import late
from airflow_ml.compat.alias import enable
from airflow_ml.exceptions import AzureMLException, UserErrorException
from airflow_ml.pipeline import _engine

if TYPE_CHECKING:
    from airflow_ml.graph import Graph
    from airflow_ml.translation import written_steps
else:
    written_steps = late("airflow_ml.translation.written_steps")

__all__ = ["FoundPipeline", "run_file", "run_module"]

#: What makes a file a DAG file: it makes a DAG, or has one made of a pipeline.
_DAG_WORDS = re.compile(rb"\bDAG\(|^\s*@dag\b|\.to_dag\(|\.to_task_group\(", re.MULTILINE)
_AIRFLOW_IMPORT = re.compile(rb"^\s*(?:from|import)\s+airflow[.\s]", re.MULTILINE)
_V1_IMPORT = re.compile(rb"^\s*(?:from|import)\s+azureml[.\s]", re.MULTILINE)

#: How Airflow calls the modules of DAG files; by it the face knows that relative paths start at the file.
_DAG_MODULE = "unusual_prefix_plan_"


@dataclass(frozen=True)
class FoundPipeline:
    """
    A pipeline that a command was told about.

    Attributes:
        name: of the DAG, the task group, the variable, the experiment or the published pipeline.
        submission: what the script submits it with; empty where it does not.
        is_by_hand: its steps are the operators of a DAG that were written by hand.
        published_id: of the published pipeline that it is.
    """

    name: str
    graph: Graph
    submission: Mapping[str, Any] = field(default_factory=dict)
    is_by_hand: bool = False
    published_id: str | None = None


class _Left(BaseException):
    """Leaves a script whose pipeline is known; no `except Exception` of the script may catch it."""


class _Collector:
    """
    Notes the graphs instead of starting them.

    Attributes:
        is_left: the script was left at a submit or publish.
    """

    def __init__(self) -> None:
        self.found: list[FoundPipeline] = []
        self.is_left = False

    def translate(self, graph: Graph, name: str, make: Callable[[], Any]) -> Any:
        self.found.append(FoundPipeline(name, graph))
        return make() if "airflow" in sys.modules else _InPlaceOfADag()

    def start(self, graph: Graph, **submission: Any) -> None:
        self.found.append(FoundPipeline(str(submission.get("experiment") or graph.name), graph, submission))
        self.is_left = True
        raise _Left


class _InPlaceOfADag:
    """Takes whatever a file that does not import Airflow does with its DAG: set attributes, put it in an order."""

    def __getattr__(self, name: str) -> _InPlaceOfADag:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __call__(self, *_args: object, **_kwargs: object) -> _InPlaceOfADag:
        return self

    def __rshift__(self, other: Any) -> Any:
        return other

    __lshift__ = __rrshift__ = __rlshift__ = __rshift__

    def __enter__(self) -> _InPlaceOfADag:
        return self

    def __exit__(self, *_error: object) -> None:
        pass


def run_file(file: Path, arguments: Sequence[str] = ()) -> list[FoundPipeline]:
    """
    Execute a file and return the pipelines that it starts, publishes, makes DAGs of or holds in variables.

    Args:
        arguments: of the script.

    Raises:
        UserErrorException: it builds none, it fails, or it is written for the real Azure ML SDK, which is installed.
    """
    source = file.read_bytes()
    _prepare_v1_names(file, source)
    is_dag = _DAG_WORDS.search(source) is not None
    module = ModuleType(f"{_DAG_MODULE}{file.stem}" if is_dag else "__main__")
    module.__file__ = str(file.absolute())
    has_tasks = is_dag and _AIRFLOW_IMPORT.search(source) is not None
    with _process_of(module, file, arguments), _collecting() as collector, _recorded(module, has_tasks) as by_hand:
        path = module.__file__
        # Not compiled out here: what is wrong with its syntax is the file's error too.
        _execute(lambda: exec(compile(source, path, "exec"), vars(module)), collector, str(file))  # noqa: S102
    return _found(collector, by_hand, vars(module), str(file))


def run_module(name: str) -> list[FoundPipeline]:
    """
    Import a module and return the pipelines that it starts, publishes, makes DAGs of or holds in variables.

    Raises:
        UserErrorException: it builds none, or it fails.
    """
    modules: list[ModuleType] = []
    with _collecting() as collector:
        _execute(lambda: modules.append(importlib.import_module(name)), collector, name)
    return _found(collector, [], vars(modules[0]) if modules else {}, name)


def _prepare_v1_names(file: Path, source: bytes) -> None:
    """Let `azureml` mean airflow-ml in the file; with the real SDK it would submit to Azure."""
    if _V1_IMPORT.search(source) is not None and not enable():
        raise UserErrorException(
            f"{str(file)!r} imports azureml, and the real Azure ML SDK is installed; set AIRFLOW_ML_COMPAT=force to use"
            " airflow-ml in its place"
        )


@contextmanager
def _process_of(module: ModuleType, file: Path, arguments: Sequence[str]) -> Iterator[None]:
    """Make this process look like one that executes the file."""
    known, known_arguments = sys.modules.get(module.__name__), sys.argv
    sys.modules[module.__name__] = module
    sys.path.insert(0, str(file.resolve().parent))
    sys.argv = [str(file), *arguments]
    try:
        yield
    finally:
        sys.argv = known_arguments
        if known is not None:
            sys.modules[module.__name__] = known


@contextmanager
def _collecting() -> Iterator[_Collector]:
    collector = _Collector()
    _engine.collect_with(collector)
    try:
        with redirect_stdout(sys.stderr):
            yield collector
    finally:
        _engine.collect_with(None)


@contextmanager
def _recorded(module: ModuleType, has_tasks: bool) -> Iterator[list[FoundPipeline]]:
    """Give a list into which the steps come that the module's DAGs hold by themselves."""
    found: list[FoundPipeline] = []
    if not has_tasks:
        yield found
        return
    with written_steps.recorded_dags(module) as find_graphs:
        yield found
        found.extend(FoundPipeline(graph.name, graph, is_by_hand=True) for graph in find_graphs())


def _execute(code: Callable[[], object], collector: _Collector, where: str) -> None:
    try:
        code()
    except _Left:
        pass
    except SystemExit as error:
        if not collector.found and error.code not in (None, 0):
            raise UserErrorException(
                f"{where!r} ended with {error.code!r} before it built a pipeline; its own arguments go behind --"
            ) from error
    except BaseException as error:
        # What a script does about our leaving it is no error of the script.
        if collector.is_left:
            return
        if isinstance(error, AzureMLException) or not isinstance(error, Exception):
            raise
        raise UserErrorException(
            f"{where!r} failed before it built a pipeline: {type(error).__name__}: {error}{_line_of(error, where)};"
            " execute it by itself to see the traceback"
        ) from error


def _line_of(error: Exception, where: str) -> str:
    """Return the line of the file at which it failed, of a module the one nearest to the error; `""` for none."""
    ours = (str(Path(__file__).parents[1]), "<")  # what imports modules is called <frozen ...>
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith(ours)]
    named = [frame for frame in frames if Path(frame.filename) == Path(where).absolute()] or frames
    if not named or isinstance(error, SyntaxError):  # whose text has the line
        return ""
    return f" (line {named[-1].lineno} of {Path(named[-1].filename).name})"


def _found(
    collector: _Collector, by_hand: Sequence[FoundPipeline], names: Mapping[str, object], where: str
) -> list[FoundPipeline]:
    found = [*collector.found, *by_hand] or list(_held(names))
    if not found:
        raise UserErrorException(
            f"{where!r} submits and publishes no pipeline, makes no DAG of one and holds none in a variable; build it"
            " at the top level of the file, or submit it there; steps that are written by hand are found by FILE.py"
        )
    return _named_apart(found)


def _held(names: Mapping[str, object]) -> Iterator[FoundPipeline]:
    """Return the pipelines among a module's variables; the first name of each counts."""
    module = sys.modules.get("airflow_ml.pipeline.core.pipeline")
    if module is None:
        return
    seen: set[int] = set()
    for name, value in names.items():
        if isinstance(value, module.Pipeline) and id(value) not in seen:
            seen.add(id(value))
            yield FoundPipeline(name, value.graph)


def _named_apart(found: Sequence[FoundPipeline]) -> list[FoundPipeline]:
    """Put a number behind names that repeat: task groups of several DAGs may be called alike."""
    counts: dict[str, int] = {}
    result = []
    for pipeline in found:
        count = counts[pipeline.name] = counts.get(pipeline.name, 0) + 1
        result.append(pipeline if count == 1 else replace(pipeline, name=f"{pipeline.name} ({count})"))
    return result
