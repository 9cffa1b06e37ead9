"""From graphs to Airflow: DAGs, task groups, params, and starting runs."""
