"""An environment."""

from airflow_ml.core import Environment

environment = Environment("team")
