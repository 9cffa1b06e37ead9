"""Every place from which v1 code imports a name has it, under the alias."""

from __future__ import annotations

import importlib

import pytest

from airflow_ml.compat.alias import enable

#: Module -> names that v1's notebooks import from there.
PLACES = {
    "azureml.core": "Workspace Datastore Dataset Experiment Environment Run RunConfiguration ScriptRunConfig Model"
    " ComputeTarget VERSION",
    "azureml.core.authentication": "InteractiveLoginAuthentication ServicePrincipalAuthentication"
    " AzureCliAuthentication MsiAuthentication",
    "azureml.core.compute": "AmlCompute ComputeTarget ComputeInstance DataFactoryCompute RemoteCompute",
    "azureml.core.compute.amlcompute": "AmlCompute AmlComputeStatus ScaleSettings",
    "azureml.core.compute.computeinstance": "ComputeInstanceStatus",
    "azureml.core.compute_target": "ComputeTargetException",
    "azureml.core.conda_dependencies": "CondaDependencies",
    "azureml.core.dataset": "Dataset",
    "azureml.core.datastore": "Datastore",
    "azureml.core.environment": "Environment CondaDependencies DockerSection PythonSection",
    "azureml.core.experiment": "Experiment",
    "azureml.core.model": "Model",
    "azureml.core.run": "Run _OfflineRun",
    "azureml.core.runconfig": "RunConfiguration CondaDependencies DEFAULT_CPU_IMAGE DEFAULT_GPU_IMAGE MpiConfiguration"
    " DockerConfiguration PyTorchConfiguration",
    "azureml.core.script_run": "ScriptRun",
    "azureml.core.script_run_config": "ScriptRunConfig get_run_config_from_script_run",
    "azureml.core.workspace": "Workspace WORKSPACE_DEFAULT_BLOB_STORE_NAME",
    "azureml.contrib.notebook": "NotebookRunConfig AzureMLNotebookHandler NotebookRunnerStep",
    "azureml.contrib.pipeline.steps": "ParallelRunConfig ParallelRunStep",
    "azureml.data": "FileDataset TabularDataset OutputFileDatasetConfig DataType",
    "azureml.data.azure_storage_datastore": "AzureBlobDatastore AzureFileDatastore",
    "azureml.data.data_reference": "DataReference",
    "azureml.data.datapath": "DataPath DataPathComputeBinding",
    "azureml.data.dataset_consumption_config": "DatasetConsumptionConfig",
    "azureml.data.dataset_error_handling": "DatasetExecutionError DatasetValidationError",
    "azureml.data.dataset_factory": "FileDatasetFactory TabularDatasetFactory",
    "azureml.data.output_dataset_config": "OutputFileDatasetConfig OutputTabularDatasetConfig",
    "azureml.data.sql_data_reference": "SqlDataReference",
    "azureml.data.stored_procedure_parameter": "StoredProcedureParameter",
    "azureml.exceptions": "ComputeTargetException UserErrorException ActivityFailedException",
    "azureml.opendatasets": "NycTlcGreen NycTlcYellow",
    "azureml.pipeline.core": "Pipeline PipelineData PipelineParameter PipelineRun PublishedPipeline Schedule TimeZone"
    " PipelineEndpoint PipelineDraft Module ModuleVersion ModuleVersionDescriptor TrainingOutput StepSequence StepRun",
    "azureml.pipeline.core.builder": "PipelineStep StepSequence",
    "azureml.pipeline.core.graph": "PipelineParameter InputPortDef OutputPortDef PublishedPipeline",
    "azureml.pipeline.core.module": "Module ModuleVersion ModuleVersionDescriptor",
    "azureml.pipeline.core.pipeline": "Pipeline",
    "azureml.pipeline.core.pipeline_draft": "PipelineDraft",
    "azureml.pipeline.core.pipeline_endpoint": "PipelineEndpoint",
    "azureml.pipeline.core.pipeline_output_dataset": "PipelineOutputFileDataset PipelineOutputTabularDataset",
    "azureml.pipeline.core.run": "PipelineRun StepRun",
    "azureml.pipeline.core.schedule": "Schedule ScheduleRecurrence TimeZone",
    "azureml.pipeline.steps": "PythonScriptStep CommandStep ParallelRunStep HyperDriveStep HyperDriveStepRun",
    "azureml.pipeline.steps.python_script_step": "PythonScriptStep",
    "azureml.pipeline.steps.parallel_run_step": "ParallelRunStep",
    "azureml.pipeline.steps.parallel_run_config": "ParallelRunConfig",
    "azureml.train.automl": "AutoMLConfig",
    "azureml.train.automl.run": "AutoMLRun",
    "azureml.train.dnn": "PyTorch TensorFlow Mpi",
    "azureml.train.estimator": "Estimator",
    "azureml.train.hyperdrive": "HyperDriveConfig HyperDriveRun PrimaryMetricGoal RandomParameterSampling choice",
    "azureml.telemetry": "set_diagnostics_collection",
    "azureml.train.sklearn": "SKLearn",
    "azureml.widgets": "RunDetails",
}


@pytest.mark.parametrize("module", PLACES)
def test_place_has_its_names(module: str) -> None:
    """Found by the name that v1 code uses, and the same object as ours."""
    assert enable()

    found = importlib.import_module(module)

    assert found is importlib.import_module(module.replace("azureml", "airflow_ml", 1))
    assert [name for name in PLACES[module].split() if not hasattr(found, name)] == []


@pytest.mark.parametrize(
    ("module", "name", "ours"),
    [
        ("azureml.core.webservice.aci", "AciWebservice", "airflow_ml.core.webservice"),
        ("azureml.core.webservice.webservice", "Webservice", "airflow_ml.core.webservice"),
        ("azureml.core.image.container", "ContainerImage", "airflow_ml.core.image"),
        ("azureml.exceptions._azureml_exception", "UserErrorException", "airflow_ml.exceptions"),
        ("azureml._common.exceptions", "AzureMLException", "airflow_ml.exceptions"),
        ("azureml._restclient.constants", "RunStatus", "airflow_ml.runtime.run_status"),
        ("azureml._base_sdk_common.user_agent", "append", "airflow_ml.runtime.user_agent"),
    ],
)
def test_places_that_are_called_otherwise_here(module: str, name: str, ours: str) -> None:
    """Parts of one module of ours, and private modules that public packages import, are found by v1's name."""
    assert enable()

    by_name: dict[str, object] = {}
    exec(f"from {module} import {name}; import {module} as found", by_name)

    assert by_name["found"] is importlib.import_module(ours)
    assert by_name[name] is getattr(by_name["found"], name)
