"""The `airflow-ml` command line."""
