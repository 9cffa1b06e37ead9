"""The parts of an environment beside its image: Python, Spark, R (see `azureml.core.environment`)."""

from __future__ import annotations

from airflow_ml.core.conda_dependencies import CondaDependencies
from airflow_ml.data._config_element import ConfigElement

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import ClassVar

    from airflow_ml.data._config_element import Held
    from airflow_ml.graph.model import Json

__all__ = [
    "PythonSection",
    "RCranPackage",
    "RGitHubPackage",
    "RSection",
    "SparkPackage",
    "SparkSection",
]


class PythonSection(ConfigElement):
    """
    The interpreter and its packages.

    Attributes:
        interpreter_path: which Python, if `user_managed_dependencies` is set.
        user_managed_dependencies: take that interpreter as it is, install nothing.
        conda_dependencies: what to install otherwise; None for nothing.
        base_conda_environment: an existing conda environment of the worker, if nothing is to be installed.
    """

    _holds: ClassVar[Held] = {"conda_dependencies": CondaDependencies}

    def __init__(self, **kwargs: object) -> None:
        self._refuse_arguments(kwargs)
        self.interpreter_path = "python"
        self.user_managed_dependencies = False
        self.conda_dependencies: CondaDependencies | None = CondaDependencies()
        self.base_conda_environment: str | None = None
        self._conda_dependencies_file: str | None = None
        super().__init__()

    @property
    def conda_dependencies_file(self) -> str | None:
        """A conda YAML file; setting it reads the file into `conda_dependencies`."""
        return self._conda_dependencies_file

    @conda_dependencies_file.setter
    def conda_dependencies_file(self, path: str | None) -> None:
        if path is not None:
            self.conda_dependencies = CondaDependencies(path)
        self._conda_dependencies_file = path

    def to_definition(self) -> dict[str, Json]:
        """Return the section as data."""
        packages = self.conda_dependencies
        definition: dict[str, Json] = {
            "interpreter_path": self.interpreter_path,
            "user_managed_dependencies": self.user_managed_dependencies,
            "conda_dependencies": None if packages is None else packages.as_dict(),
        }
        if self.base_conda_environment is not None:
            definition["base_conda_environment"] = self.base_conda_environment
        return definition


class SparkPackage(ConfigElement):
    """A package of Spark."""

    def __init__(self, group: str | None = None, artifact: str | None = None, version: str | None = None) -> None:
        self.group = group
        self.artifact = artifact
        self.version = version
        super().__init__()


class SparkSection(ConfigElement):
    """Settings of Spark, which does not run here: packages and repositories must stay empty."""

    _holds: ClassVar[Held] = {"packages": SparkPackage}

    def __init__(self, **kwargs: object) -> None:
        self._refuse_arguments(kwargs)
        self.repositories: list[str] = []
        self.packages: list[SparkPackage] = []
        self.precache_packages = True
        super().__init__()


class RCranPackage(ConfigElement):
    """A package of CRAN."""

    def __init__(self) -> None:
        self.name: str | None = None
        self.version: str | None = None
        self.repository: str | None = None
        super().__init__()


class RGitHubPackage(ConfigElement):
    """A package of R on GitHub."""

    def __init__(self) -> None:
        self.repository: str | None = None
        self.auth_token: str | None = None
        super().__init__()


class RSection(ConfigElement):
    """Packages of R, which are not installed: use an image that has them."""

    _holds: ClassVar[Held] = {
        "cran_packages": RCranPackage,
        "github_packages": RGitHubPackage,
    }

    def __init__(self) -> None:
        self.r_version: str | None = None
        self.user_managed = False
        self.rscript_path: str | None = None
        self.snapshot_date: str | None = None
        self.cran_packages: list[RCranPackage] | None = None
        self.github_packages: list[RGitHubPackage] | None = None
        self.custom_url_packages: list[str] | None = None
        self.bioconductor_packages: list[str] | None = None
        super().__init__()
