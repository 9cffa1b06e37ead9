"""
Hypothesis strategies for steps, and for changes of steps: those that can change a result, and those that cannot.

A change is a function from a `Case` to another one, or to None where it has nothing to change in this case.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from hypothesis import strategies as st

from airflow_ml.graph import (
    Argument,
    DataReferenceSource,
    Graph,
    InputPort,
    InputRef,
    Json,
    OutputPort,
    OutputRef,
    Parameter,
    ParameterRef,
    Registration,
    Step,
    StepOutputSource,
    WorkspaceRef,
)
from airflow_ml.reuse.fingerprint import StepFacts
from airflow_ml.reuse.model import UpstreamOutput

#: Content of the datastore `blobs`, for a context in which cases are looked at.
FILES: Mapping[str, str] = {"raw/a.csv": "1", "raw/b.csv": "2", "raw/sub/c.csv": "3", "one.txt": "4"}


@dataclass(frozen=True)
class Case:
    """A step with everything that its fingerprint is made from."""

    step: Step
    facts: StepFacts = field(default_factory=StepFacts)
    parameters: tuple[Parameter, ...] = ()
    name: str = "pipeline"
    description: str | None = None
    base_directory: str | None = None
    default_datastore: str | None = None

    @property
    def graph(self) -> Graph:
        """The pipeline that has this step alone."""
        return Graph(
            self.name,
            WorkspaceRef("w"),
            (self.step,),
            parameters=self.parameters,
            description=self.description,
            base_directory=self.base_directory,
            default_datastore=self.default_datastore,
        )

    def with_step(self, **changes: object) -> "Case":
        """Return the case with another step."""
        return replace(self, step=replace(self.step, **changes))

    def with_facts(self, **changes: object) -> "Case":
        """Return the case with other facts."""
        return replace(self, facts=replace(self.facts, **changes))


Change = Callable[[Case], "Case | None"]

_names = st.text("abcdefghij_", min_size=1, max_size=8)
_words = st.text(st.characters(codec="utf-8", exclude_characters="\0$"), max_size=12)
_digests = st.integers(0, 2**256 - 1).map(lambda number: f"{number:064x}")
_values = st.one_of(_words, st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.booleans(), st.none())
_kinds = {bool: "boolean", int: "integer", float: "number", str: "string", type(None): "string"}


def _input(name: str, number: int) -> InputPort:
    sources = (
        DataReferenceSource("blobs", "raw"),
        DataReferenceSource("blobs", "one.txt"),
        StepOutputSource("before", "model"),
    )
    return InputPort(name, sources[number % 3], mode="download" if number % 2 else "mount")


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Draw a step of a Python script with arguments, ports, parameters, variables, packages and settings."""
    names = draw(st.lists(_names, min_size=2, max_size=6, unique=True))
    inputs = tuple(_input(name, draw(st.integers(0, 5))) for name in names[:-1:2])
    outputs = tuple(
        OutputPort(name, kind=draw(st.sampled_from(["pipeline_data", "file_dataset"]))) for name in names[1::2]
    )
    values = {f"p{index}": value for index, value in enumerate(draw(st.lists(_values, min_size=1, max_size=3)))}
    places = [InputRef(port.name) for port in inputs] + [OutputRef(port.name) for port in outputs]
    places += [ParameterRef(name) for name in values]
    parts = st.one_of(_words, st.sampled_from(["$HOME", "${X}y"]), st.sampled_from(places))
    arguments = draw(st.lists(st.lists(parts, min_size=1, max_size=3).map(tuple), max_size=5))
    variables = draw(st.dictionaries(_names.map(str.upper), _words, max_size=3))
    packages = draw(st.lists(st.sampled_from(["numpy==1.26", "pandas", "scipy>=1.1"]), unique=True))
    step = Step(
        id="step",
        name="step",
        kind="python_script",
        script=draw(st.sampled_from(["train.py", "sub/run.py"])),
        arguments=(*arguments, *((place,) for place in places)),
        inputs=inputs,
        outputs=outputs,
        params=draw(st.dictionaries(_names, st.tuples(_words), max_size=2)),
        source_directory="src",
        environment=environment(packages),
        environment_variables=variables,
        compute="cpu",
        run_settings=draw(st.sampled_from([{}, {"framework": "PyTorch"}, {"node_count": 2}])),
    )
    facts = StepFacts(
        parameters={**values, "unused": "x"},
        snapshot_id=draw(_digests),
        source_digest=draw(_digests),
        upstream={("before", "model"): UpstreamOutput(draw(_digests), draw(st.booleans()), "run-1", "model")},
    )
    declared = tuple(Parameter(name, _kinds[type(value)], value) for name, value in facts.parameters.items())
    return Case(step, facts, declared)


def environment(packages: list[str], **changes: Json) -> dict[str, Json]:
    """Return an environment definition with pip packages."""
    dependencies: list[Json] = ["python=3.11", {"pip": ["azureml-defaults", *packages]}]
    return {
        "name": "e",
        "version": "1",
        "python": {"conda_dependencies": {"channels": ["conda-forge"], "dependencies": dependencies}},
        "docker": {"shm_size": "2g"},
        "environment_variables": {"EXAMPLE_ENV_VAR": "EXAMPLE_VALUE"},
        **changes,
    }


def _packages(case: Case) -> list[str]:
    dependencies = case.step.environment["python"]["conda_dependencies"]["dependencies"]  # type: ignore[index]
    return [item for item in dependencies[-1]["pip"] if item != "azureml-defaults"]


def _first_input(case: Case, **changes: object) -> Case:
    first, *others = case.step.inputs
    return case.with_step(inputs=(replace(first, **changes), *others))


def _first_output(case: Case, **changes: object) -> Case:
    first, *others = case.step.outputs
    return case.with_step(outputs=(replace(first, **changes), *others))


def _used(case: Case) -> str:
    """Return a parameter that stands in the arguments: `cases` puts all of them there."""
    return next(part.name for argument in case.step.arguments for part in argument if isinstance(part, ParameterRef))


def _without_dollar(argument: Argument, values: Mapping[str, Json]) -> Argument:
    return tuple(str(values[part.name]) if isinstance(part, ParameterRef) else part for part in argument)


def _literal(case: Case) -> Case | None:
    """Write the values of parameters into the arguments, which changes nothing unless they look like variables."""
    if any("$" in str(value) for value in case.facts.parameters.values()):
        return None
    return case.with_step(
        arguments=tuple(_without_dollar(argument, case.facts.parameters) for argument in case.step.arguments)
    )


def _renamed_parameter(case: Case) -> Case:
    old = _used(case)
    arguments = tuple(
        tuple(ParameterRef("renamed") if part == ParameterRef(old) else part for part in argument)
        for argument in case.step.arguments
    )
    values = {"renamed" if name == old else name: value for name, value in case.facts.parameters.items()}
    return case.with_step(arguments=arguments).with_facts(parameters=values)


#: Changes each of which can change a result.
CHANGES: Mapping[str, Change] = {
    "kind": lambda case: case.with_step(kind="other"),
    "script": lambda case: case.with_step(script=f"x{case.step.script}"),
    "source": lambda case: case.with_facts(source_digest=f"{int(case.facts.source_digest or '0', 16) ^ 1:064x}"),
    "version": lambda case: case.with_step(version="2"),
    "one more argument": lambda case: case.with_step(arguments=(*case.step.arguments, ("",))),
    "text of an argument": lambda case: case.with_step(arguments=(*case.step.arguments[:-1], ("other text",))),
    "one argument before the others": lambda case: case.with_step(arguments=(("--first",), *case.step.arguments)),
    "a variable in the place of its text": lambda case: case.with_step(
        arguments=(*case.step.arguments[:-1], ("$PATH of",))
    ),
    "value of a parameter": lambda case: case.with_facts(
        parameters={**case.facts.parameters, _used(case): f"{case.facts.parameters[_used(case)]}+"}
    ),
    "value for the environment": lambda case: case.with_step(params={**case.step.params, "more": ("1",)}),
    "environment variable": lambda case: case.with_step(
        environment_variables={**case.step.environment_variables, "MORE_TEXT": "1"}
    ),
    "variable of the environment": lambda case: case.with_step(
        environment=environment(_packages(case), environment_variables={"MORE_TEXT": "1"})
    ),
    "package": lambda case: case.with_step(environment=environment([*_packages(case), "torch"])),
    "package's version": lambda case: case.with_step(
        environment=environment([*filter("pandas".__ne__, _packages(case)), "pandas==2.0"])
    ),
    "image": lambda case: case.with_step(environment=environment(_packages(case), docker={"base_image": "a/b:c"})),
    "name of an input": lambda case: _first_input(case, name="renamed"),
    "mode of an input": lambda case: _first_input(
        case, mode="mount" if case.step.inputs[0].mode == "download" else "download"
    ),
    "path of an input": lambda case: _first_input(case, path_on_compute="elsewhere"),
    "data of an input": lambda case: _first_input(case, source=DataReferenceSource("blobs", "raw/sub")),
    "nothing where data was": lambda case: _first_input(case, source=DataReferenceSource("blobs", "nothing")),
    "one more input": lambda case: case.with_step(inputs=(*case.step.inputs, _input("added", 0))),
    "name of an output": lambda case: _first_output(case, name="renamed"),
    "kind of an output": lambda case: _first_output(
        case, kind="file_dataset" if case.step.outputs[0].kind == "pipeline_data" else "pipeline_data"
    ),
    "mode of an output": lambda case: _first_output(case, mode="upload"),
    "datastore of an output": lambda case: _first_output(case, datastore="other"),
    "default datastore": lambda case: replace(case, default_datastore="other"),
    "destination of an output": lambda case: _first_output(case, destination="out/{run-id}"),
    "files of an output": lambda case: _first_output(case, source_globs="*.csv"),
    "normaliser of an output": lambda case: _first_output(case, normaliser="n"),
    "one more output": lambda case: case.with_step(outputs=(*case.step.outputs, OutputPort("added"))),
    "node count": lambda case: case.with_step(run_settings={**case.step.run_settings, "node_count": 3}),
    "processes": lambda case: case.with_step(run_settings={**case.step.run_settings, "process_count": 4}),
    "settings": lambda case: case.with_step(settings={"of": "this kind"}),
    "extra content": lambda case: case.with_facts(extra_content={"config.yaml": "b3:1"}),
    "content of an upstream output": lambda case: _with_upstream(case, identity="0"),
}

#: Changes that change no result.
NO_CHANGES: Mapping[str, Change] = {
    "id": lambda case: case.with_step(id="other"),
    "step's name": lambda case: case.with_step(name="other"),
    "pipeline's name": lambda case: replace(case, name="other"),
    "description": lambda case: replace(case, description="other"),
    "checkout": lambda case: replace(case, base_directory="/elsewhere").with_step(source_directory="/elsewhere/src"),
    "snapshot of equal sources": lambda case: case.with_facts(snapshot_id="f" * 64),
    "compute": lambda case: case.with_step(compute="gpu"),
    "order of steps": lambda case: case.with_step(after=("before", "another")),
    "allow_reuse": lambda case: case.with_step(allow_reuse=False),
    "order of inputs": lambda case: case.with_step(inputs=case.step.inputs[::-1]),
    "order of outputs": lambda case: case.with_step(outputs=case.step.outputs[::-1]),
    "order of variables": lambda case: case.with_step(
        environment_variables=dict(reversed(case.step.environment_variables.items()))
    ),
    "order of packages": lambda case: case.with_step(environment=environment(_packages(case)[::-1])),
    "name of the environment": lambda case: case.with_step(
        environment=environment(_packages(case), name="other", version="7")
    ),
    "shared memory": lambda case: case.with_step(run_settings={**case.step.run_settings, "shm_size": "9g"}),
    "time limit": lambda case: case.with_step(run_settings={**case.step.run_settings, "max_run_duration_seconds": 9}),
    "a setting at its default": lambda case: case.with_step(
        run_settings={"node_count": 1, "framework": "Python", **case.step.run_settings}
    ),
    "default datastore by name": lambda case: replace(case, default_datastore="workspaceblobstore"),
    "registration": lambda case: _first_output(case, registration=Registration("name", tags={"a": "b"})),
    "name of the pipeline's output": lambda case: _first_output(case, pipeline_output_name="out"),
    "an unused parameter": lambda case: case.with_facts(parameters={**case.facts.parameters, "unused": "other"}),
    "a parameter's name": _renamed_parameter,
    "a parameter's default": lambda case: replace(
        case, parameters=tuple(replace(item, default="other") for item in case.parameters)
    ),
    "literals in the place of parameters": _literal,
    "the run that wrote an upstream output": lambda case: _with_upstream(case, run_id="run-2"),
}


def _with_upstream(case: Case, **changes: object) -> Case | None:
    if not any(isinstance(port.source, StepOutputSource) for port in case.step.inputs):
        return None
    output = case.facts.upstream["before", "model"]
    return case.with_facts(upstream={("before", "model"): replace(output, **changes)})
