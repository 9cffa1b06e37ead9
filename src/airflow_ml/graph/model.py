"""
A pipeline as plain data: what everything behind the public face sees.

Frozen dataclasses without behaviour; `airflow_ml.graph.codec` writes them as JSON and reads them back. The fields
say *what* a step is. Where it runs (paths, run ids, devices) is never in here, so that a graph built in a DAG file on
one machine means the same on another. One file past the house's 400 lines, because these words refer to each other and
are read together.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from dataclasses import dataclass, field
    from typing import Literal, TypeAlias
else:
    from airflow_ml._records import dataclass, field

__all__ = [
    "Argument",
    "ComputeDeclaration",
    "DataReferenceSource",
    "DatabaseSource",
    "DatasetSource",
    "Graph",
    "InputIdentity",
    "InputMode",
    "InputPort",
    "InputRef",
    "Json",
    "OutputKind",
    "OutputMode",
    "OutputPort",
    "OutputRef",
    "Parameter",
    "ParameterKind",
    "ParameterRef",
    "ParameterSource",
    "Part",
    "Registration",
    "ReusePolicy",
    "Source",
    "SourceSnapshot",
    "Step",
    "StepOutputSource",
    "TaskSource",
    "Verification",
    "WorkspaceRef",
]

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

InputMode: TypeAlias = "Literal['mount', 'download', 'direct']"
OutputMode: TypeAlias = "Literal['mount', 'upload']"
OutputKind: TypeAlias = "Literal['pipeline_data', 'file_dataset', 'copied_files', 'copied_rows']"
InputIdentity: TypeAlias = "Literal['content', 'definition']"
Verification: TypeAlias = "Literal['exists', 'size', 'content']"
ParameterKind: TypeAlias = "Literal['string', 'integer', 'number', 'boolean', 'datapath', 'dataset']"


@dataclass(frozen=True)
class InputRef:
    """An argument's place for what an input port resolves to: a path, or a saved dataset's id in direct mode."""

    port: str


@dataclass(frozen=True)
class OutputRef:
    """An argument's place for the path at which the script writes an output."""

    port: str


@dataclass(frozen=True)
class ParameterRef:
    """An argument's place for the run's value of a pipeline parameter, as text."""

    name: str


#: One piece of an argument: literal text (environment variables in it are expanded in the run), or a place.
Part: TypeAlias = "str | InputRef | OutputRef | ParameterRef"

#: One element of the script's argv; its parts are joined without a separator.
Argument: TypeAlias = "tuple[Part, ...]"


@dataclass(frozen=True)
class StepOutputSource:
    """The data is an output of another step of the graph."""

    step: str
    output: str


@dataclass(frozen=True)
class DatasetSource:
    """
    The data is a dataset.

    Exactly one of two forms: `name` (with `version` an int as text, or "latest") is looked up in the workspace in
    the run; otherwise `definition` is the whole dataset as data, and `saved_id` its id if it was saved before.
    """

    definition: Mapping[str, Json] | None = None
    saved_id: str | None = None
    name: str | None = None
    version: str = "latest"


@dataclass(frozen=True)
class DataReferenceSource:
    """The data is a path on a datastore that need not exist when it is mounted (v1 behaviour)."""

    datastore: str
    path: str


@dataclass(frozen=True)
class DatabaseSource:
    """
    The data is in a database: a table, what a query gives, or what a stored procedure gives; one of the three.

    Attributes:
        parameters: of the stored procedure, each as name, type (v1's word for it) and value.
    """

    datastore: str
    table: str | None = None
    query: str | None = None
    procedure: str | None = None
    parameters: tuple[tuple[str, str, str | None], ...] = ()


@dataclass(frozen=True)
class ParameterSource:
    """The data is what a pipeline parameter of kind datapath or dataset names in the run."""

    parameter: str


@dataclass(frozen=True)
class TaskSource:
    """The data is what another Airflow task hands on by XCom (operators written by hand, outside a pipeline)."""

    task_id: str


Source: TypeAlias = (
    "StepOutputSource | DatasetSource | DataReferenceSource | DatabaseSource | ParameterSource | TaskSource"
)


@dataclass(frozen=True)
class InputPort:
    """
    Where one input of a step comes from and how the script gets it.

    Attributes:
        transformations: how a table is read from files, for inputs that parse an upstream output
            (`parse_delimited_files`, `read_parquet_files`); the same mapping as in a dataset definition.
        is_destination: the step writes there (v1 has both ends of a transfer as inputs); it counts by its definition.
    """

    name: str
    source: Source
    mode: InputMode = "mount"
    path_on_compute: str | None = None
    overwrite: bool = False
    is_resource: bool = False
    transformations: Mapping[str, Json] | None = None
    is_destination: bool = False


@dataclass(frozen=True)
class Registration:
    """Register the committed output as a new version of this dataset name when the step completes."""

    name: str
    description: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    create_new_version: bool = True
    transformations: Mapping[str, Json] | None = None


@dataclass(frozen=True)
class ReusePolicy:
    """
    How results are reused; what is None is left to the pipeline, then to the workspace, then to the default.

    Attributes:
        inputs: whether data counts by its `content` (the default) or by its `definition` (v1's rule: a dataset's id
            and version, a data reference's datastore and path).
        max_age: seconds after which a result is not taken any more; the shortest of those given holds. Default: none.
        verify: what is looked at before outputs are taken: that they `exists`, their `size` and ETag (the default),
            or their `content`.
    """

    inputs: InputIdentity | None = None
    max_age: float | None = None
    verify: Verification | None = None


@dataclass(frozen=True)
class OutputPort:
    """
    What a step promises to write and where it goes.

    Attributes:
        kind: `pipeline_data` (the path must not exist before, a file or a folder may be written), `file_dataset`
            (the folder exists before the script starts), `copied_files` (what a transfer copied, where it was copied
            to) or `copied_rows` (what says which rows a transfer added to a table).
        datastore: its name; None means the pipeline's default, and then the workspace's.
        destination: path template on the datastore with `{run-id}` and `{output-name}`; None means the kind's
            default: `azureml/{run-id}/{output-name}` or `dataset/{run-id}/{output-name}`.
        path_on_compute: where the script writes in upload mode, if it was given.
        source_globs: an upload takes only such files; several patterns are joined by `;`.
        normaliser: name that the hook `airflow_ml_normalise_output` gets, for files whose bytes differ although they
            say the same (times inside of them): consumers are told such files apart by what it returns.
    """

    name: str
    kind: OutputKind = "pipeline_data"
    datastore: str | None = None
    mode: OutputMode = "mount"
    destination: str | None = None
    path_on_compute: str | None = None
    overwrite: bool = False
    is_directory: bool | None = None
    data_type: str | None = None
    source_globs: str | None = None
    pipeline_output_name: str | None = None
    registration: Registration | None = None
    normaliser: str | None = None


@dataclass(frozen=True)
class SourceSnapshot:
    """
    A step's source directory as it was captured: the graph needs no folder any more.

    Attributes:
        properties: what git said of the folder, as properties of the step's runs.
    """

    id: str
    properties: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Step:
    """
    One step: a node of the graph.

    Attributes:
        id: unique in the graph, readable, and the Airflow task id: the name with other characters replaced, and a
            number behind it where names repeat. Not part of a result's identity.
        kind: which launcher-independent handler runs it, for instance `python_script`.
        script: path inside the source directory; None for kinds without one, whose arguments are the whole command.
        params: values that the script finds in the environment as `AML_PARAMETER_<name>`.
        snapshot: in the place of a source directory, in graphs of published pipelines.
        environment: an environment definition as data (`Environment` of the public face), or None for the default.
        compute: name of a compute target; None if the pipeline names none.
        run_settings: node and process counts, framework, communicator, shared memory, time limit: plain values
            or ParameterRef where v1 allows a parameter.
        settings: what only this kind of step needs.
        reuse: how results of this step are reused.
        ignore_in_fingerprint: what does not count, each as `parameter:NAME`, `input:NAME`, `variable:NAME`, or
            `source:PATTERN` with a pattern of ignore files.
        hash_paths: files and folders whose content counts too, relative to the source directory or absolute.
        extra_content: their digests, where a snapshot stands in the place of the source directory.
    """

    id: str
    name: str
    kind: str
    script: str | None = None
    arguments: tuple[Argument, ...] = ()
    inputs: tuple[InputPort, ...] = ()
    outputs: tuple[OutputPort, ...] = ()
    params: Mapping[str, Argument] = field(default_factory=dict)
    source_directory: str | None = None
    snapshot: SourceSnapshot | None = None
    environment: Mapping[str, Json] | None = None
    environment_variables: Mapping[str, str] = field(default_factory=dict)
    compute: str | None = None
    run_settings: Mapping[str, Json | ParameterRef] = field(default_factory=dict)
    allow_reuse: bool = True
    version: str | None = None
    settings: Mapping[str, Json] = field(default_factory=dict)
    after: tuple[str, ...] = ()
    reuse: ReusePolicy = ReusePolicy()
    ignore_in_fingerprint: tuple[str, ...] = ()
    hash_paths: tuple[str, ...] = ()
    extra_content: Mapping[str, str] = field(default_factory=dict)

    def input(self, name: str) -> InputPort:
        """Return the input port of that name; raises KeyError."""
        for port in self.inputs:
            if port.name == name:
                return port
        raise KeyError(name)

    def output(self, name: str) -> OutputPort:
        """Return the output port of that name; raises KeyError."""
        for port in self.outputs:
            if port.name == name:
                return port
        raise KeyError(name)

    @property
    def upstream(self) -> tuple[str, ...]:
        """Ids of the steps that must end before this one starts: producers of its inputs, then order edges."""
        producers = [port.source.step for port in self.inputs if isinstance(port.source, StepOutputSource)]
        return tuple(dict.fromkeys([*producers, *self.after]))


@dataclass(frozen=True)
class Parameter:
    """
    A pipeline parameter's declaration; its kind is fixed by the default (v1 rule).

    Attributes:
        default: a plain value; for datapath `datastore://name/path`; for dataset `dataset://name@version`, or None
            where the default is a dataset that has no name, which is then in `default_dataset`.
        default_dataset: the definition of such a dataset.
    """

    name: str
    kind: ParameterKind
    default: Json = None
    default_dataset: DatasetSource | None = None


@dataclass(frozen=True)
class ComputeDeclaration:
    """A compute target that the DAG file created (`ComputeTarget.create`): applied when the run starts."""

    name: str
    type: str
    settings: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True)
class WorkspaceRef:
    """
    Which workspace a graph belongs to, enough to open it again on another machine.

    Attributes:
        registry_url: database URL without a password, or None for the embedded default under the home folder;
            a password comes from the environment of the process that opens it, never from here.
    """

    name: str
    subscription_id: str | None = None
    resource_group: str | None = None
    registry_url: str | None = None


@dataclass(frozen=True)
class Graph:
    """
    A whole pipeline.

    Attributes:
        steps: in an order in which no step stands before one that it needs, unless there is a cycle.
        default_datastore: name; None means the workspace's default when the run starts.
        base_directory: folder that relative source directories are relative to. It never enters a fingerprint.
        is_script_run: the one step is a submitted script (`ScriptRunConfig`): its run is not below a pipeline's.
    """

    name: str
    workspace: WorkspaceRef
    steps: tuple[Step, ...]
    parameters: tuple[Parameter, ...] = ()
    compute_declarations: tuple[ComputeDeclaration, ...] = ()
    description: str | None = None
    default_datastore: str | None = None
    base_directory: str | None = None
    is_script_run: bool = False
    reuse: ReusePolicy = ReusePolicy()

    def step(self, step_id: str) -> Step:
        """Return the step of that id; raises KeyError."""
        for step in self.steps:
            if step.id == step_id:
                return step
        raise KeyError(step_id)

    if not TYPE_CHECKING:  # checkers shall see what is not there

        def __getattr__(self, name: str) -> object:
            """Tell v1 code that asks for nodes and edges what there is instead."""
            raise AttributeError(
                f"a pipeline's graph has no {name!r}; it has steps, with their inputs, outputs and upstream, and"
                " parameters"
            )

    def parameter(self, name: str) -> Parameter:
        """Return the declaration of that parameter; raises KeyError."""
        for parameter in self.parameters:
            if parameter.name == name:
                return parameter
        raise KeyError(name)

    def title(self, step: Step) -> str:
        """Return how texts for people call that step: `step 'train'`, or `script run 'train.py'`."""
        return f"script run {step.name!r}" if self.is_script_run else f"step {step.name!r}"
