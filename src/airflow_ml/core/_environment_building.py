"""The part of v1's environments that is about building images by hand."""

from __future__ import annotations

from airflow_ml.exceptions import NotSupportedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from airflow_ml.core.workspace import Workspace

__all__ = ["BuiltByItself"]


class BuiltByItself:
    """What v1 does before the first run and a worker here does with it; each call says so."""

    name: str

    @staticmethod
    def add_private_pip_wheel(workspace: Workspace, file_path: str, exist_ok: bool = False) -> NoReturn:
        """Not supported: put the wheel into the source directory or on a package index."""
        raise NotSupportedError(
            f"add_private_pip_wheel({file_path!r}, exist_ok={exist_ok!r}) in workspace {workspace.name!r} is not "
            "supported; use a package index of your own (CondaDependencies.set_pip_index_url)"
        )

    def build(self, workspace: Workspace, image_build_compute: str | None = None) -> NoReturn:
        """Not supported yet: environments are built at their first use."""
        raise self._built_by_itself("build", workspace, image_build_compute)

    def build_local(self, workspace: Workspace, platform: object = None, **kwargs: object) -> NoReturn:
        """Not supported yet: environments are built at their first use."""
        raise self._built_by_itself("build_local", workspace, platform, kwargs)

    def get_image_details(self, workspace: Workspace) -> NoReturn:
        """Not supported yet: environments are built at their first use."""
        raise self._built_by_itself("get_image_details", workspace)

    def _built_by_itself(self, call: str, *_arguments: object) -> NotSupportedError:
        return NotSupportedError(
            f"environment {self.name!r}: {call} is not supported; the environment is built at its first use, run a "
            "step with it"
        )
