"""
Whole images: of a Dockerfile, or of an image with its packages in it, built once per engine and pinned by their id.

Where a registry is named, the image is looked for there first, and pushed there once it is built: then one machine
builds it for all of them.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_ml.compute.built_folders import BuiltFolder, Hold, Waiting
from airflow_ml.compute.engine_images import EngineImages, context_of
from airflow_ml.compute.virtual_environment import BUILDER_VERSION, digest_of
from airflow_ml.exceptions import AzureMLException, ServiceException

if TYPE_CHECKING:
    import io

    from airflow_ml.compute.docker_engine import Image
    from airflow_ml.graph.model import Json

__all__ = ["WholeImage", "image_registry"]

_REGISTRY_VARIABLE = "AIRFLOW_ML_IMAGE_REGISTRY"
_REPOSITORY = "airflow-ml/environment"
#: Where the packages lie in an image that holds them.
_PACKAGES = "/opt/airflow-ml/packages"


def image_registry() -> str | None:
    """Return the registry that built images are shared by, such as `registry.example.org/team`; None without one."""
    return (os.environ.get(_REGISTRY_VARIABLE) or "").rstrip("/") or None


@dataclass
class WholeImage:
    """
    Builds images for one environment.

    Args:
        root: the folder of environments; a small folder there stands for each image.
        registry: where images are shared.
    """

    root: Path
    images: EngineImages
    waiting: Waiting
    where: str
    registry: str | None

    def of_dockerfile(self, dockerfile: str, bases: Mapping[str, str]) -> tuple[Image, str, Hold]:
        """
        Return the image of a Dockerfile, its tag and a hold on it.

        Args:
            bases: ids of the images that it begins with; another image behind one of these names is another image.

        Raises:
            RunEnvironmentException: the build failed.
            ServiceException: the engine does not answer.
        """
        text = dockerfile.replace("\r\n", "\n")
        digest = digest_of({"builder": BUILDER_VERSION, "dockerfile": text, "bases": dict(bases)})
        return self._hold(digest, lambda: context_of(text), {"dockerfile": hashlib.sha256(text.encode()).hexdigest()})

    def of_packages(self, base: Image, folder: Path, packages: str) -> tuple[Image, str, Hold]:
        """Return the image of an image and a package folder; errors as `of_dockerfile`."""
        before = base.environment.get("PYTHONPATH")
        path = base.environment.get("PATH") or os.defpath
        text = "\n".join(
            [
                f"FROM {base.id}",
                f"COPY packages {_PACKAGES}",
                f'ENV PYTHONPATH="{_PACKAGES}{f":{before}" if before else ""}" PATH="{_PACKAGES}/bin:{path}"',
            ]
        )
        digest = digest_of({"builder": BUILDER_VERSION, "base": base.id, "packages": packages})
        return self._hold(digest, lambda: context_of(text, {"packages": folder}), {"base": base.id})

    def _hold(
        self, digest: str, context: Callable[[], io.BytesIO], facts: Mapping[str, Json]
    ) -> tuple[Image, str, Hold]:
        tag = f"{f'{self.registry}/' if self.registry else ''}{_REPOSITORY}:{digest}"

        def make(folder: Path, _lock: int) -> Mapping[str, Json]:
            image_id = self._pulled(tag)
            if image_id is None:
                self.waiting.log(f"{self.where}: builds its image {tag}")
                image_id = self.images.build(context(), tag, digest)
                if self.registry:
                    self._push(tag)
            folder.mkdir()
            return {"kind": "image", "image": image_id, "tag": tag, **facts}

        # A tag that was removed or moved by hand is no image of ours any more: it is built anew.
        built = BuiltFolder(self.root, digest, where=self.where, is_sound=lambda _folder: self._is_there(tag, digest))
        hold, _ = built.hold(make, self.waiting)
        found = self.images.find(tag)
        if found is None:
            hold.close()
            raise ServiceException(f"{self.where}: image {tag!r} was removed from the engine meanwhile; try again")
        return found, tag, hold

    def _is_there(self, tag: str, digest: str) -> bool:
        found = self.images.find(tag)
        return found is not None and self.images.build_label(tag) == digest

    def _pulled(self, tag: str) -> str | None:
        if self.registry is None:
            return None
        try:
            return self.images.pull(tag).id
        except AzureMLException as error:  # nobody has built it yet, or the registry does not answer
            self.waiting.keep(f"not in the registry: {error}\n")
            return None

    def _push(self, tag: str) -> None:
        try:
            self.images.push(tag)
        except AzureMLException as error:  # it is there for this machine all the same
            self.waiting.log(f"{self.where}: image {tag} could not be shared: {error}")
