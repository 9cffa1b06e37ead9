"""Images of the machine's Docker engine: pulling, building, pushing."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_ml.compute.docker_engine import LABEL_PREFIX, DockerEngine, describe_full_disk, tells_full_disk
from airflow_ml.compute.image_names import PULLED
from airflow_ml.compute.masking import mask_credentials
from airflow_ml.exceptions import AzureMLException, RunEnvironmentException, ServiceException

if TYPE_CHECKING:
    from airflow_ml.compute.built_folders import Waiting
    from airflow_ml.compute.docker_engine import Image
    from airflow_ml.compute.eviction import Built

__all__ = ["BUILD_LABEL", "EngineImages", "context_of", "remove_built_image"]

#: On images: the digest of what was built.
BUILD_LABEL = f"{LABEL_PREFIX}build"
#: Build arguments that Docker knows by itself: they are in no history and change no cache key.
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")
_LAST_LINES = 15


class EngineImages:
    """
    Images of one engine.

    Args:
        where: names the environment in errors.
    """

    def __init__(self, engine: DockerEngine, waiting: Waiting, *, where: str) -> None:
        self._engine = engine
        self._waiting = waiting
        self._where = where

    def find(self, name: str) -> Image | None:
        """Return an image that the engine has; nothing is pulled."""
        return self._engine.image(name)

    def build_label(self, name: str) -> str | None:
        """Return which build an image says that it comes from."""
        with self._engine.answering(f"look at image {name!r}"):
            labels = (self._engine.client.inspect_image(name).get("Config") or {}).get("Labels") or {}
        return labels.get(BUILD_LABEL)

    def pull(self, name: str, auth: Mapping[str, str] | None = None) -> Image:
        """
        Pull an image from its registry.

        Args:
            auth: user name and password; without them those of `docker login` count.

        Raises:
            RunEnvironmentException: the registry does not have it, or does not show it to this user.
            ServiceException: engine or registry do not answer.
        """
        self._waiting.log(f"{self._where}: pulls image {name}")
        repository, tag = _split(name)
        with self._engine.answering(f"pull image {name!r}"):
            lines = self._engine.client.pull(
                repository, tag=tag, stream=True, decode=True, auth_config=None if auth is None else dict(auth)
            )
            self._follow(lines, f"pulling image {name!r}")
        found = self._engine.image(name)
        if found is None:
            raise ServiceException(f"{self._where}: image {name!r} was pulled and is not there; try again")
        PULLED.add(name)
        return found

    def build(self, context: io.BytesIO, tag: str, digest: str, *, pull: bool = False) -> str:
        """
        Build an image and return its id.

        Args:
            context: a tar archive with a Dockerfile.
            digest: becomes its label.

        Raises:
            RunEnvironmentException: the build failed; the text ends with its last lines.
            ServiceException: the engine does not answer.
        """
        proxies = {name: os.environ[name] for name in _PROXIES if os.environ.get(name)}
        with self._engine.answering(f"build image {tag!r}"):
            lines = self._engine.client.build(
                fileobj=context,
                custom_context=True,
                tag=tag,
                labels={BUILD_LABEL: digest},
                buildargs=proxies,
                rm=True,
                forcerm=True,
                pull=pull,
                decode=True,
            )
            self._follow(lines, "building its image")
        found = self._engine.image(tag)
        if found is None:
            raise ServiceException(f"{self._where}: image {tag!r} was built and is not there; try again")
        return found.id

    def push(self, name: str, auth: Mapping[str, str] | None = None) -> None:
        """Push an image to the registry in its name; errors as `pull`."""
        self._waiting.log(f"{self._where}: pushes image {name}")
        repository, tag = _split(name)
        with self._engine.answering(f"push image {name!r}"):
            lines = self._engine.client.push(
                repository, tag=tag, stream=True, decode=True, auth_config=None if auth is None else dict(auth)
            )
            self._follow(lines, f"pushing image {name!r}")

    def _follow(self, lines: Iterable[Mapping[str, Any]], what: str) -> None:
        """Keep what the engine says, and raise if it says that something failed."""
        said: list[str] = []
        for line in lines:
            self._waiting.check()
            if line.get("error"):
                last = "\n".join("".join(said).splitlines()[-_LAST_LINES:])
                raise self._failed(what, str(line["error"]).strip(), last)
            text = line.get("stream") or ("" if line.get("progress") else f"{line.get('status', '')}\n")
            if text.strip():
                said.append(mask_credentials(text))
                self._waiting.keep(said[-1])

    def _failed(self, what: str, error: str, last: str) -> AzureMLException:
        if tells_full_disk(f"{error}\n{last}"):
            return ServiceException(
                mask_credentials(f"{self._where}: {what} failed: {describe_full_disk()}: {error}\n{last}").strip()
            )
        return RunEnvironmentException(mask_credentials(f"{self._where}: {what} failed: {error}\n{last}").strip())


def context_of(dockerfile: str, folders: Mapping[str, Path] | None = None) -> io.BytesIO:
    """Return a build context as a tar archive: a Dockerfile, and folders by their names in it."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        data = dockerfile.encode()
        entry = tarfile.TarInfo("Dockerfile")
        entry.size = len(data)
        tar.addfile(entry, io.BytesIO(data))
        for name, folder in (folders or {}).items():
            tar.add(folder, name, filter=_anonymous)
    archive.seek(0)
    return archive


def remove_built_image(item: Built) -> bool:
    """Remove an image that was built here from the engine, and say whether it is gone."""
    engine = DockerEngine()
    tag = str(item.facts.get("tag") or "")
    try:
        if engine.image(tag) is not None:
            with engine.answering(f"remove image {tag!r}"):
                engine.client.remove_image(tag, noprune=False)
    except AzureMLException:  # a container uses it, or the engine does not answer
        return False
    return True


def _anonymous(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry


def _split(name: str) -> tuple[str, str | None]:
    """Return repository and tag of an image's name; a name with a digest is one thing to the engine."""
    if "@" in name:
        return name, None
    repository, colon, tag = name.rpartition(":")
    if not colon or "/" in tag:
        return name, "latest"
    return repository, tag
