"""Graphs to test with: one that has everything, and random ones."""

from __future__ import annotations

import random

import pytest

from airflow_ml.graph import (
    Argument,
    ComputeDeclaration,
    DatabaseSource,
    DataReferenceSource,
    DatasetSource,
    Graph,
    InputPort,
    InputRef,
    OutputPort,
    OutputRef,
    Parameter,
    ParameterRef,
    ParameterSource,
    Registration,
    ReusePolicy,
    Source,
    SourceSnapshot,
    Step,
    StepOutputSource,
    TaskSource,
    WorkspaceRef,
)


@pytest.fixture
def rich_graph() -> Graph:
    """A graph in which every class and every field occurs."""
    definition = {"kind": "tabular", "sources": [{"datastore": "s", "path": "a b/%23+.csv"}], "steps": []}
    first = Step(
        id="prepare",
        name="prepare the data",
        kind="python_script",
        script="src/prepare.py",
        arguments=(("--in",), (InputRef("raw"),), ("x=", OutputRef("table"), "/", ParameterRef("lr")), ()),
        inputs=(
            InputPort("raw", DatasetSource(definition, saved_id="id"), "download", "/tmp/raw", overwrite=True),
            InputPort("named", DatasetSource(name="iris", version="3"), "direct"),
            InputPort("ref", DataReferenceSource("store", "p"), is_resource=True),
            InputPort("rows", DatabaseSource("db", "t", "q", "p", (("a", "Int", "1"),)), is_destination=True),
            InputPort("chosen", ParameterSource("where")),
            InputPort("task", TaskSource("upstream.task")),
        ),
        outputs=(
            OutputPort("table", "file_dataset", "store", "upload", "d/{run-id}", "out", overwrite=True),
            OutputPort("model", is_directory=True, data_type="AnyDirectory", pipeline_output_name="best"),
            OutputPort(
                "r", registration=Registration("d", "text", {"k": "v"}, False, {"parse": {"format": "parquet"}})
            ),
        ),
        params={"p": (ParameterRef("lr"),), "q": ("1",)},
        source_directory="../src",
        environment={"name": "e", "python": {"pip": ["pandas"]}},
        environment_variables={"A": "1"},
        compute="cpu",
        run_settings={"node_count": ParameterRef("nodes"), "docker_arguments": ["--x"], "use_docker": True},
        allow_reuse=False,
        version="7",
        settings={"any": {"type": "parameter", "deep": [1, None]}},
        reuse=ReusePolicy("definition", 3600.0, "content"),
        ignore_in_fingerprint=("parameter:lr", "source:*.md"),
        hash_paths=("../shared", "/data/stop_words.txt"),
        extra_content={"../shared": "5a"},
    )
    second = Step(
        id="train",
        name="train",
        kind="python_script",
        inputs=(InputPort("t", StepOutputSource("prepare", "table"), transformations={"parse": {"format": "csv"}}),),
        outputs=(OutputPort("o", source_globs="*.csv", normaliser="without_times"),),
        after=("prepare",),
        snapshot=SourceSnapshot("5a", {"azureml.git.branch": "main"}),
    )
    return Graph(
        name="all of it",
        workspace=WorkspaceRef("w", "s", "g", "postgresql://host/db"),
        steps=(first, second),
        parameters=(
            Parameter("lr", "number", 0.5),
            Parameter("nodes", "integer", 2),
            Parameter("where", "datapath", "datastore://s/p"),
            Parameter("d", "dataset", default_dataset=DatasetSource(definition)),
            Parameter("text", "string", ""),
            Parameter("flag", "boolean", False),
        ),
        compute_declarations=(ComputeDeclaration("cpu", "AmlCompute", {"max_nodes": 4}),),
        description="žluťoučký",
        default_datastore="store",
        base_directory="/somewhere",
        is_script_run=True,
        reuse=ReusePolicy(verify="exists"),
    )


@pytest.fixture(params=range(25))
def random_graph(request: pytest.FixtureRequest) -> Graph:
    """A graph of random steps; the seed is the parameter."""
    chance = random.Random(request.param)
    steps: list[Step] = []
    for number in range(chance.randrange(0, 12)):
        earlier = [step for step in steps if step.outputs]
        inputs = tuple(
            InputPort(f"in{place}", _random_source(chance, earlier), chance.choice(["mount", "download", "direct"]))
            for place in range(chance.randrange(4))
        )
        outputs = tuple(
            OutputPort(f"out{place}", overwrite=chance.random() < 0.5) for place in range(chance.randrange(3))
        )
        steps.append(
            Step(
                id=f"s{number}",
                name=_random_text(chance),
                kind="python_script",
                arguments=tuple(_random_argument(chance) for _ in range(chance.randrange(5))),
                inputs=inputs,
                outputs=outputs,
                allow_reuse=chance.random() < 0.5,
                settings={_random_text(chance): chance.choice([None, True, 1, 1.5, "", [], {"type": "input"}])},
                run_settings={"node_count": chance.choice([1, None, ParameterRef("p"), {"type": "parameter"}])},
                after=tuple(step.id for step in steps if chance.random() < 0.2),
            )
        )
    return Graph(_random_text(chance), WorkspaceRef("w"), tuple(steps))


def _random_source(chance: random.Random, earlier: list[Step]) -> Source:
    if earlier and chance.random() < 0.6:
        step = chance.choice(earlier)
        return StepOutputSource(step.id, chance.choice(step.outputs).name)
    others: list[Source] = [DatasetSource(name=_random_text(chance)), ParameterSource("p"), TaskSource("t")]
    return chance.choice([*others, DataReferenceSource("s", _random_text(chance))])


def _random_argument(chance: random.Random) -> Argument:
    parts = [_random_text(chance), InputRef("in0"), OutputRef("out0"), ParameterRef("p")]
    return tuple(chance.choice(parts) for _ in range(chance.randrange(4)))


def _random_text(chance: random.Random) -> str:
    return "".join(chance.choice("aZ0_ %#+/\\\"'\n\tžシ\U0001f600{}") for _ in range(chance.randrange(8)))
