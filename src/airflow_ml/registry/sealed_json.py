"""
Which parts of graphs, environments, datasets and parameters the registry holds encrypted.

Sealed are: environment variables, values of parameters and options whose names look like secrets, passwords, and texts
that open something by themselves, such as an address with a signature. In its place stands a text, so whoever reads
only the rest needs no key. Digests are made of the plain values, before they are sealed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from airflow_ml._late import late
from airflow_ml.graph.secret_names import holds_secret, is_secret_name, secret_arguments

if TYPE_CHECKING:
    from airflow_ml.graph.model import Json
    from airflow_ml.registry import sealing
else:
    sealing = late("airflow_ml.registry.sealing")  # only who has secrets pays for the import

__all__ = ["MARK", "opened", "opened_text", "sealed", "sealed_parameters", "sealed_text"]

#: What a sealed text begins with.
MARK = "$sealed:"

_VARIABLES = frozenset({"environment_variables", "environmentVariables"})
_NAMED_VALUES = frozenset({"parameters", "params"})
_SECRET_KEYS = frozenset({"password", "secret", "token", "client_secret"})


def sealed_text(document: str) -> str:
    """Return a JSON text with its secrets sealed; the same text where there are none."""
    plain = json.loads(document)
    found = sealed(plain)
    return document if found == plain else json.dumps(found)


def opened_text(document: str, *, where: str) -> str:
    """Return a JSON text with what is sealed in it opened; raises UserErrorException if no key opens it."""
    return json.dumps(opened(json.loads(document), where=where)) if MARK in document else document


def sealed_parameters(values: Mapping[str, Json]) -> dict[str, Json]:
    """Return values by name, those of secret-looking names sealed."""
    return {name: _all_sealed(value) if is_secret_name(name) else sealed(value) for name, value in values.items()}


def sealed(value: Json) -> Json:
    """Return a JSON value with its secrets sealed."""
    if isinstance(value, Mapping):
        return {key: _member(key, item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [sealed(item) for item in value]
    if isinstance(value, str) and (value.startswith(MARK) or holds_secret(value)):
        return _one(value)
    return value


def opened(value: Json, *, where: str) -> Json:
    """
    Return a JSON value with what is sealed in it opened.

    Args:
        where: whose secrets they are, for the error.

    Raises:
        UserErrorException: no key that this process finds opens one.
    """
    if isinstance(value, Mapping):
        return {key: opened(item, where=where) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [opened(item, where=where) for item in value]
    if isinstance(value, str) and value.startswith(MARK):
        return cast("Json", json.loads(sealing.unseal(value[len(MARK) :].encode(), where=where)))
    return value


def _one(value: Json) -> Json:
    """Return a plain value as a sealed text; values that say nothing stay."""
    return value if value in (None, "") else MARK + sealing.seal(json.dumps(value)).decode("ascii")


def _all_sealed(value: Json) -> Json:
    """Return a value with every plain one in it sealed, apart from what says how it is built."""
    if isinstance(value, Mapping):
        return {key: item if key in ("type", "name") else _all_sealed(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_all_sealed(item) for item in value]
    return _one(value)


def _member(key: str, value: Json) -> Json:
    if key in _VARIABLES and isinstance(value, Mapping):
        return {name: _all_sealed(item) for name, item in value.items()}
    if key in _NAMED_VALUES and isinstance(value, Mapping):
        return sealed_parameters(value)
    if key in _NAMED_VALUES and isinstance(value, (list, tuple)):
        return [_declared(item) for item in value]
    if key == "arguments" and isinstance(value, (list, tuple)):
        return _arguments([*value])
    if key == "url" and isinstance(value, str) and "?" in value:
        return _one(value)
    return _one(value) if key in _SECRET_KEYS and isinstance(value, str) else sealed(value)


def _declared(item: Json) -> Json:
    """Return a parameter's declaration, or a pair of name and value."""
    if isinstance(item, Mapping) and is_secret_name(str(item.get("name"))):
        return {key: _one(value) if key == "default" else sealed(value) for key, value in item.items()}
    if isinstance(item, (list, tuple)) and len(item) == 2 and is_secret_name(str(item[0])):
        return [item[0], _one(item[1])]
    return sealed(item)


def _arguments(items: list[Json]) -> Json:
    are_secret = secret_arguments([_plain_argument(item) for item in items])
    return [_all_sealed(item) if is_secret else sealed(item) for item, is_secret in zip(items, are_secret, strict=True)]


def _plain_argument(item: Json) -> str:
    """Return an argument's text; an argument is a text, or a list of parts of which the first counts here."""
    first = item[0] if isinstance(item, (list, tuple)) and item else item
    return first if isinstance(first, str) else ""
