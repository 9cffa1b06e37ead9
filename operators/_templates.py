"""
Templates in the DAG files of teams: `{{ ds }}` and friends in the arguments and parameters of steps.

They are rendered once per task, before anything is looked up, so that the fingerprint, the record and the script see
the same text. Only what stands in a DAG file is a template: values that a run was triggered with, and pipelines that
were submitted or published, are taken as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow_ml._late import late
from airflow_ml.exceptions import UserErrorException

if TYPE_CHECKING:
    import jinja2
    from airflow.sdk import BaseOperator
    from jinja2 import meta

    from airflow_ml.graph import Graph, Parameter, Step
    from airflow_ml.graph.model import Argument, Part
    from airflow_ml.translation.pipeline_ref import PipelineRef
else:
    jinja2 = late("jinja2")
    meta = late("jinja2.meta")

__all__ = ["rendered"]

_Render = Callable[[str, str], str]

#: What begins a template.
_MARKS = ("{{", "{%")

#: Parts of Airflow's context that hold secrets: arguments and parameters are recorded and shown.
_SECRET = frozenset({"conn", "var"})


def rendered(
    pipeline: PipelineRef, task: BaseOperator, context: Mapping[str, Any], *, most: int | None = None
) -> PipelineRef:
    """
    Return the pipeline with the templates of its DAG file rendered for this run.

    Args:
        most: how many arguments of a step are templates, from the first one on; None is all.

    Raises:
        UserErrorException: a template asks for what the run does not have, or for a secret.
    """
    graph = pipeline.graph
    if not pipeline.has_templates or not _has_any(graph):
        return pipeline
    environment = task.get_template_env()

    def render(text: str, where: str) -> str:
        return _rendered_text(environment, context, text, where) if _is_template(text) else text

    defaults = {item.name: item.default for item in graph.parameters if _is_template(item.default)}
    return replace(
        pipeline,
        graph=replace(
            graph,
            steps=tuple(_step(graph, step, render, most) for step in graph.steps),
            parameters=tuple(_parameter(item, render) for item in graph.parameters),
        ),
        templates={name: str(text) for name, text in defaults.items()},
        has_templates=False,  # what was rendered is data from now on
    )


def _has_any(graph: Graph) -> bool:
    texts = (part for step in graph.steps for item in (*step.arguments, *step.params.values()) for part in item)
    return any(_is_template(part) for part in texts) or any(_is_template(item.default) for item in graph.parameters)


def _is_template(value: object) -> bool:
    return isinstance(value, str) and any(mark in value for mark in _MARKS)


def _step(graph: Graph, step: Step, render: _Render, most: int | None) -> Step:
    where = f"{graph.title(step)}: argument"
    return replace(
        step,
        arguments=(
            *(_argument(item, where, render) for item in step.arguments[:most]),
            *(() if most is None else step.arguments[most:]),
        ),
        params={name: _argument(item, where, render) for name, item in step.params.items()},
    )


def _argument(argument: Argument, where: str, render: _Render) -> Argument:
    parts: list[Part] = [render(part, where) if isinstance(part, str) else part for part in argument]
    return tuple(parts)


def _parameter(parameter: Parameter, render: _Render) -> Parameter:
    default = parameter.default
    if not isinstance(default, str):
        return parameter
    return replace(parameter, default=render(default, f"parameter {parameter.name!r}: default"))


def _rendered_text(environment: jinja2.Environment, context: Mapping[str, Any], text: str, where: str) -> str:
    try:
        secret = sorted(_SECRET & meta.find_undeclared_variables(environment.parse(text)))
        if secret:
            raise UserErrorException(
                f"{where} {text!r} asks for {secret[0]!r}, and what it gives would be recorded and shown; hand secrets"
                " to the script by environment variables, or let it ask its workspace's key vault"
            )
        return str(environment.from_string(text).render(context))
    except jinja2.TemplateError as error:
        raise UserErrorException(
            f"{where} {text!r} cannot be rendered: {error}; a run that was triggered by hand without a logical date has"
            " no 'ds', 'data_interval_start' and the like"
        ) from error
