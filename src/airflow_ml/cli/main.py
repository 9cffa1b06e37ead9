"""The airflow-ml command."""
