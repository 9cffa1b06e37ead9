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
    "azureml.core.script_run_config": "ScriptRunConfig",
    "azureml.core.workspace": "Workspace",
    "azureml.contrib.notebook": "NotebookRunConfig AzureMLNotebookHandler NotebookRunnerStep",
    "azureml.contrib.pipeline.steps": "ParallelRunConfig ParallelRunStep",
    "azureml.data": "FileDataset TabularDataset OutputFileDatasetConfig DataType",
    "azureml.data.azure_storage_datastore": "AzureBlobDatastore AzureFileDatastore",
    "azureml.data.data_reference": "DataReference",
    "azureml.data.datapath": "DataPath DataPathComputeBinding",
    "azureml.data.dataset_consumption_config": "DatasetConsumptionConfig",
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
