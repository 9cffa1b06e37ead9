"""
Modules of v1 that we have under another name: parts of a package that is one module here, and private modules.

v1's private modules are nobody's promise. Those listed are here because packages and templates that people build on
import them; the rest is refused with a sentence.
"""

from __future__ import annotations

__all__ = ["BELOW_MODULES", "FACE", "PACKAGES", "PLACES"]

#: The face, module for module; the other rooms of airflow_ml are nobody's `azureml`.
FACE = frozenset({"contrib", "core", "data", "exceptions", "opendatasets", "pipeline", "telemetry", "train", "widgets"})

#: Module below `azureml` -> the module of ours that it is.
PLACES = {
    "_base_sdk_common.user_agent": "airflow_ml.runtime.user_agent",
    "_common.exceptions": "airflow_ml.exceptions",
    "_restclient.constants": "airflow_ml.runtime.run_status",
}
#: The packages around them, which have nothing else.
PACKAGES = frozenset(place.rpartition(".")[0] for place in PLACES)
#: Module of ours -> v1's modules below it, which it has no folder for.
BELOW_MODULES = {
    "core.image": ("container", "image", "unknown_image"),
    "core.webservice": ("aci", "aks", "local", "unknown_webservice", "webservice"),
    "exceptions": ("_azureml_exception",),
}
