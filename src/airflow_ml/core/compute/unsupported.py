"""Kinds of compute targets that v1 knows and airflow-ml does not: importing them works, using them says why not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_ml.core.compute.compute import ComputeTarget
from airflow_ml.exceptions import NotSupportedError

if TYPE_CHECKING:
    from typing import NoReturn

__all__ = [
    "AdlaCompute",
    "AksCompute",
    "BatchCompute",
    "DataFactoryCompute",
    "DatabricksCompute",
    "HDInsightCompute",
    "KubernetesCompute",
    "RemoteCompute",
    "SynapseCompute",
]


class _Unsupported(ComputeTarget):
    _instead = "use AmlCompute"

    @classmethod
    def attach_configuration(cls, *args: object, **kwargs: object) -> NoReturn:
        """Not supported; the error names the way out."""
        raise cls._refusal("attach_configuration", args, kwargs)

    @classmethod
    def provisioning_configuration(cls, *args: object, **kwargs: object) -> NoReturn:
        """Not supported; the error names the way out."""
        raise cls._refusal("provisioning_configuration", args, kwargs)

    @classmethod
    def _refusal(cls, call: str, *_arguments: object) -> NotSupportedError:
        return NotSupportedError(f"{cls.__name__}.{call} is not supported; {cls._instead}")


class AdlaCompute(_Unsupported):
    """Data Lake Analytics, which Microsoft has ended."""


class AksCompute(_Unsupported):
    """A Kubernetes cluster for serving."""

    _instead = "serve a registered model with a tool of your choice"


class BatchCompute(_Unsupported):
    """Azure Batch."""


class DataFactoryCompute(_Unsupported):
    """Azure Data Factory, which v1 needs to copy data."""

    _instead = "copying data needs no compute target here; a later version brings DataTransferStep"


class DatabricksCompute(_Unsupported):
    """A Databricks workspace."""

    _instead = "use Airflow's own Databricks operators beside the pipeline"


class HDInsightCompute(_Unsupported):
    """A Spark cluster."""

    _instead = "use Airflow's own Spark operators beside the pipeline"


class KubernetesCompute(_Unsupported):
    """A Kubernetes cluster for training."""

    _instead = "use AmlCompute with Airflow's KubernetesExecutor"


class RemoteCompute(_Unsupported):
    """A machine that is reached by SSH."""

    _instead = "create an AmlCompute and start an Airflow worker on that machine, with the target's name as its queue"


class SynapseCompute(_Unsupported):
    """A Synapse Spark pool."""

    _instead = "use Airflow's own Spark operators beside the pipeline"
