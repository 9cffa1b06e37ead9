"""The parts of a run configuration (see `azureml.core.runconfig`)."""

from __future__ import annotations

from airflow_ml.data._config_element import ConfigElement
from airflow_ml.exceptions import RunConfigurationException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "AmlComputeConfiguration",
    "ApplicationEndpointConfiguration",
    "DockerConfiguration",
    "HdiConfiguration",
    "HistoryConfiguration",
    "KubernetesComputeConfiguration",
    "MpiConfiguration",
    "ParallelTaskConfiguration",
    "PyTorchConfiguration",
    "SparkConfiguration",
    "TensorflowConfiguration",
]


class DockerConfiguration(ConfigElement):
    """
    Whether and how a run is started in a container of the worker's Docker engine.

    A compute target whose launcher is docker starts its runs in containers anyway.

    Attributes:
        use_docker: starts the run in a container on a target whose steps are processes as well.
        arguments: options of `docker run`; those that would let a step out of its container are refused when the run
            is opened (`docs/containers.md`).
        shm_size: shared memory, such as `2g`.

    Raises:
        RunConfigurationException: arguments that are no list.
    """

    def __init__(
        self,
        use_docker: bool = False,
        shared_volumes: bool = True,
        arguments: Sequence[str] = [],
        shm_size: str | None = "2g",
    ) -> None:
        self.use_docker = use_docker
        self.shared_volumes = shared_volumes
        if not isinstance(arguments, (list, tuple)):
            raise RunConfigurationException(
                f"DockerConfiguration: arguments is {arguments!r}, expected a list; write [{arguments!r}]"
            )
        self.arguments = list(arguments)
        self.shm_size = shm_size
        super().__init__()


class MpiConfiguration(ConfigElement):
    """Processes started by MPI."""

    def __init__(self, process_count_per_node: int = 1, node_count: int = 1) -> None:
        self.process_count_per_node = process_count_per_node
        self.node_count = node_count
        super().__init__()


class PyTorchConfiguration(ConfigElement):
    """
    Processes of torch.distributed; without a process count one per node.

    Raises:
        RunConfigurationException: a backend that v1 does not know.
    """

    def __init__(
        self, communication_backend: str = "Nccl", process_count: int | None = None, node_count: int = 1
    ) -> None:
        if communication_backend.lower() not in ("nccl", "gloo"):
            raise RunConfigurationException(
                f"PyTorchConfiguration: communication_backend {communication_backend!r} is neither 'Nccl' nor 'Gloo'"
            )
        self.communication_backend = communication_backend.lower()
        self.process_count = process_count
        self.node_count = node_count
        super().__init__()


class TensorflowConfiguration(ConfigElement):
    """Workers and parameter servers of TensorFlow."""

    def __init__(self, worker_count: int = 1, parameter_server_count: int = 1) -> None:
        self.worker_count = worker_count
        self.parameter_server_count = parameter_server_count
        super().__init__()


class HistoryConfiguration(ConfigElement):
    """
    What a run records.

    Attributes:
        directories_to_watch: folders whose files are collected besides `outputs`.
    """

    def __init__(self) -> None:
        self.output_collection = True
        self.snapshot_project = True
        self.directories_to_watch = ["logs"]
        super().__init__()


class SparkConfiguration(ConfigElement):
    """Settings of Spark jobs, which do not run here."""

    def __init__(self) -> None:
        self.configuration: dict[str, object] = {
            "spark.app.name": "Azure ML Experiment",
            "spark.yarn.maxAppAttempts": 1,
        }
        super().__init__()


class HdiConfiguration(ConfigElement):
    """Settings of HDInsight jobs, which do not run here."""

    def __init__(self) -> None:
        self.yarn_deploy_mode = "cluster"
        super().__init__()


class ParallelTaskConfiguration(ConfigElement):
    """Settings of parallel tasks; pipelines use ParallelRunStep instead."""

    def __init__(self) -> None:
        self.max_retries_per_worker = 0
        self.worker_count_per_node = 1
        self.terminal_exit_codes: list[int] | None = None
        super().__init__()


class AmlComputeConfiguration(ConfigElement):
    """Hints for a cluster that v1 would make for one run; name a compute target instead."""

    def __init__(self) -> None:
        self.vm_size: str | None = None
        self.vm_priority: str | None = None
        self._retain_cluster = False
        self._name: str | None = None
        self._cluster_max_node_count: int | None = None
        super().__init__()


class KubernetesComputeConfiguration(ConfigElement):
    """Hints for a Kubernetes cluster; use Airflow's KubernetesExecutor instead."""

    def __init__(self) -> None:
        self.instance_type: str | None = None
        super().__init__()


class ApplicationEndpointConfiguration(ConfigElement):
    """A service inside the job; start services beside the pipeline instead."""

    def __init__(
        self, type: str | None = None, port: int | None = None, properties: Mapping[str, str] | None = None
    ) -> None:
        self.type = type
        self.port = port
        self.properties = properties
        super().__init__()
