"""The hooks of airflow-ml: what other packages can add to it, or decide in its place."""
