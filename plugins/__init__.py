"""The Airflow plugin: pages of runs, and pools for compute targets. Only the API server imports more than a name."""
