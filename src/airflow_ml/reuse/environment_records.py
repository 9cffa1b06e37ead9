"""
What of an environment definition can change a step's result.

Names, versions and labels of environments do not count, what they stand for does. The order of packages does not count
unless options stand among them; that of channels does, because conda looks into them in turn.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, cast

from airflow_ml._late import late
from airflow_ml.compute.image_names import PULLED, image_names, pull_policy
from airflow_ml.compute.masking import mask_credentials
from airflow_ml.compute.requirements import local_file_of, stated_packages
from airflow_ml.exceptions import AzureMLException
from airflow_ml.reuse.model import Record
from airflow_ml.reuse.records import canonical, is_secret_word, secret

if TYPE_CHECKING:
    from airflow_ml.compute import docker_engine
    from airflow_ml.graph import Json, Step
    from airflow_ml.hashing.stat_cache import StatCache
    from airflow_ml.registry import Registry
else:  # for steps in containers alone
    docker_engine = late("airflow_ml.compute.docker_engine")

__all__ = ["DEFAULT_IMAGE", "DEFAULT_VARIABLES", "IMAGE_ID", "Environments", "has_unknown_image"]

#: What the names of records of images begin with.
IMAGE_ID = "image id"

_TAG = "environment"

#: The image of definitions that name none (`airflow_ml.core.environment.DEFAULT_CPU_IMAGE`).
DEFAULT_IMAGE = "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04:20241216.v1"

#: What every definition of v1 starts with, and no script looks at.
DEFAULT_VARIABLES = {"EXAMPLE_ENV_VAR": "EXAMPLE_VALUE"}
_DEFAULT_PLATFORM = {"os": "Linux", "architecture": "amd64"}


class Environments:
    """
    Records of environment definitions; each definition is read once.

    Args:
        digests: of local files that requirements name.
    """

    def __init__(self, registry: Registry, digests: StatCache) -> None:
        self._registry = registry
        self._digests = digests
        self._image_ids: dict[str, str | None] = {}
        self._targets: dict[str, bool] = {}
        self._referred: dict[tuple[str, str | None], Mapping[str, Json]] = {}
        self._records: dict[str, tuple[Record, ...]] = {}
        #: Steps of one pipeline often share a definition: the object itself is kept, so that its id stays its own.
        self._seen: dict[int, tuple[object, tuple[Record, ...]]] = {}

    def resolved(self, definition: Mapping[str, Json]) -> Mapping[str, Json]:
        """
        Return the definition that a reference names, or the definition itself.

        Raises:
            RunEnvironmentException: the workspace has no such environment.
        """
        if not definition.get("by_reference"):
            return definition
        key = str(definition["name"]), cast("str | None", definition.get("version"))
        if key not in self._referred:
            self._referred[key] = self._registry.environments.get(*key).definition
        return self._referred[key]

    def records(self, definition: Mapping[str, Json] | None) -> tuple[Record, ...]:
        """
        Return the records of a definition, without those of its variables; None means the default environment.

        Raises:
            RunEnvironmentException: the definition cannot be read, or found in the workspace.
        """
        if not definition:
            return _DEFAULT
        if id(definition) not in self._seen:
            resolved = self.resolved(definition)
            text = canonical(cast("Json", resolved))
            if text not in self._records:
                self._records[text] = tuple(self._read(resolved)) or _DEFAULT
            self._seen[id(definition)] = definition, self._records[text]
        return self._seen[id(definition)][1]

    def variables(self, definition: Mapping[str, Json] | None) -> dict[str, str]:
        """Return the environment variables of a definition."""
        variables = _mapping(self.resolved(definition or {}).get("environment_variables"))
        return {name: str(value) for name, value in variables.items() if DEFAULT_VARIABLES.get(name) != value}

    def image_records(self, step: Step) -> Iterable[Record]:
        """
        Return which images stand behind the names that a step's container is made of; nothing for a process.

        A name can move to another image. What it stands for is asked of this machine's engine; where that cannot say,
        the record says so, and no result is offered or found by it: the machine that runs the step decides.
        """
        if not self._runs_in_container(step):
            return
        for name in image_names(self.resolved(step.environment or {})):
            if name not in self._image_ids:
                self._image_ids[name] = _image_id(name)
            known = self._image_ids[name]
            yield Record(_TAG, f"{IMAGE_ID} {name}", {"unknown": "no engine here knows it"} if known is None else known)

    def _runs_in_container(self, step: Step) -> bool:
        if step.kind == "data_transfer":
            return False
        if step.run_settings.get("use_docker"):
            return True
        if step.compute is None:
            return False
        if step.compute not in self._targets:
            found = self._registry.compute_targets.find(step.compute)
            self._targets[step.compute] = found is not None and found.settings.get("launcher") == "docker"
        return self._targets[step.compute]

    def _read(self, definition: Mapping[str, Json]) -> Iterable[Record]:
        yield from self._python(definition)
        yield from _docker(_mapping(definition.get("docker")))
        if definition.get("r"):
            yield Record(_TAG, "r", definition["r"])

    def _python(self, definition: Mapping[str, Json]) -> Iterable[Record]:
        python = _mapping(definition.get("python"))
        if python.get("user_managed_dependencies"):
            yield Record(_TAG, "interpreter", python.get("interpreter_path") or "python")
            return
        if python.get("base_conda_environment") and not python.get("conda_dependencies"):
            yield Record(_TAG, "conda environment", python["base_conda_environment"])
            return
        conda, pip = stated_packages(definition)
        version = [item for item in conda if _is_python(item)]
        packages = [item for item in conda if not _is_python(item) and item.strip().lower() != "pip"]
        if not packages and not pip:
            return  # nothing is installed then, whatever version of Python the definition names
        if version:
            yield Record(_TAG, "python", " ".join(version[-1].split()))
        if packages:
            yield Record(_TAG, "conda packages", words(sorted(" ".join(item.split()) for item in packages)))
            channels = _mapping(python["conda_dependencies"]).get("channels")
            yield Record(_TAG, "channels", words(channels) if isinstance(channels, list) else channels)
        if pip:
            yield Record(_TAG, "pip packages", self._pip(pip))

    def _pip(self, lines: Sequence[str]) -> list[Json]:
        has_options = any(line.startswith("-") for line in lines)
        return [self._pip_line(line) for line in (lines if has_options else sorted(lines))]

    def _pip_line(self, line: str) -> Json:
        path = local_file_of(line)
        if path is not None:
            # The content counts; where it lies does not, and neither host nor checkout enters the fingerprint.
            return {"file": path.name, "digest": self._digests.digest_file(path).digest}
        return secret(line) if mask_credentials(line) != line else " ".join(line.split())


def has_unknown_image(records: Iterable[Record]) -> bool:
    """Whether a fingerprint does not say which image the step's container is made of."""
    return any(
        record.tag == _TAG and record.name.startswith(IMAGE_ID) and isinstance(record.value, Mapping)
        for record in records
    )


def _image_id(name: str) -> str | None:
    if pull_policy() == "always" and "@sha256:" not in name and name not in PULLED:
        return None  # what the registry has counts: the machine that runs the step asks it
    try:
        found = docker_engine.DockerEngine().image(name)
    except AzureMLException:  # there is no engine here, or it does not answer
        return None
    return None if found is None else found.id


def _docker(section: Mapping[str, Json]) -> Iterable[Record]:
    image = section.get("base_image")
    dockerfile = section.get("base_dockerfile")
    if dockerfile:
        text = str(dockerfile).replace("\r\n", "\n")
        yield Record(_TAG, "dockerfile", secret(text) if is_secret_word(text) else text)
    elif image and image != DEFAULT_IMAGE:
        digest = str(image).rpartition("@sha256:")[2] if "@sha256:" in str(image) else ""
        yield Record(_TAG, "image", f"sha256:{digest}" if digest else _named_image(section))
    arguments = section.get("arguments")
    if isinstance(arguments, list) and arguments:
        yield Record(_TAG, "docker arguments", words(arguments))
    platform = section.get("platform")
    if platform and platform != _DEFAULT_PLATFORM:
        yield Record(_TAG, "platform", platform)


def _named_image(section: Mapping[str, Json]) -> str:
    registry = section.get("base_image_registry")
    return f"{registry}/{section['base_image']}" if registry else str(section["base_image"])


def words(given: Sequence[Json]) -> list[Json]:
    """Return the words of a command line, with digests in the place of secrets."""
    texts = [str(word) for word in given]
    return [
        secret(word) if is_secret_word(word, before) else word
        for before, word in zip(["", *texts], texts, strict=False)
    ]


def _is_python(item: str) -> bool:
    name = item.strip().rpartition("::")[2]
    return name.lower().startswith("python") and not name[6:7].isalnum() and name[6:7] not in ("-", "_")


def _mapping(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, Mapping) else {}


_DEFAULT = (Record(_TAG, "", "default"),)
