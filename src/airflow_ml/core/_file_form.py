"""
Configuration elements as v1's files have them: mappings with camel-case keys, the same in YAML and JSON.

Imported at the first use of a file. Which attribute is which key follows from its name; what an element says otherwise
stands in its class (`ConfigElement`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from airflow_ml.core.conda_dependencies import CondaDependencies
from airflow_ml.data._config_element import ConfigElement
from airflow_ml.exceptions import RunConfigurationException

if TYPE_CHECKING:
    from typing import Any

__all__ = ["file_form", "fill"]

#: Never written: a file of this kind lies in the repository.
_SECRETS = frozenset({"password", "authToken", "secret"})


def file_form(element: ConfigElement) -> dict[str, Any]:
    """
    Return an element as v1's files have it.

    Objects that files cannot hold, such as datasets among the arguments, stand in it as they are.
    """
    form = {_key(element, name): _value(value) for name, value in vars(element).items() if _is_kept(element, name)}
    return {key: "***" if key in _SECRETS and value else value for key, value in form.items()}


def _is_kept(element: ConfigElement, name: str) -> bool:
    return name not in element._not_in_files


def _key(element: ConfigElement, name: str) -> str:
    return element._file_names.get(name) or _camel_case(name.lstrip("_"))


def _camel_case(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in rest)


def _value(value: object) -> object:
    if isinstance(value, ConfigElement):
        return file_form(value)
    if isinstance(value, CondaDependencies):
        return value.as_dict()
    if isinstance(value, (list, tuple)):
        return [_value(item) for item in value]
    if isinstance(value, dict):
        return {key: _value(item) for key, item in value.items()}
    return value


def fill(element: ConfigElement, content: object, *, where: str) -> None:
    """
    Set an element's attributes to what a file says; what it does not name stays.

    Keys may be in camel case, as v1 writes them, or in snake case, as it reads them too.

    Args:
        where: the file and the keys above, for errors.

    Raises:
        RunConfigurationException: a key that the element has not, or a value of another kind.
    """
    if not isinstance(content, Mapping):
        raise RunConfigurationException(f"{where}: is {content!r}, expected a mapping")
    attributes = {_key(element, name): name for name in vars(element) if _is_kept(element, name)}
    for key, value in content.items():
        name = attributes.get(_camel_case(str(key)))
        if name is None:
            raise RunConfigurationException(
                f"{where}: has no key {key!r}; it has {', '.join(sorted(attributes))}; correct or remove it"
            )
        read = _read(element, name, value, where=f"{where}, {key!r}")
        object.__setattr__(element, name, read)


def _read(element: ConfigElement, name: str, value: object, *, where: str) -> object:
    """Return what the attribute becomes; an empty value leaves a part, list or mapping at its default."""
    default, held = getattr(element, name), element._held(name)
    if isinstance(default, ConfigElement):
        if value is not None:
            fill(default, value, where=where)
        return default
    if isinstance(default, (list, dict)) and value is None:
        return default
    _check_kind(default, value, where=where)
    if held is None or value is None:
        return value
    if isinstance(value, list):
        return [_made(held, item, where=f"{where}[{number}]") for number, item in enumerate(value)]
    if isinstance(default, dict) and isinstance(value, dict):
        return {key: _made(held, item, where=f"{where}, {key!r}") for key, item in value.items()}
    return _made(held, value, where=where)


def _check_kind(default: object, value: object, *, where: str) -> None:
    for kind, words in ((bool, "true or false"), (list, "a list"), (dict, "a mapping")):
        if isinstance(default, kind) and not isinstance(value, kind):
            raise RunConfigurationException(f"{where}: is {value!r}, expected {words}")


def _made(held: type[Any], value: object, *, where: str) -> object:
    if issubclass(held, CondaDependencies):
        if not isinstance(value, dict):
            raise RunConfigurationException(f"{where}: is {value!r}, expected a mapping with 'dependencies'")
        return held(_underlying_structure=value)
    made = held()
    if isinstance(made, ConfigElement):
        fill(made, value, where=where)
    return made
