"""How runs and experiments look in a notebook: a table of one row."""

from __future__ import annotations

import html
from collections.abc import Mapping

__all__ = ["docs_url", "row_of"]

#: Microsoft's reference of the v1 SDK: the classes here answer to what it says.
_REFERENCE = "https://learn.microsoft.com/python/api"
_PACKAGES = {
    "Experiment": "azureml-core/azureml.core.Experiment",
    "Run": "azureml-core/azureml.core.Run",
    "ScriptRun": "azureml-core/azureml.core.ScriptRun",
    "PipelineRun": "azureml-pipeline-core/azureml.pipeline.core.PipelineRun",
    "StepRun": "azureml-pipeline-core/azureml.pipeline.core.StepRun",
}


def docs_url(class_name: str) -> str:
    """Return where Microsoft describes v1's class of that name."""
    return f"{_REFERENCE}/{_PACKAGES.get(class_name, _PACKAGES['Run'])}?view=azure-ml-py"


def row_of(values: Mapping[str, str], links: Mapping[str, str]) -> str:
    """Return a table of one row: the values under their names, then the links."""
    cells = [html.escape(value) for value in values.values()]
    cells += [f'<a href="{html.escape(url)}" target="_blank" rel="noopener">open</a>' for url in links.values()]
    head = "".join(f"<th>{html.escape(name)}</th>" for name in (*values, *links))
    body = "".join(f"<td>{cell}</td>" for cell in cells)
    return f'<table style="width:100%"><tr>{head}</tr><tr>{body}</tr></table>'
