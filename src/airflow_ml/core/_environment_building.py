"""The part of v1's environments that is about building by hand, and about the image that comes of it."""

from __future__ import annotations

from airflow_ml._late import late
from airflow_ml.exceptions import NotSupportedError, UserErrorException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from airflow_ml.core import _image_builds
    from airflow_ml.core._image_builds import DockerImageDetails, ImageBuildDetails
    from airflow_ml.core.workspace import Workspace
    from airflow_ml.graph.model import Json
else:
    _image_builds = late("airflow_ml.core._image_builds")

__all__ = ["BuiltByHand"]


class BuiltByHand:
    """
    What v1 does before the first run, done on the machine that calls it.

    Nothing of this is needed: an environment is built at its first use on the machine that runs the step.
    """

    name: str

    @staticmethod
    def add_private_pip_wheel(workspace: Workspace, file_path: str, exist_ok: bool = False) -> NoReturn:
        """Not supported: put the wheel into the source directory or on a package index."""
        raise NotSupportedError(
            f"add_private_pip_wheel({file_path!r}, exist_ok={exist_ok!r}) in workspace {workspace.name!r} is not "
            "supported; use a package index of your own (CondaDependencies.set_pip_index_url)"
        )

    def build(self, workspace: Workspace, image_build_compute: str | None = None) -> ImageBuildDetails:
        """
        Build the environment on this machine and return how that went.

        It is built as a container's image if the definition names an image of its own or a Dockerfile, else as a
        virtual environment.

        Args:
            image_build_compute: has no effect; steps build where they run.

        Raises:
            RunEnvironmentException: it cannot be built.
        """
        return _image_builds.build(self._definition(), in_container=None)

    def build_local(self, workspace: Workspace, platform: object = None, **kwargs: object) -> ImageBuildDetails:
        """
        Build the environment on this machine and return how that went.

        Args:
            platform: has no effect: it is built for this machine.
            kwargs: `useDocker`: as a container's image, or not; `pushImageToWorkspaceAcr` is not supported: name a
                registry in AIRFLOW_ML_IMAGE_REGISTRY.

        Raises:
            UserErrorException: another argument.
            RunEnvironmentException: it cannot be built.
        """
        use_docker = kwargs.pop("useDocker", False)
        if kwargs.pop("pushImageToWorkspaceAcr", False):
            raise NotSupportedError(
                f"environment {self.name!r}: pushImageToWorkspaceAcr is not supported; name a registry in "
                "AIRFLOW_ML_IMAGE_REGISTRY, and built images are pushed there"
            )
        if kwargs:
            raise UserErrorException(
                f"environment {self.name!r}: build_local has no arguments {', '.join(sorted(kwargs))}; remove them"
            )
        return _image_builds.build(self._definition(), in_container=bool(use_docker))

    def get_image_details(self, workspace: Workspace) -> DockerImageDetails:
        """
        Return what this machine's engine knows of the environment's image; nothing is built or pulled.

        Raises:
            ServiceException: the engine does not answer.
        """
        return _image_builds.image_details(self._definition())

    def _definition(self) -> dict[str, Json]:
        definition: dict[str, Json] = self.to_definition()  # type: ignore[attr-defined]  # of the class that this is a part of
        return definition
