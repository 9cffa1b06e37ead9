"""
Settings of Databricks jobs (`azureml.core.databricks`).

They are kept in environments and in files; a step whose environment has some is refused, because Databricks is
reached by Airflow's own operators.
"""

from __future__ import annotations

from airflow_ml.data._config_element import ConfigElement
from airflow_ml.exceptions import UserErrorException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import ClassVar

    from airflow_ml.data._config_element import Held

__all__ = [
    "DatabricksCluster",
    "DatabricksSection",
    "EggLibrary",
    "JarLibrary",
    "MavenLibrary",
    "PyPiLibrary",
    "RCranLibrary",
]


class MavenLibrary(ConfigElement):
    """A library of Maven."""

    def __init__(
        self, coordinates: str | None = None, repo: str | None = None, exclusions: Sequence[str] | None = None
    ) -> None:
        self.coordinates = coordinates or ""
        self.repo = repo or ""
        self.exclusions = list(exclusions or [])
        super().__init__()


class PyPiLibrary(ConfigElement):
    """A package of PyPI."""

    def __init__(self, package: str | None = None, repo: str | None = None) -> None:
        self.package = package or ""
        self.repo = repo or ""
        super().__init__()


class RCranLibrary(ConfigElement):
    """A package of CRAN."""

    def __init__(self, package: str | None = None, repo: str | None = None) -> None:
        self.package = package or ""
        self.repo = repo or ""
        super().__init__()


class JarLibrary(ConfigElement):
    """A jar file on the cluster."""

    def __init__(self, library: str | None = None) -> None:
        self.library = library or ""
        super().__init__()


class EggLibrary(ConfigElement):
    """An egg file on the cluster."""

    def __init__(self, library: str | None = None) -> None:
        self.library = library or ""
        super().__init__()


class DatabricksCluster(ConfigElement):
    """A cluster: one that exists, or how a new one shall be."""

    def __init__(
        self,
        existing_cluster_id: str | None = None,
        spark_version: str | None = None,
        node_type: str | None = None,
        instance_pool_id: str | None = None,
        num_workers: int | None = None,
        min_workers: int | None = None,
        max_workers: int | None = None,
        spark_env_variables: Mapping[str, str] | None = None,
        spark_conf: Mapping[str, str] | None = None,
        init_scripts: Sequence[str] | None = None,
        cluster_log_dbfs_path: str | None = None,
        permit_cluster_restart: bool | None = None,
    ) -> None:
        self.existing_cluster_id = existing_cluster_id
        self.spark_version = spark_version
        self.node_type = node_type
        self.instance_pool_id = instance_pool_id
        self.num_workers = num_workers
        self.min_workers = min_workers
        self.max_workers = max_workers
        self.spark_env_variables = spark_env_variables
        self.spark_conf = spark_conf
        self.init_scripts = init_scripts
        self.cluster_log_dbfs_path = cluster_log_dbfs_path
        self.permit_cluster_restart = permit_cluster_restart
        super().__init__()


class DatabricksSection(ConfigElement):
    """Libraries and cluster of a Databricks job; must stay empty where steps run."""

    _holds: ClassVar[Held] = {
        "maven_libraries": MavenLibrary,
        "pypi_libraries": PyPiLibrary,
        "rcran_libraries": RCranLibrary,
        "jar_libraries": JarLibrary,
        "egg_libraries": EggLibrary,
    }
    #: v1 does not write the cluster either.
    _not_in_files: ClassVar[frozenset[str]] = frozenset({"_is_sealed", "_cluster"})

    def __init__(self, _skip_defaults: bool = False) -> None:
        del _skip_defaults
        self.maven_libraries: list[MavenLibrary] = []
        self.pypi_libraries: list[PyPiLibrary] = []
        self.rcran_libraries: list[RCranLibrary] = []
        self.jar_libraries: list[JarLibrary] = []
        self.egg_libraries: list[EggLibrary] = []
        self._cluster: DatabricksCluster | None = None
        super().__init__()

    @property
    def cluster(self) -> DatabricksCluster | None:
        """
        The cluster; None until one is set.

        Raises:
            UserErrorException: neither an existing cluster nor settings of a new one, or both (v1's rule).
        """
        return self._cluster

    @cluster.setter
    def cluster(self, cluster: DatabricksCluster | None) -> None:
        if cluster is not None:
            settings = [value for name, value in cluster._values().items() if name != "existing_cluster_id"]
            if bool(cluster.existing_cluster_id) == any(value is not None for value in settings):
                raise UserErrorException(
                    f"DatabricksSection: cluster has existing_cluster_id {cluster.existing_cluster_id!r} and "
                    f"{'settings' if any(settings) else 'no settings'} of a new one; give one of the two"
                )
        self._cluster = cluster

    @property
    def is_empty(self) -> bool:
        """Whether nothing was set."""
        return not any(self._values().values()) and self._cluster is None
