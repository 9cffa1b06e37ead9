"""
What `airflow_ml.registry.statements` is in SQLite's words; `make statements` writes this file.

By name: the text, and the columns of its rows with what is made of their values.
"""

from __future__ import annotations

# fmt: off
# ruff: noqa: E501
COMPILED: dict[str, tuple[str, tuple[tuple[str, str], ...]]] = {
    'schema_version': (
        'SELECT version_num FROM aml_version',
        (('version_num', ''),),
    ),
    'workspace': (
        'SELECT aml_workspaces."key", aml_workspaces.id, aml_workspaces.name, aml_workspaces.subscription_id, aml_workspaces.resource_group, aml_workspaces.default_datastore, aml_workspaces.created_at, aml_workspaces.details FROM aml_workspaces WHERE aml_workspaces."key" = :workspace',
        (('key', ''), ('id', ''), ('name', ''), ('subscription_id', ''), ('resource_group', ''), ('default_datastore', ''), ('created_at', 'time'), ('details', 'json')),
    ),
    'workspace_named': (
        'SELECT aml_workspaces."key", aml_workspaces.id, aml_workspaces.name, aml_workspaces.subscription_id, aml_workspaces.resource_group, aml_workspaces.default_datastore, aml_workspaces.created_at, aml_workspaces.details FROM aml_workspaces WHERE aml_workspaces.name = :name',
        (('key', ''), ('id', ''), ('name', ''), ('subscription_id', ''), ('resource_group', ''), ('default_datastore', ''), ('created_at', 'time'), ('details', 'json')),
    ),
    'datastore': (
        'SELECT aml_datastores.workspace_id, aml_datastores.name, aml_datastores.type, aml_datastores.settings, aml_datastores.secret, aml_datastores.created_at FROM aml_datastores WHERE aml_datastores.workspace_id = :workspace AND aml_datastores.name = :name',
        (('workspace_id', ''), ('name', ''), ('type', ''), ('settings', 'json'), ('secret', ''), ('created_at', 'time')),
    ),
    'compute_target': (
        'SELECT aml_compute_targets.workspace_id, aml_compute_targets.name, aml_compute_targets.type, aml_compute_targets.settings, aml_compute_targets.created_at, aml_compute_targets.modified_at FROM aml_compute_targets WHERE aml_compute_targets.workspace_id = :workspace AND aml_compute_targets.name = :name',
        (('workspace_id', ''), ('name', ''), ('type', ''), ('settings', 'json'), ('created_at', 'time'), ('modified_at', 'time')),
    ),
    'takeable_results': (
        'SELECT aml_runs.id, aml_results."key", aml_results.workspace_id, aml_results.run_key, aml_results.fingerprint, aml_results.step_name, aml_results.pipeline_name, aml_results.records, aml_results.discovered, aml_results.recorded_at, aml_results.invalidated_at, aml_results.invalidation FROM aml_results JOIN aml_runs ON aml_runs."key" = aml_results.run_key WHERE aml_results.workspace_id = :workspace AND aml_results.fingerprint = :fingerprint AND aml_results.invalidated_at IS NULL AND NOT (EXISTS (SELECT * FROM aml_outputs WHERE aml_outputs.run_key = aml_results.run_key AND aml_outputs.collected_at IS NOT NULL)) ORDER BY aml_results."key" DESC LIMIT :most OFFSET 0',
        (('id', ''), ('key', ''), ('workspace_id', ''), ('run_key', ''), ('fingerprint', ''), ('step_name', ''), ('pipeline_name', ''), ('records', 'json'), ('discovered', 'json'), ('recorded_at', 'time'), ('invalidated_at', 'time'), ('invalidation', '')),
    ),
    'results_of_runs': (
        'SELECT aml_runs.id, aml_results."key", aml_results.workspace_id, aml_results.run_key, aml_results.fingerprint, aml_results.step_name, aml_results.pipeline_name, aml_results.records, aml_results.discovered, aml_results.recorded_at, aml_results.invalidated_at, aml_results.invalidation FROM aml_results JOIN aml_runs ON aml_runs."key" = aml_results.run_key WHERE aml_runs.id IN (__[POSTCOMPILE_runs]) AND aml_runs.workspace_id + 0 = :workspace',
        (('id', ''), ('key', ''), ('workspace_id', ''), ('run_key', ''), ('fingerprint', ''), ('step_name', ''), ('pipeline_name', ''), ('records', 'json'), ('discovered', 'json'), ('recorded_at', 'time'), ('invalidated_at', 'time'), ('invalidation', '')),
    ),
    'outputs_of_runs': (
        'SELECT aml_runs.id, aml_outputs.run_key, aml_outputs.name, aml_outputs.kind, aml_outputs.datastore, aml_outputs.path, aml_outputs.is_file, aml_outputs.digest, aml_outputs.manifest_path, aml_outputs.files, aml_outputs.size, aml_outputs.committed_at, aml_outputs.pipeline_output_name, aml_outputs.dataset_name, aml_outputs.dataset_version, aml_outputs.identity, aml_outputs.collected_at FROM aml_outputs JOIN aml_runs ON aml_runs."key" = aml_outputs.run_key WHERE aml_runs.id IN (__[POSTCOMPILE_runs]) AND aml_runs.workspace_id + 0 = :workspace ORDER BY aml_outputs.name',
        (('id', ''), ('run_key', ''), ('name', ''), ('kind', ''), ('datastore', ''), ('path', ''), ('is_file', 'bool'), ('digest', ''), ('manifest_path', ''), ('files', ''), ('size', ''), ('committed_at', 'time'), ('pipeline_output_name', ''), ('dataset_name', ''), ('dataset_version', ''), ('identity', ''), ('collected_at', 'time')),
    ),
    'runs': (
        'SELECT aml_runs."key", aml_runs.id, aml_runs.workspace_id, aml_runs.experiment_key, aml_runs.kind, aml_runs.name, aml_runs.number, aml_runs.parent_id, aml_runs.root_id, aml_runs.status, aml_runs.created_at, aml_runs.started_at, aml_runs.ended_at, aml_runs.display_name, aml_runs.description, aml_runs.node_id, aml_runs.attempt, aml_runs.dag_id, aml_runs.dag_run_id, aml_runs.group_id, aml_runs.task_id, aml_runs.target, aml_runs.snapshot_id, aml_runs.error, aml_runs.details, aml_runs.graph_key FROM aml_runs WHERE aml_runs.id IN (__[POSTCOMPILE_runs]) AND aml_runs.workspace_id + 0 = :workspace',
        (('key', ''), ('id', ''), ('workspace_id', ''), ('experiment_key', ''), ('kind', ''), ('name', ''), ('number', ''), ('parent_id', ''), ('root_id', ''), ('status', ''), ('created_at', 'time'), ('started_at', 'time'), ('ended_at', 'time'), ('display_name', ''), ('description', ''), ('node_id', ''), ('attempt', ''), ('dag_id', ''), ('dag_run_id', ''), ('group_id', ''), ('task_id', ''), ('target', ''), ('snapshot_id', ''), ('error', 'json'), ('details', 'json'), ('graph_key', '')),
    ),
    'experiments': (
        'SELECT aml_experiments."key", aml_experiments.id, aml_experiments.name FROM aml_experiments WHERE aml_experiments."key" IN (__[POSTCOMPILE_keys])',
        (('key', ''), ('id', ''), ('name', '')),
    ),
    'run_labels': (
        'SELECT aml_run_labels.run_key, aml_run_labels.kind, aml_run_labels.name, aml_run_labels.value FROM aml_run_labels WHERE aml_run_labels.run_key IN (__[POSTCOMPILE_keys]) ORDER BY aml_run_labels.name',
        (('run_key', ''), ('kind', ''), ('name', ''), ('value', '')),
    ),
    'dag_version': (
        'SELECT aml_dag_versions.workspace_id, aml_dag_versions.number, aml_dag_versions.dag_id, aml_dag_versions.graph_key, aml_dag_versions.arguments, aml_dag_versions.created_at, aml_graphs.body FROM aml_dag_versions LEFT OUTER JOIN aml_graphs ON aml_graphs."key" = aml_dag_versions.graph_key WHERE aml_dag_versions.workspace_id = :workspace AND aml_dag_versions.dag_id = :dag_id AND aml_dag_versions.number <= :number ORDER BY aml_dag_versions.number DESC LIMIT 1 OFFSET 0',
        (('workspace_id', ''), ('number', ''), ('dag_id', ''), ('graph_key', ''), ('arguments', 'json'), ('created_at', 'time'), ('body', '')),
    ),
    'last_dag_version': (
        'SELECT max(aml_dag_versions.number) AS number FROM aml_dag_versions WHERE aml_dag_versions.workspace_id = :workspace',
        (('number', ''),),
    ),
    'changed_dags': (
        'SELECT aml_dag_versions.dag_id, aml_dag_versions.number, aml_dag_versions.graph_key, aml_dag_versions.created_at FROM aml_dag_versions WHERE aml_dag_versions.workspace_id = :workspace AND aml_dag_versions.number > :after AND aml_dag_versions.number <= :number ORDER BY aml_dag_versions.number',
        (('dag_id', ''), ('number', ''), ('graph_key', ''), ('created_at', 'time')),
    ),
}
