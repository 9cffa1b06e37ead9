"""
What of a script's arguments, and of its `AML_PARAMETER_` variables, can change a step's result.

They count as the script gets them: as text, whoever gave it, with ports in the place of paths. Variables in literal
text are expanded in the run and values never are (`airflow_ml.execution.script`), so `$HOME` in the one is something
else than in the other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, cast

from airflow_ml.graph import InputRef, OutputRef, ParameterRef, as_text
from airflow_ml.reuse.model import Record
from airflow_ml.reuse.records import has_secret_name, is_secret_word, secret
from airflow_ml.runtime.protocol import PARAMETER_PREFIX

if TYPE_CHECKING:
    from airflow_ml.graph import Argument, Json, Part, Step
    from airflow_ml.reuse.ignored import Ignored

__all__ = ["argument_records", "parameter_records"]

#: What `airflow_ml.execution.script` expands.
_VARIABLE = re.compile(r"(\$\w+|\$\{\w+\})")
_NOT_IN_VARIABLES = re.compile(r"\W")


def argument_records(step: Step, parameters: Mapping[str, Json], ignored: Ignored) -> Iterator[Record]:
    """Yield a record of each argument; its name is its place, and its note the parameters that are in it."""
    before = ""
    for index, argument in enumerate(step.arguments):
        value = _value(argument, parameters, ignored)
        names = _parameters_of(argument)
        text = _known_text(value)
        is_secret = is_secret_word(text, before) or any(map(has_secret_name, names))
        before = text
        yield Record("argument", f"{index:05d}", secret(value) if is_secret else value, _note(names))


def parameter_records(step: Step, parameters: Mapping[str, Json], ignored: Ignored) -> Iterator[Record]:
    """Yield a record of each value in the script's environment, under the name that it has there."""
    found: dict[str, Record] = {}
    for name, argument in step.params.items():
        variable = PARAMETER_PREFIX + _NOT_IN_VARIABLES.sub("_", name)
        if name in ignored.variables or variable in ignored.variables:
            continue
        value = _value(argument, parameters, ignored)
        names = _parameters_of(argument)
        is_secret = any(map(has_secret_name, (name, *names))) or is_secret_word(_known_text(value))
        found[variable] = Record("variable", variable, secret(value) if is_secret else value, _note(names))
    yield from found.values()


def _value(argument: Argument, parameters: Mapping[str, Json], ignored: Ignored) -> Json:
    """Return the text of an argument, or its pieces where not all of it is known before the run."""
    pieces: list[Json] = []
    for part in argument:
        for piece in _pieces(part, parameters, ignored):
            if isinstance(piece, str) and pieces and isinstance(pieces[-1], str):
                pieces[-1] += piece
            elif piece != "":
                pieces.append(piece)
    if not pieces:
        return ""
    return pieces[0] if len(pieces) == 1 and isinstance(pieces[0], str) else pieces


def _known_text(value: Json) -> str:
    """Return an argument's text as far as it is known before the run: a password may have a `$` in it too."""
    pieces = value if isinstance(value, list) else [value]
    return "".join(
        piece if isinstance(piece, str) else str(cast("Mapping[str, Json]", piece).get("expanded", ""))
        for piece in pieces
    )


def _pieces(part: Part, parameters: Mapping[str, Json], ignored: Ignored) -> Iterator[Json]:
    if isinstance(part, InputRef):
        yield {"input": part.port}
    elif isinstance(part, OutputRef):
        yield {"output": part.port}
    elif isinstance(part, ParameterRef):
        yield {"ignored": "parameter"} if part.name in ignored.parameters else as_text(parameters.get(part.name))
    else:
        for piece in _VARIABLE.split(part):
            yield {"expanded": piece} if _VARIABLE.fullmatch(piece) else piece


def _parameters_of(argument: Argument) -> list[str]:
    return [part.name for part in argument if isinstance(part, ParameterRef)]


def _note(names: list[str]) -> Json:
    return list(names) or None
