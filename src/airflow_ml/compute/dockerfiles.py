"""Reading Dockerfiles as far as it matters what they stand on: the images behind FROM."""

from __future__ import annotations

import re

__all__ = ["base_images"]

_ARGUMENT = re.compile(r"^\s*ARG\s+(?P<name>\w+)=(?P<value>\"[^\"]*\"|\S+)", re.IGNORECASE)
_FROM = re.compile(r"^\s*FROM\s+(?:--platform=\S+\s+)?(?P<image>\S+)(?:\s+AS\s+(?P<stage>\S+))?", re.IGNORECASE)
_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)(?::?-([^}]*))?\})")


def base_images(dockerfile: str) -> tuple[str, ...]:
    """Return the images that a Dockerfile begins its stages with, each once; not its own stages, and not `scratch`."""
    arguments: dict[str, str] = {}
    stages: set[str] = {"scratch"}
    found: dict[str, None] = {}
    for line in re.sub(r"\\\r?\n", " ", dockerfile).splitlines():
        if argument := _ARGUMENT.match(line):
            arguments.setdefault(argument["name"], argument["value"].strip('"'))
        elif start := _FROM.match(line):
            image = _VARIABLE.sub(lambda name: arguments.get(name[1] or name[2], name[3] or ""), start["image"])
            if image.lower() not in stages:
                found[image] = None
            if start["stage"]:
                stages.add(start["stage"].lower())
    return tuple(found)
