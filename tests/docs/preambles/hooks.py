"""What a plugin imports, and a kind of store."""

from importlib.metadata import version

from airflow_ml.hookspecs import ReuseAnswer, hookimpl
