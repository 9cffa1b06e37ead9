"""The Airflow plugin: pages of runs, and pools for compute targets. Importing it imports neither FastAPI nor a database."""
