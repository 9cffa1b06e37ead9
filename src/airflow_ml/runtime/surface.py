"""
The v1 names that a script finds inside a step, under `azureml` and `airflow_ml` alike.

`_OFFERED` says what works and where it is; `_PLACED` names the rest of v1, which takes no part in a step and stands
there as placeholders (`placeholders.py`), because scripts import more than they use. `finder.py` makes the modules.
"""

from __future__ import annotations

from airflow_ml._late import load

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["MODULES", "SDK_VERSION", "lookup", "missing_module", "missing_name", "names_of"]

#: What `azureml.core.VERSION` says: the v1 SDK whose surface this is, because scripts compare it.
SDK_VERSION = "1.61.0"

#: Module below `azureml` or `airflow_ml` -> name -> module of the runtime that has it.
_OFFERED: dict[str, dict[str, str]] = {
    "_base_sdk_common": {},
    "_base_sdk_common.user_agent": {"append": "user_agent"},
    "_restclient": {},
    "_restclient.constants": {"RunStatus": "run_status"},
    "core": {
        "Dataset": "datasets",
        "Datastore": "datastores",
        "Experiment": "experiments",
        "Keyvault": "keyvault",
        "Model": "models",
        "Run": "run",
        "Workspace": "workspace",
        "get_run": "run",
    },
    "core.authentication": {
        "ArmTokenAuthentication": "authentication",
        "AzureCliAuthentication": "authentication",
        "AzureMLTokenAuthentication": "authentication",
        "InteractiveLoginAuthentication": "authentication",
        "MsiAuthentication": "authentication",
        "ServicePrincipalAuthentication": "authentication",
        "TokenAuthentication": "authentication",
    },
    "core.compute_target": {"ComputeTargetException": "exceptions"},
    "core.dataset": {"Dataset": "datasets"},
    "core.datastore": {"Datastore": "datastores"},
    "core.experiment": {"Experiment": "experiments"},
    "core.keyvault": {"Keyvault": "keyvault"},
    "core.model": {"Model": "models"},
    "core.run": {
        "InputDatasets": "datasets",
        "OutputDatasets": "datasets",
        "Run": "run",
        "_OfflineRun": "run",
        "_SubmittedRun": "own_runs",
        "get_run": "run",
    },
    "core.workspace": {"Workspace": "workspace"},
    "data": {"DataType": "data_types", "FileDataset": "datasets", "TabularDataset": "datasets"},
    "data.abstract_dataset": {"AbstractDataset": "datasets"},
    "data.data_reference": {"DataReference": "references"},
    "data.datapath": {"DataPath": "references"},
    "data.dataset_error_handling": {
        "DatasetExecutionError": "exceptions",
        "DatasetValidationError": "exceptions",
    },
    "data.dataset_factory": {
        "DataType": "data_types",
        "FileDatasetFactory": "dataset_factories",
        "TabularDatasetFactory": "dataset_factories",
    },
    "data.dataset_type_definitions": {"PromoteHeadersBehavior": "headers"},
    "data.file_dataset": {"FileDataset": "datasets"},
    "data.tabular_dataset": {"TabularDataset": "datasets"},
    "pipeline.core": {
        "PipelineRun": "pipeline_runs",
        "PortDataReference": "pipeline_runs",
        "StepRun": "pipeline_runs",
        "StepRunOutput": "pipeline_runs",
    },
    "pipeline.core.graph": {"PortDataReference": "pipeline_runs"},
    "pipeline.core.run": {
        "PipelineRun": "pipeline_runs",
        "StepRun": "pipeline_runs",
        "StepRunOutput": "pipeline_runs",
    },
}

#: Module -> v1's other names in it.
_PLACED: dict[str, str] = {
    "contrib": "",
    "contrib.notebook": "AzureMLNotebookHandler NotebookRunConfig NotebookRunnerStep",
    "core": (
        "ComputeTarget ContainerRegistry Environment Image LinkedService PrivateEndPoint PrivateEndPointConfig "
        "RunConfiguration ScriptRun ScriptRunConfig SynapseWorkspaceLinkedServiceConfiguration Webservice "
        "attach_legacy_compute_target diagnostic_log is_compute_target_prepared prepare_compute_target "
        "remove_legacy_compute_target"
    ),
    "core.authentication": "AbstractAuthentication",
    "core.compute": (
        "AdlaCompute AksCompute AmlCompute BatchCompute ComputeInstance ComputeTarget DataFactoryCompute "
        "DatabricksCompute DsvmCompute HDInsightCompute KubernetesCompute KustoCompute RemoteCompute SynapseCompute"
    ),
    "core.compute_target": "AbstractComputeTarget ComputeTarget LocalTarget",
    "core.conda_dependencies": "CondaDependencies PYTHON_DEFAULT_VERSION",
    "core.container_registry": "ContainerRegistry RegistryIdentity",
    "core.databricks": "DatabricksCluster EggLibrary JarLibrary MavenLibrary PyPiLibrary RCranLibrary",
    "core.environment": (
        "CondaDependencies DEFAULT_CPU_IMAGE DEFAULT_GPU_IMAGE DockerBuildContext DockerImageDetails DockerSection "
        "Environment EnvironmentReference ImageBuildDetails PythonSection RCranPackage RGitHubPackage RSection "
        "SparkPackage SparkSection"
    ),
    "core.experiment": "ViewType",
    "core.image": "ContainerImage Image UnknownImage",
    "core.linked_service": "LinkedService LinkedServiceConfiguration SynapseWorkspaceLinkedServiceConfiguration",
    "core.model": "InferenceConfig ModelPackage",
    "core.private_endpoint": "PrivateEndPoint PrivateEndPointConfig",
    "core.profile": "ModelProfile",
    "core.resource_configuration": "ResourceConfiguration",
    "core.runconfig": (
        "AmlComputeConfiguration ApplicationEndpointConfiguration AzureContainerRegistry CondaDependencies "
        "ContainerRegistry DEFAULT_CPU_IMAGE DEFAULT_GPU_IMAGE Data DataLocation DataPath DataReferenceConfiguration "
        "DatacacheConfiguration Dataset DockerConfiguration EnvironmentDefinition HdiConfiguration "
        "HistoryConfiguration KubernetesComputeConfiguration MPI_CPU_IMAGE MPI_GPU_IMAGE MountOptions MpiConfiguration "
        "OutputData OutputOptions ParallelTaskConfiguration PyTorchConfiguration RegistrationOptions RunConfiguration "
        "SparkConfiguration TensorflowConfiguration UploadOptions Uri"
    ),
    "core.script_run": "ScriptRun",
    "core.script_run_config": "ScriptRunConfig",
    "core.webservice": "AciWebservice AksEndpoint AksWebservice LocalWebservice UnknownWebservice Webservice",
    "data": (
        "DatacacheStore HDFSOutputDatasetConfig LinkFileOutputDatasetConfig LinkTabularOutputDatasetConfig "
        "OutputFileDatasetConfig"
    ),
    "data.abstract_datastore": "AbstractDatastore",
    "data.azure_data_lake_datastore": "AzureDataLakeDatastore AzureDataLakeGen2Datastore",
    "data.azure_my_sql_datastore": "AzureMySqlDatastore",
    "data.azure_postgre_sql_datastore": "AzurePostgreSqlDatastore",
    "data.azure_sql_database_datastore": "AzureSqlDatabaseDatastore",
    "data.azure_storage_datastore": "AbstractAzureStorageDatastore AzureBlobDatastore AzureFileDatastore",
    "data.datapath": "DataPathComputeBinding",
    "data.dataset_consumption_config": "DatasetConsumptionConfig",
    "data.dbfs_datastore": "DBFSDatastore",
    "data.output_dataset_config": (
        "HDFSOutputDatasetConfig LinkFileOutputDatasetConfig LinkTabularOutputDatasetConfig MountOptions "
        "OutputDatasetConfig OutputFileDatasetConfig OutputTabularDatasetConfig RegistrationConfiguration UploadOptions"
    ),
    "data.sql_data_reference": "SqlDataReference",
    "data.stored_procedure_parameter": "StoredProcedureParameter StoredProcedureParameterType",
    "opendatasets": (
        "Diabetes MNIST NoaaGfsWeather NoaaIsdWeather NycTlcFhv NycTlcGreen NycTlcYellow OjSalesSimulated "
        "PublicHolidays"
    ),
    "pipeline": "",
    "pipeline.core": (
        "InputPortBinding Module ModuleVersion ModuleVersionDescriptor OutputPortBinding Pipeline PipelineData "
        "PipelineDataset PipelineDraft PipelineEndpoint PipelineParameter PipelineStep PublishedPipeline Schedule "
        "ScheduleRecurrence StepSequence TimeZone TrainingOutput"
    ),
    "pipeline.core.builder": "PipelineData PipelineStep StepSequence",
    "pipeline.core.graph": (
        "DataType InputPortBinding Module OutputPortBinding PipelineDataset PipelineParameter PublishedPipeline "
        " StoredProcedureParameter StoredProcedureParameterType TrainingOutput"
    ),
    "pipeline.core.module": "Module ModuleVersion ModuleVersionDescriptor",
    "pipeline.core.pipeline": "Pipeline",
    "pipeline.core.pipeline_draft": "PipelineDraft",
    "pipeline.core.pipeline_endpoint": "PipelineEndpoint",
    "pipeline.core.pipeline_output_dataset": "PipelineOutputFileDataset PipelineOutputTabularDataset",
    "pipeline.core.schedule": "Schedule ScheduleRecurrence TimeZone",
    "pipeline.steps": (
        "AdlaStep AutoMLStep AutoMLStepRun AzureBatchStep CommandStep DataTransferStep DatabricksStep EstimatorStep "
        "HyperDriveStep HyperDriveStepRun KustoStep ModuleStep MpiStep ParallelRunConfig ParallelRunStep "
        "PythonScriptStep RScriptStep SynapseSparkStep"
    ),
    "train": "",
    "train.automl": "AutoMLConfig AutoMLImageConfig AutoMLRun",
    "train.automl.run": "AutoMLRun",
    "train.dnn": "Chainer Gloo Mpi Nccl ParameterServer PyTorch TensorFlow",
    "train.estimator": "Estimator Gloo Mpi Nccl ParameterServer",
    "train.hyperdrive": (
        "BanditPolicy BayesianParameterSampling EarlyTerminationPolicy GridParameterSampling HyperDriveConfig "
        "HyperDriveRun HyperDriveRunConfig HyperParameterSampling MedianStoppingPolicy NoTerminationPolicy "
        "PrimaryMetricGoal RandomParameterSampling TruncationSelectionPolicy choice lognormal loguniform normal "
        "qlognormal qloguniform qnormal quniform randint uniform"
    ),
    "train.sklearn": "SKLearn",
    "widgets": "RunDetails",
}

#: Packages whose modules, one per name, have what the package has.
_SPREAD: dict[str, str] = {
    "core.compute": (
        "adla aks amlcompute batch compute computeinstance databricks datafactory dsvm hdinsight kubernetescompute "
        "kusto remote synapse"
    ),
    "core.image": "container image",
    "core.webservice": "aci aks local webservice",
    "pipeline.steps": (
        "adla_step automl_step azurebatch_step command_step data_transfer_step databricks_step estimator_step "
        "hyper_drive_step kusto_step module_step mpi_step parallel_run_config parallel_run_step python_script_step "
        "r_script_step synapse_spark_step"
    ),
    "train.hyperdrive": "parameter_expressions policy run runconfig sampling",
}

#: Module -> names that v1's module only imports from elsewhere, and that scripts take from there.
_BORROWED: dict[str, str] = {
    "core.compute": "ComputeTargetException UserErrorException",
    "core.environment": "ContainerRegistry UserErrorException",
    "core.experiment": "Run UserErrorException Workspace",
    "core.model": (
        "ContainerRegistry Dataset Environment Experiment FileDataset ModelNotFoundException TabularDataset "
        "UserErrorException WebserviceException Workspace"
    ),
    "core.run": (
        "ActivityFailedException DataPath Datastore Environment Experiment Keyvault Model RunEnvironmentException "
        "UserErrorException Workspace"
    ),
    "core.runconfig": "ComputeTarget Environment Run RunConfigurationException UserErrorException",
    "core.script_run": "Run RunConfiguration",
    "core.script_run_config": "DataPath DataPathComputeBinding RunConfiguration",
    "core.webservice": "Environment Image Model WebserviceException",
    "core.workspace": (
        "ComputeTarget Dataset Datastore Experiment Keyvault LinkedService Model ProjectSystemException Run "
        "UserErrorException Webservice WorkspaceException"
    ),
    "data.dataset_factory": "DataPath DataReference PromoteHeadersBehavior",
    "pipeline.core.builder": "DataReference InputPortBinding OutputPortBinding PipelineDataset PipelineParameter",
    "pipeline.core.graph": "DataPath DataReference PipelineRun",
    "pipeline.core.run": "Experiment Run",
}

#: Where borrowed names come from.
_LENDERS = (
    "core",
    "data",
    "pipeline.core",
    "core.runconfig",
    "data.datapath",
    "data.data_reference",
    "data.dataset_type_definitions",
)

#: Every module that comes from the tables; `exceptions` has what airflow_ml.exceptions has.
MODULES = frozenset(
    [*_OFFERED, *_PLACED, *(f"{package}.{name}" for package, names in _SPREAD.items() for name in names.split())]
)


def lookup(module: str, name: str) -> Any:
    """
    Return what a script gets for a name in a module of the tables: the thing, or a placeholder.

    Raises:
        AttributeError: v1 has no such name there.
    """
    tree, _, below = module.partition(".")
    if name in ("VERSION", "__version__") and below == "core":
        return SDK_VERSION
    home = _OFFERED.get(below, {}).get(name)
    if home == "exceptions":
        return getattr(load("airflow_ml.exceptions"), name)
    if home is not None:
        return getattr(load("airflow_ml.runtime." + home), name)
    if name in _placed(below):
        placeholder = load("airflow_ml.runtime.placeholders").placeholder
        return placeholder(f"{tree}.{_home(below)}", name)
    if name in _BORROWED.get(_home(below), "").split():
        lender = next((each for each in _LENDERS if name in _OFFERED.get(each, ()) or name in _placed(each)), None)
        return getattr(load("airflow_ml.exceptions"), name) if lender is None else lookup(f"{tree}.{lender}", name)
    if f"{below}.{name}" in MODULES:
        return load(f"{module}.{name}")
    raise AttributeError(missing_name(module, name))


def names_of(module: str) -> list[str]:
    """Return what `from module import *` takes."""
    below = module.partition(".")[2]
    constants = ["VERSION"] if below == "core" else []
    return sorted({*_OFFERED.get(below, ()), *_placed(below), *constants})


def missing_name(module: str, name: str) -> str:
    """Return the sentence about a name that v1 has not in a module, or that airflow-ml has not."""
    return (
        f"{module}.{name} is not there: neither v1 nor airflow-ml has a {name!r} in {module}, which has "
        f"{', '.join(names_of(module)) or 'modules alone'}; correct the name, or leave the import out"
    )


def missing_module(module: str) -> str:
    """Return the sentence about a module that airflow-ml has not."""
    tree = module.partition(".")[0]
    parts = {name.partition(".")[0] for name in MODULES if name[0] != "_"} | {"exceptions"}
    near = ", ".join(sorted(f"{tree}.{part}" for part in parts))
    return (
        f"{module} is not part of airflow-ml inside a step, which has {near}; add the package that brings it to the "
        "step's environment, or leave the import out"
    )


def _home(below: str) -> str:
    """Return the module whose names a module has."""
    package, _, name = below.rpartition(".")
    return package if name in _SPREAD.get(package, "").split() else below


def _placed(below: str) -> list[str]:
    return _PLACED.get(_home(below), "").split()
