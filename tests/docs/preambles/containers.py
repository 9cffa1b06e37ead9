"""A run configuration."""

from airflow_ml.core.compute import AmlCompute
from airflow_ml.core.runconfig import DockerConfiguration, RunConfiguration

configuration = RunConfiguration()
