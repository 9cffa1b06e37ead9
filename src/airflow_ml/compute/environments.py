"""
From an environment definition to an interpreter that has its packages.

Three cases, in this order: the definition manages its own interpreter (`user_managed_dependencies`); there is nothing
to install beyond what the step library provides, so the worker's interpreter does; or a virtual environment is built,
once per definition and machine, in a folder named by the digest of what it holds.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from airflow_ml._late import late
from airflow_ml.compute.built_folders import Hold, Waiting, no_waiting
from airflow_ml.compute.eviction import Bounds, prune
from airflow_ml.compute.fetched_pythons import FetchedPythons
from airflow_ml.compute.interpreters import check_interpreter, find_conda_environment, find_python, read_version
from airflow_ml.compute.known_pythons import KnownPythons
from airflow_ml.compute.requirements import read_requirements
from airflow_ml.compute.virtual_environment import VirtualEnvironment, digest_of
from airflow_ml.exceptions import NotSupportedError, RunEnvironmentException
from airflow_ml.graph.model import Json

if TYPE_CHECKING:
    from airflow_ml.compute import environment_images
    from airflow_ml.compute.docker_engine import DockerEngine
    from airflow_ml.compute.environment_images import BuiltImage
else:  # steps that run as processes do without
    environment_images = late("airflow_ml.compute.environment_images")

__all__ = ["EnvironmentBuilder", "Interpreter", "read_variables"]


@dataclass(frozen=True)
class Interpreter:
    """
    The Python that runs a step.

    Attributes:
        python: absolute path of the interpreter.
        environment_variables: those of the definition; they are set for the script and never cause a build.
        digest: names the packages and the Python behind the path; equal digests mean equal environments.
        version: of the interpreter.
        warnings: what differs from the definition, one line each, for the step's log.
        log: what was done, with the installer's output if anything was built; credentials are masked.
        hold: keeps a built environment from being removed while it is used; None where nothing was built.
    """

    python: Path
    environment_variables: Mapping[str, str]
    digest: str
    version: str | None = None
    warnings: tuple[str, ...] = ()
    log: str = field(default="", repr=False)
    hold: Hold | None = field(default=None, repr=False, compare=False)

    @property
    def held(self) -> tuple[int, ...]:
        """Descriptors that the script's keeper holds too."""
        return () if self.hold is None else (self.hold.fileno(),)

    def close(self) -> None:
        """Let the environment go; twice is fine."""
        if self.hold is not None:
            self.hold.close()


class EnvironmentBuilder:
    """
    Makes interpreters from environment definitions.

    Safe to use from many processes at once: equal definitions are built once, the others wait for it.

    Args:
        root: folder of the machine's virtual environments.
        base_interpreter: the worker's interpreter.
        installer: `uv` or `pip`; by default uv where there is one.
    """

    def __init__(
        self,
        root: Path,
        base_interpreter: str = sys.executable,
        *,
        installer: Literal["uv", "pip"] | None = None,
    ) -> None:
        self._root = root.absolute()
        self._base = base_interpreter
        self._installer = installer
        self._known = KnownPythons(self._root / ".pythons.json")

    @property
    def root(self) -> Path:
        """The folder of everything that was built."""
        return self._root

    def build(self, definition: Mapping[str, Json] | None, waiting: Waiting = no_waiting) -> Interpreter:
        """
        Return an interpreter for the definition, built if it is not there; None means the default environment.

        Raises:
            RunEnvironmentException: the definition asks for what this machine cannot give, or installing failed;
                the text then ends with the installer's last lines.
            ServiceException: the index could not be reached, or the machine failed; trying again can help.
        """
        definition = definition or {}
        where = f"environment {definition.get('name') or 'without a name'!r}"
        if definition.get("r"):
            raise NotSupportedError(f"{where}: has an R section, which airflow-ml cannot build; use a container image")
        variables = read_variables(definition, where)
        python = definition.get("python")
        python = python if isinstance(python, Mapping) else {}
        if python.get("user_managed_dependencies"):
            chosen = str(python.get("interpreter_path") or "python")
            path = check_interpreter(chosen, base_interpreter=self._base, where=where, known=self._known)
            return self._take(path, variables)
        conda_environment = python.get("base_conda_environment")
        if conda_environment and not python.get("conda_dependencies"):
            return self._take(find_conda_environment(str(conda_environment), where=where, known=self._known), variables)
        return self._install(definition, variables, where, waiting)

    def image(
        self,
        definition: Mapping[str, Json] | None,
        engine: DockerEngine,
        waiting: Waiting = no_waiting,
        auth: Mapping[str, str] | None = None,
    ) -> BuiltImage:
        """
        Return what containers of the definition are started with on this machine's engine.

        Args:
            auth: user name and password for the registry of its image; those of `docker login` count without.

        Raises:
            RunEnvironmentException: image or packages cannot be had.
            ServiceException: engine, registry or index failed; trying again can help.
        """
        definition = definition or {}
        variables = read_variables(definition, f"environment {definition.get('name') or 'without a name'!r}")
        return environment_images.build_image(self._root, definition, engine, variables, waiting, auth)

    def _install(
        self, definition: Mapping[str, Json], variables: Mapping[str, str], where: str, waiting: Waiting
    ) -> Interpreter:
        requirements = read_requirements(definition)
        if not requirements.packages:
            return self._take(self._base, variables)
        found = find_python(
            requirements.python,
            base_interpreter=self._base,
            where=where,
            known=self._known,
            fetch=FetchedPythons(self._root, where, waiting).fetch,
        )
        environment = VirtualEnvironment(self._root, requirements, found, where=where, installer=self._installer)
        hold, log = environment.hold(waiting)
        if environment.has_built:
            prune(self._root, Bounds.default())
        warnings = (*requirements.warnings, *([found.warning] if found.warning else []))
        return Interpreter(environment.python, variables, environment.digest, found.version, warnings, log, hold)

    def _take(self, python: str, variables: Mapping[str, str]) -> Interpreter:
        version = read_version(python, self._known)
        digest = digest_of({"interpreter": python, "python": version})
        return Interpreter(Path(python), variables, digest, version, log=f"uses the interpreter {python} as it is")


def read_variables(definition: Mapping[str, Json], where: str) -> dict[str, str]:
    """Return the variables of a definition as text."""
    variables = definition.get("environment_variables") or {}
    if not isinstance(variables, Mapping):
        raise RunEnvironmentException(f"{where}: environment_variables is {variables!r}, expected a mapping of text")
    return {str(name): str(value) for name, value in variables.items()}
