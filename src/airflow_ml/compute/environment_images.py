"""
From an environment definition to what a container is started with: an image by its id, and a folder of packages.

Three ways, the first that will do: the definition's image as it is; that image with a read-only package folder, which
takes a second and no image; a whole image, built once and pinned by its id, where there is a Dockerfile or where a
registry is named, from which other machines take it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, cast

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from airflow_ml.compute.built_folders import Hold, Waiting, no_waiting
from airflow_ml.compute.engine_images import EngineImages
from airflow_ml.compute.eviction import Bounds, prune
from airflow_ml.compute.image_facts import ImagePython, image_python
from airflow_ml.compute.image_names import PULL_VARIABLE, image_names, pull_policy
from airflow_ml.compute.image_programs import ImagePrograms
from airflow_ml.compute.package_folders import PackageFolder
from airflow_ml.compute.requirements import read_requirements
from airflow_ml.compute.virtual_environment import BUILDER_VERSION, digest_of
from airflow_ml.compute.whole_images import WholeImage, image_registry
from airflow_ml.exceptions import NotSupportedError, RunEnvironmentException

if TYPE_CHECKING:
    from airflow_ml.compute.docker_engine import DockerEngine, Image
    from airflow_ml.compute.requirements import Requirements
    from airflow_ml.graph.model import Json

__all__ = ["BuiltImage", "build_image"]

_MISSING_VARIABLE = "AIRFLOW_ML_MISSING_PYTHON"
_OLDEST_MINOR = 8


@dataclass(frozen=True)
class BuiltImage:
    """
    What a container of an environment is started with.

    Attributes:
        id: of the image; a name can move to another image while the step is prepared.
        name: as the definition has it, or the tag of what was built.
        python: the interpreter in the image.
        packages: folder that the container shall see at the same path, read-only, and find packages in; or None.
        environment_variables: those of the definition.
        image_variables: those of the image.
        digest: names image, Python and packages together; equal digests mean equal environments.
        python_version: None where the image has no Python.
        holds: keep what was built from being removed while it is used.
    """

    id: str
    name: str
    python: Path
    packages: Path | None
    environment_variables: Mapping[str, str]
    image_variables: Mapping[str, str]
    digest: str
    python_version: str | None = None
    warnings: tuple[str, ...] = ()
    log: str = field(default="", repr=False)
    holds: tuple[Hold, ...] = field(default=(), repr=False, compare=False)

    @property
    def held(self) -> tuple[int, ...]:
        """Descriptors that the container's keeper holds too."""
        return tuple(hold.fileno() for hold in self.holds)

    @property
    def container_variables(self) -> dict[str, str]:
        """What the image sets, with the ways to the packages."""
        variables = dict(self.image_variables)
        if self.packages is not None:
            path = variables.get("PATH") or os.defpath
            variables["PATH"] = f"{self.packages / 'bin'}:{path}"
            variables["PYTHONPATH"] = ":".join(filter(None, (str(self.packages), variables.get("PYTHONPATH"))))
        return variables

    def close(self) -> None:
        """Let it go; twice is fine."""
        for hold in self.holds:
            hold.close()


def build_image(
    root: Path,
    definition: Mapping[str, Json],
    engine: DockerEngine,
    variables: Mapping[str, str],
    waiting: Waiting = no_waiting,
    auth: Mapping[str, str] | None = None,
) -> BuiltImage:
    """
    Return what containers of the definition are started with; what has to be built for it is built once.

    Args:
        variables: of the definition.
        auth: user name and password for the registry of its image.

    Raises:
        RunEnvironmentException: image or packages cannot be had.
        ServiceException: engine, registry or index failed; trying again can help.
    """
    where = f"environment {definition.get('name') or 'without a name'!r}"
    images = EngineImages(engine, waiting, where=where)
    programs = ImagePrograms(engine, root, waiting, where)
    return _Building(root, definition, images, programs, waiting, auth, where).run(variables)


@dataclass
class _Building:
    root: Path
    definition: Mapping[str, Json]
    images: EngineImages
    programs: ImagePrograms
    waiting: Waiting
    auth: Mapping[str, str] | None
    where: str
    holds: tuple[Hold, ...] = ()

    def run(self, variables: Mapping[str, str]) -> BuiltImage:
        image, name, log = self._image()
        section = _mapping(self.definition.get("python"))
        if section.get("base_conda_environment") and not section.get("conda_dependencies"):
            raise NotSupportedError(
                f"{self.where}: base_conda_environment {section['base_conda_environment']!r} is one of a machine; in a"
                " container set python.user_managed_dependencies, and python.interpreter_path to the interpreter's path"
                " in the image"
            )
        is_as_it_is = bool(section.get("user_managed_dependencies"))
        requirements = None if is_as_it_is else read_requirements(self.definition)
        wanted = str(section.get("interpreter_path") or "python") if is_as_it_is else "python"
        python = image_python(self.programs, image.id, wanted)
        if requirements is None or not requirements.packages:
            return self._built(image, name, python, wanted, None, variables, (), log)
        if python is None:
            raise RunEnvironmentException(
                f"{self.where}: image {name!r} has no Python to install {', '.join(requirements.packages)} for; take an"
                " image with Python, or install them in a Dockerfile"
            )
        warnings = (*requirements.warnings, *_check_version(requirements, python, name, self.where))
        folder = PackageFolder(self.root, requirements, image.id, python, self.programs, self.where)
        hold, text = folder.hold(self.waiting)
        self.holds += (hold,)
        if folder.has_built:
            prune(self.root, Bounds.default())
        registry = image_registry()
        if registry:
            whole = WholeImage(self.root, self.images, self.waiting, self.where, registry)
            image, name, hold = whole.of_packages(image, folder.path, folder.digest)
            self.holds += (hold,)
            return self._built(image, name, python, wanted, None, variables, warnings, log + text)
        return self._built(image, name, python, wanted, folder, variables, warnings, log + text)

    def _image(self) -> tuple[Image, str, str]:
        """Return the image that everything stands on, its name, and what was done for it."""
        dockerfile = _mapping(self.definition.get("docker")).get("base_dockerfile")
        bases = {name: self._present(name) for name in image_names(self.definition)}
        if dockerfile:
            whole = WholeImage(self.root, self.images, self.waiting, self.where, image_registry())
            image, tag, hold = whole.of_dockerfile(str(dockerfile), {name: found.id for name, found in bases.items()})
            self.holds += (hold,)
            return image, tag, f"{self.where}: image {image.id} of its Dockerfile\n"
        if not bases:
            raise RunEnvironmentException(
                f"{self.where}: has no image; set docker.base_image or docker.base_dockerfile to run in a container"
            )
        ((name, image),) = bases.items()
        return image, name, f"{self.where}: image {name}, {image.id}\n"

    def _present(self, name: str) -> Image:
        policy = pull_policy()
        found = self.images.find(name)
        is_pinned = "@sha256:" in name or name.startswith("sha256:")
        if found is not None and (policy != "always" or is_pinned):
            return found
        if policy == "never":
            raise RunEnvironmentException(
                f"{self.where}: image {name!r} is not on this machine's Docker engine, and {PULL_VARIABLE}=never;"
                f" bring it there (docker pull {name}) or build it"
            )
        return self.images.pull(name, self.auth)

    def _built(
        self,
        image: Image,
        name: str,
        python: ImagePython | None,
        wanted: str,
        folder: PackageFolder | None,
        variables: Mapping[str, str],
        warnings: tuple[str, ...],
        log: str,
    ) -> BuiltImage:
        return BuiltImage(
            id=image.id,
            name=name,
            python=Path(wanted if python is None else python.path),
            packages=None if folder is None else folder.path,
            environment_variables=variables,
            image_variables=image.environment,
            digest=digest_of(
                {
                    "builder": BUILDER_VERSION,
                    "image": image.id,
                    "interpreter": wanted,
                    "packages": None if folder is None else folder.digest,
                }
            ),
            python_version=None if python is None else python.version,
            warnings=warnings,
            log=log,
            holds=self.holds,
        )


def _check_version(requirements: Requirements, python: ImagePython, image: str, where: str) -> tuple[str, ...]:
    """Return a warning where another Python than the image's was asked for in vain, or raise."""
    wanted = requirements.python
    if wanted is None:
        return ()
    exact = wanted.removeprefix("==") if wanted.startswith("==3.") else None
    try:
        fits = (
            python.minor == ".".join(exact.split(".")[:2]) if exact else SpecifierSet(wanted).contains(python.version)
        )
    except InvalidSpecifier:
        fits = False
    if fits:
        return ()
    is_too_old = exact is not None and int(exact.split(".")[1]) < _OLDEST_MINOR
    if is_too_old or os.environ.get(_MISSING_VARIABLE) == "worker":
        return (f"{where}: asks for Python {exact or wanted}; that of image {image!r}, {python.version}, is used",)
    raise RunEnvironmentException(
        f"{where}: asks for Python {exact or wanted}, and image {image!r} has {python.version}; name that version or"
        f" none, take another image, or set {_MISSING_VARIABLE}=worker on the worker to take what the image has"
    )


def _mapping(value: object) -> Mapping[str, Json]:
    return cast("Mapping[str, Json]", value) if isinstance(value, Mapping) else {}
