"""
What an import of a v1 name raises that airflow-ml does not have: which name, and what to do instead.

Two things of Python's import system shape this module. A finder is also asked by `importlib.util.find_spec`, where a
missing module is None and no error. And a module's `__getattr__` is called for `hasattr` as well as for `from x import
y`, whose own text would hide ours; so the caller's instruction decides between AttributeError and ImportError.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import FrameType, ModuleType

__all__ = ["explain_names", "missing_module", "missing_sentence"]

_SERVING = "serve a registered model with a tool of your choice (Model.get_model_path finds its files)"
_EXPLAINING = (
    "use the package interpret-community or shap in a step, and keep its results with run.log and run.upload_file"
)
_PRIVATE = "it is a private part of the real SDK; use the public classes"

#: Parts of v1, and what to do instead of using them. The longest beginning counts.
_INSTEAD = {
    "_": _PRIVATE,
    "accel": _SERVING,
    "automl": "use a PythonScriptStep whose script calls an AutoML package of your choice",
    "contrib.automl": "use a PythonScriptStep whose script calls an AutoML package of your choice",
    "contrib.dataset": "use azureml.core.Dataset",
    "contrib.explain": _EXPLAINING,
    "contrib.interpret": _EXPLAINING,
    "contrib.services": _SERVING,
    "contrib.tensorboard": "start tensorboard on the folder that run.download_files gives",
    "core.image": _SERVING,
    "core.model.InferenceConfig": _SERVING,
    "core.webservice": _SERVING,
    "core.Image": _SERVING,
    "core.Webservice": _SERVING,
    "datadrift": "compare the data in a step of your own",
    "dataprep": "read data with azureml.core.Dataset or pandas, or install azureml-dataprep",
    "explain": _EXPLAINING,
    "fairness": "use the package fairlearn in a step",
    "interpret": _EXPLAINING,
    "mlflow": "log with Run.log, or with the package mlflow to a server of your own",
    "monitoring": _SERVING,
    "studio": _PRIVATE,
    "telemetry": "leave the import out: airflow-ml sends nothing to anybody",
    "tensorboard": "start tensorboard on the folder that run.download_files gives",
}


def missing_module(name: str) -> None:
    """
    Answer a finder's caller for a module that is nowhere: None, for who only asks whether it is there.

    Raises:
        ModuleNotFoundError: an import statement asks; the text says what to do instead.
    """
    if _is_import():
        raise ModuleNotFoundError(missing_sentence(name, ()), name=name)


def explain_names(module: ModuleType, alias: str) -> None:
    """Let `from alias import name` say what to do instead, if the module has no such name."""
    find = vars(module).get("__getattr__", _find_nothing)
    if getattr(find, "__module__", None) == __name__ and find is not _find_nothing:
        return  # explained before, under the same alias

    def find_or_explain(name: str) -> object:
        try:
            return find(name)
        except AttributeError as exc:
            # A submodule that is being imported is no attribute yet; Python takes it from sys.modules after our error.
            is_coming = f"{module.__name__}.{name}" in sys.modules
            if not is_coming and _is_import_from(sys._getframe(1)):
                raise ImportError(missing_sentence(f"{alias}.{name}", dir(module)), name=alias) from exc
            if find is _find_nothing:
                raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}") from None
            raise

    vars(module)["__getattr__"] = find_or_explain


def _find_nothing(name: str) -> object:
    raise AttributeError(name)


def missing_sentence(name: str, there: Iterable[str]) -> str:
    """
    Return what an import of a name says that is nowhere.

    Args:
        name: from `azureml` on.
        there: names that the module has, of which a close one is proposed.
    """
    below = name.partition(".")[2]
    for part in sorted(_INSTEAD, key=len, reverse=True):
        if below == part or below.startswith(part if part == "_" else f"{part}."):
            return f"{name} is not part of airflow-ml, which is `azureml` here; {_INSTEAD[part]}"
    from difflib import get_close_matches

    close = get_close_matches(name.rpartition(".")[2], there, n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    return f"{name} is not part of airflow-ml, which is `azureml` here; {hint}docs/compatibility.md lists what there is"


def _is_import() -> bool:
    """Whether the finder's caller is an import; another caller of the import system's `_find_spec` only asks."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and frame.f_code.co_name != "_find_spec":
        frame = frame.f_back
    caller = None if frame is None else frame.f_back
    return caller is not None and caller.f_code.co_name == "_find_and_load_unlocked"


def _is_import_from(frame: FrameType) -> bool:
    """Whether the frame stands at `from x import y`."""
    from opcode import opmap

    return frame.f_code.co_code[frame.f_lasti] == opmap["IMPORT_FROM"]
