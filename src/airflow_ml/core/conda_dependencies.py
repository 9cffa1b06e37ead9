"""Packages of an environment (`azureml.core.conda_dependencies`)."""

from __future__ import annotations

import sys

from airflow_ml._late import late
from airflow_ml.core._caller import base_directory
from airflow_ml.exceptions import NotSupportedError, UserErrorException

TYPE_CHECKING = False
if TYPE_CHECKING:
    import pathlib
    import re
    from collections.abc import Mapping, Sequence
    from typing import Any, NoReturn

    from airflow_ml.graph.model import Json
else:
    pathlib = late("pathlib")
    re = late("re")

__all__ = ["CondaDependencies", "running_python_version"]

#: Only for files; a definition in memory needs no parser.
yaml: Any = late("yaml")

_FILE = "conda_dependencies.yml"
_CHANNELS = ("anaconda", "conda-forge")


def running_python_version() -> str:
    """
    Return `major.minor` of this interpreter.

    v1 takes the patch number too; then a definition would change with every update of the machine that reads the
    DAG file.
    """
    return f"{sys.version_info.major}.{sys.version_info.minor}"


class CondaDependencies:
    """
    A list of conda and pip packages, in conda's own form.

    Packages are installed by pip's means: conda names that pip knows are taken from pip. Packages of the Azure ML SDK
    may be named and are not installed: the step library stands in for them.

    Args:
        conda_dependencies_file_path: a conda YAML file to start from, relative to the DAG file's or current folder.
        _underlying_structure: the content of such a file; used as it is.

    Raises:
        UserErrorException: a file that cannot be read as such.
    """

    DEFAULT_NUMBER_OF_CONDA_PACKAGES = 1
    DEFAULT_NUMBER_OF_PIP_PACKAGES = 1

    def __init__(
        self,
        conda_dependencies_file_path: str | None = None,
        _underlying_structure: Mapping[str, Json] | None = None,
    ) -> None:
        if conda_dependencies_file_path is not None:
            content = _load(pathlib.Path(base_directory()) / conda_dependencies_file_path)
        else:
            content = dict(_underlying_structure or _default_structure())
        self._name = str(content.get("name") or "project_environment")
        self._channels = _texts(content.get("channels"))
        self._items, self._pip = _split(content.get("dependencies"))

    @staticmethod
    def create(
        pip_indexurl: str | None = None,
        pip_packages: Sequence[str] | None = None,
        conda_packages: Sequence[str] | None = None,
        python_version: str | None = None,
        pin_sdk_version: bool = True,
    ) -> CondaDependencies:
        """
        Make a list from package names.

        Args:
            pip_indexurl: where pip looks.
            pip_packages: without any, `azureml-defaults`, as in v1.
            conda_packages: come after the pip packages, as in v1.
            python_version: default: the version of this interpreter, without its patch number.
            pin_sdk_version: has no effect, because packages of the SDK are not installed.

        Raises:
            UserErrorException: text where a list of packages was expected, or a version that is no text.
        """
        del pin_sdk_version
        made = CondaDependencies()
        made.set_python_version(running_python_version() if python_version in (None, "") else python_version)
        if pip_packages is not None:
            made._pip = []
        for package in _several("pip_packages", pip_packages):
            made.add_pip_package(package)
        if pip_indexurl:
            made.set_pip_index_url(pip_indexurl)
        for package in _several("conda_packages", conda_packages):
            made.add_conda_package(package)
        return made

    @staticmethod
    def merge_requirements(requirements: Sequence[str]) -> list[str]:
        """Return one requirement per package: `a>1` and `a<2` become `a>1,<2`; options of pip stay as they are."""
        merged: dict[str, list[str]] = {}
        for requirement in requirements:
            name = requirement if requirement.startswith("-") else _package(requirement)
            rest = requirement.strip()[len(name) :].strip()
            merged.setdefault(name, []).extend([rest] if rest else [])
        return [name + ",".join(dict.fromkeys(rests)) for name, rests in merged.items()]

    @property
    def conda_channels(self) -> list[str]:
        """Channels, in order; kept and shown: packages come from pip's index."""
        return list(self._channels)

    def add_channel(self, channel: str) -> None:
        """Add a channel unless it is there."""
        if channel not in self._channels:
            self._channels.append(channel)

    def remove_channel(self, channel: str) -> None:
        """Remove a channel if it is there."""
        self._channels = [known for known in self._channels if known != channel]

    def get_python_version(self) -> str | None:
        """Return the version behind `python=`, or None if none is asked for."""
        for item in self._items:
            if _package(item) == "python":
                return item.partition("=")[2].lstrip("=") or None
        return None

    def set_python_version(self, version: str) -> None:
        """
        Ask for a version of Python, in place of the one asked for so far.

        Raises:
            UserErrorException: a version that is no text; 3.10 would become 3.1.
        """
        version = _text("the Python version", version)
        self._items = [f"python={version}", *(item for item in self._items if _package(item) != "python")]

    @property
    def conda_packages(self) -> list[str]:
        """Conda packages with their versions, Python itself included, in order."""
        return list(self._items)

    def add_conda_package(self, conda_package: str) -> None:
        """Add a package; one of that name is replaced. Python comes first."""
        self.remove_conda_package(conda_package)
        self._items.insert(0 if _package(conda_package) == "python" else len(self._items), conda_package)

    def remove_conda_package(self, conda_package: str) -> None:
        """Remove the package of that name, whatever its version, if it is there."""
        self._items = _without(self._items, _text("a conda package", conda_package))

    def add_tensorflow_conda_package(self, core_type: str = "cpu", version: str | None = None) -> None:
        """Add TensorFlow for `cpu` or `gpu`."""
        self.add_conda_package(_tensorflow(core_type, version, "="))

    def add_cntk_package(self, core_type: str = "cpu") -> NoReturn:
        """Not supported: CNTK has ended; use PyTorch or TensorFlow."""
        raise NotSupportedError(f"add_cntk_package({core_type!r}): CNTK has ended; use PyTorch or TensorFlow")

    @property
    def pip_packages(self) -> list[str]:
        """Pip packages with their versions, in order, without options."""
        return [line for line in self._pip if not line.startswith("-")]

    @property
    def pip_options(self) -> list[str]:
        """Lines such as `--index-url ...`, in order."""
        return [line for line in self._pip if line.startswith("-")]

    def add_pip_package(self, pip_package: str) -> None:
        """Add a package; one of that name is replaced."""
        self.remove_pip_package(pip_package)
        self._pip.append(pip_package)

    def remove_pip_package(self, pip_package: str) -> None:
        """Remove the package of that name, whatever its version, if it is there."""
        self._pip = _without(self._pip, _text("a pip package", pip_package))

    def add_tensorflow_pip_package(self, core_type: str = "cpu", version: str | None = None) -> None:
        """Add TensorFlow for `cpu` or `gpu`."""
        self.add_pip_package(_tensorflow(core_type, version, "=="))

    def set_pip_index_url(self, index_url: str) -> None:
        """Let pip look there; replaces an earlier index."""
        url = _text("pip's index", index_url)
        self.set_pip_option(url if url.startswith("-") else f"--index-url {url}")

    def set_pip_option(self, pip_option: str) -> None:
        """
        Add an option of pip; one of that name is replaced, except `--extra-index-url`, which may repeat.

        Raises:
            UserErrorException: it does not begin with `-`.
        """
        _check_option(pip_option)
        if not pip_option.startswith("--extra-index-url"):
            self.remove_pip_option(pip_option)
        self._pip.append(pip_option)

    def remove_pip_option(self, pip_option: str) -> None:
        """
        Remove the option of that name, whatever its value, if it is there.

        Raises:
            UserErrorException: it does not begin with `-`.
        """
        name = _option(_check_option(pip_option))
        self._pip = [line for line in self._pip if _option(line) != name]

    def set_pip_requirements(self, pip_requirements: str | Sequence[str]) -> None:
        """Take these lines of a requirements file in place of all pip packages and options."""
        if not isinstance(pip_requirements, (str, list, tuple)):
            raise UserErrorException(
                f"conda dependencies: pip requirements {pip_requirements!r} are neither text nor a list of lines"
            )
        lines = pip_requirements.splitlines() if isinstance(pip_requirements, str) else list(pip_requirements)
        stripped = (re.sub(r"(^|\s)#.*", "", line).strip() for line in lines)
        self._pip = [line for line in stripped if line]

    def as_dict(self) -> dict[str, Json]:
        """Return conda's form: `name`, `channels`, `dependencies` with the pip packages as a mapping in them."""
        head = [item for item in self._items if _package(item) == "python"]
        pip: list[Json] = [{"pip": [*self._pip]}] if self._pip else []
        tail = [item for item in self._items if _package(item) != "python"]
        return {"name": self._name, "channels": [*self._channels], "dependencies": [*head, *pip, *tail]}

    def serialize_to_string(self) -> str:
        """Return conda's YAML."""
        return str(yaml.safe_dump(self.as_dict(), sort_keys=False))

    def save(self, path: str | None = None) -> str:
        """Write conda's YAML to a file (default: `conda_dependencies.yml` here) or into a folder; return its path."""
        target = pathlib.Path(path or _FILE)
        target = target / _FILE if target.is_dir() else target
        target.write_text(self.serialize_to_string(), encoding="utf-8")
        return str(target)

    def save_to_file(self, base_directory: str, conda_file_path: str | None = None) -> str:
        """Write conda's YAML below a folder and return the path within it."""
        name = conda_file_path or _FILE
        target = pathlib.Path(base_directory) / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(self.serialize_to_string(), encoding="utf-8")
        return name

    def get_default_number_of_packages(self) -> tuple[int, int]:
        """Return how many conda and how many pip packages a fresh list has."""
        return self.DEFAULT_NUMBER_OF_CONDA_PACKAGES, self.DEFAULT_NUMBER_OF_PIP_PACKAGES

    @staticmethod
    def sdk_origin_url() -> str:
        """Return where packages come from unless something else is said."""
        return "https://pypi.org/simple"

    def _copied(self) -> CondaDependencies:
        return CondaDependencies(_underlying_structure=self.as_dict())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CondaDependencies) and self.as_dict() == other.as_dict()

    def __hash__(self) -> int:
        return hash(self._name)

    def __repr__(self) -> str:
        return f"CondaDependencies({self.as_dict()!r})"


def _default_structure() -> dict[str, Json]:
    return {
        "name": "project_environment",
        "channels": [*_CHANNELS],
        "dependencies": [f"python={running_python_version()}", {"pip": ["azureml-defaults"]}],
    }


def _load(file: pathlib.Path) -> dict[str, Json]:
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as exc:
        raise UserErrorException(f"conda file {str(file)!r}: cannot be read as YAML: {exc}") from exc
    if not isinstance(content, dict):
        raise UserErrorException(f"conda file {str(file)!r}: holds {content!r}, expected a mapping with 'dependencies'")
    return content


def _split(dependencies: Json) -> tuple[list[str], list[str]]:
    conda: list[str] = []
    pip: list[str] = []
    for item in dependencies if isinstance(dependencies, list) else []:
        if isinstance(item, dict):
            if set(item) != {"pip"}:
                raise UserErrorException(f"conda dependencies: {item!r} cannot be read; expected text or a pip list")
            pip += _texts(item["pip"])
        else:
            conda.append(str(item))
    return conda, pip


def _several(what: str, packages: Sequence[str] | None) -> Sequence[str]:
    if isinstance(packages, str):
        raise UserErrorException(f"conda dependencies: {what} is {packages!r}, expected a list; write [{packages!r}]")
    return packages or ()


def _text(what: str, value: object) -> str:
    if not isinstance(value, str):
        raise UserErrorException(f"conda dependencies: {what} is {value!r}, expected text; put it into quotes")
    return value


def _check_option(option: str) -> str:
    if not _text("a pip option", option).startswith("-"):
        raise UserErrorException(
            f"conda dependencies: pip option {option!r} does not begin with '-'; write it as on pip's command line, or "
            "add it as a package"
        )
    return option


def _texts(values: Json) -> list[str]:
    return [value for value in values if isinstance(value, str)] if isinstance(values, list) else []


# Without regular expressions: most DAG files name packages, and importing `re` would cost them more than all of this.


def _package(requirement: str) -> str:
    """Return a package's name, without its channel, extras and version."""
    rest = requirement.rpartition("::")[2].lstrip()
    for position, character in enumerate(rest):
        if not (character.isascii() and (character.isalnum() or character in "_.-")):
            return rest[:position] or requirement
    return rest or requirement


def _option(line: str) -> str:
    """Return the name of a pip option, without its value."""
    return line.partition(" ")[0].partition("=")[0]


def _without(lines: list[str], requirement: str) -> list[str]:
    unwanted = _normal_name(requirement)
    return [line for line in lines if line.startswith("-") or _normal_name(line) != unwanted]


def _normal_name(requirement: str) -> str:
    """Return a package's name as PEP 503 compares names."""
    words = _package(requirement).lower().replace("_", "-").replace(".", "-").split("-")
    return "-".join(word for word in words if word)


def _tensorflow(core_type: str, version: str | None, sign: str) -> str:
    if core_type not in ("cpu", "gpu"):
        raise UserErrorException(f"tensorflow: core_type {core_type!r} is neither 'cpu' nor 'gpu'")
    name = "tensorflow-gpu" if core_type == "gpu" else "tensorflow"
    return f"{name}{sign}{version}" if version else name
