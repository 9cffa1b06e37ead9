"""A task of a compute target that nobody has made a pool for; it records a run."""

from airflow.sdk import DAG, BaseOperator

from airflow_ml.operators.links import RunLink


class Step(BaseOperator):
    template_fields = ("compute_pool",)
    operator_extra_links = (RunLink(),)
    workspace_name = "team"

    def __init__(self, *, compute_pool, **kwargs):
        super().__init__(pool=compute_pool["target"], **kwargs)
        self.compute_pool = compute_pool
        self.run_id = None

    def execute(self, context):
        """Record a run, which the link of the task leads to."""
        from airflow_ml.graph import WorkspaceRef
        from airflow_ml.registry import open_registry

        with open_registry(WorkspaceRef("team")) as registry:
            self.run_id = registry.runs.create("exp", "train", kind="step", dag_id=self.dag_id).id


with DAG("pooled", schedule=None):
    Step(task_id="train", compute_pool={"target": "gpu-cluster", "slots": 4, "workspace": {"name": "team"}})
