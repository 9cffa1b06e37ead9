"""What a fingerprint is made of, byte for byte: whoever changes these texts makes all stored results useless."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from airflow_ml.exceptions import UserErrorException
from airflow_ml.graph import (
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
    Step,
    StepOutputSource,
    TaskSource,
    WorkspaceRef,
)
from airflow_ml.reuse.model import UpstreamOutput
from airflow_ml.reuse.records import record_line

STEP = Step("train", "train", "python_script", script="train.py")


#: The lines of `test_a_step_with_everything`, as they are hashed.
EVERYTHING = """\
["argument","00000","--lr0.1"]
["argument","00001",[{"input":"raw"}]]
["argument","00002",[{"expanded":"$HOME"},"/",{"output":"model"}]]
["argument","00003","--password"]
["argument","00004",{"secret":"d60d638c7f7f3477519021d497a43c3481058f1f29ce27a99846c79cb5e1d119"}]
["environment","channels",["conda-forge","defaults"]]
["environment","conda packages",["numpy","scipy"]]
["environment","docker arguments",["-e",{"secret":"c71db2378f86c41f900eea1cd19b3cace0c7f350f3a64cdfd9de6d1611558c9e"}]]
["environment","image","sha256:dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"]
["environment","pip packages",["pandas==2.2"]]
["environment","python","python=3.10"]
["extra content","","b3:2"]
["extra content","config.yaml","b3:1"]
["input","raw",{"mode":"mount"}]
["input","ready",{"mode":"download","path_on_compute":"ready"}]
["input data","raw",{"content":"a2f3cf81084e86b96a15c065a75de721cc39448f794d71a98c21202f58dfb30f","kind":"reference"}]
["input data","ready",{"content":"eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee","file_name":"table.csv","is_file":true,"kind":"output"}]
["output","model",{"datastore":"workspaceblobstore","destination":"models/{run-id}","is_directory":true,"kind":"pipeline_data","mode":"mount"}]
["run setting","framework","PyTorch"]
["source","","5555555555555555555555555555555555555555555555555555555555555555"]
["step","kind",["python_script",1]]
["step","script","train.py"]
["step","version","7"]
["step setting","of",{"this":"kind"}]
["variable","AML_PARAMETER_api_key",{"secret":"d60d638c7f7f3477519021d497a43c3481058f1f29ce27a99846c79cb5e1d119"}]
["variable","AML_PARAMETER_depth","3"]
["variable","DB_PASSWORD",{"secret":"d60d638c7f7f3477519021d497a43c3481058f1f29ce27a99846c79cb5e1d119"}]
["variable","SEED","2"]
"""  # noqa: E501


def lines(fingerprint):
    """Return the text that is hashed, without its first line."""
    return [record_line(record) for record in fingerprint.records]


def test_the_smallest_step(fingerprint):
    """A script without anything has two records and the default environment."""
    found = fingerprint(STEP, source_digest="5" * 64)

    assert lines(found) == [
        '["environment","","default"]',
        f'["source","","{"5" * 64}"]',
        '["step","kind",["python_script",1]]',
        '["step","script","train.py"]',
    ]
    assert found.digest == "892bcfd5b0aa01817bd3f9ba6f80df66bfaf4bab43779341a7ba0e7f7f17efa2"


def test_a_step_with_everything(fingerprint, put):
    """Every kind of record has its tag, its name and its form."""
    put("raw/a.csv", "a,b\n1,2\n")
    step = replace(
        STEP,
        version="7",
        arguments=(
            ("--lr", ParameterRef("lr")),
            (InputRef("raw"),),
            ("$HOME/", OutputRef("model")),
            ("--password",),
            ("hidden",),
        ),
        inputs=(
            InputPort("raw", DataReferenceSource("blobs", "raw")),
            InputPort("ready", StepOutputSource("prepare", "out"), mode="download", path_on_compute="ready"),
        ),
        outputs=(OutputPort("model", destination="models/{run-id}", is_directory=True),),
        params={"depth": (ParameterRef("depth"),), "api-key": ("hidden",)},
        environment={
            "name": "e",
            "python": {
                "conda_dependencies": {
                    "channels": ["conda-forge", "defaults"],
                    "dependencies": ["python=3.10", "scipy", "numpy", {"pip": ["pandas==2.2", "azureml-defaults"]}],
                }
            },
            "docker": {"base_image": "image@sha256:" + "d" * 64, "arguments": ["-e", "TOKEN=hidden"]},
            "environment_variables": {"SEED": "1", "EXAMPLE_ENV_VAR": "EXAMPLE_VALUE"},
        },
        environment_variables={"SEED": "2", "DB_PASSWORD": "hidden"},
        run_settings={"node_count": ParameterRef("nodes"), "framework": "PyTorch", "shm_size": "8g"},
        settings={"of": {"this": "kind"}},
    )
    facts = {
        "parameters": {"lr": 0.1, "depth": 3, "nodes": 1},
        "source_digest": "5" * 64,
        "extra_content": {"config.yaml": "b3:1", "/somewhere/else": "b3:2"},
        "upstream": {("prepare", "out"): UpstreamOutput("e" * 64, True, "run-1", "table.csv")},
    }

    found = fingerprint(step, **facts)

    assert lines(found) == EVERYTHING.splitlines()
    assert found.digest == "38f1ede69df8dd2d5e77271de00d7a0257542f0bbdb6c8febe52626b7b1d89b9"
    assert "hidden" not in str(found.records)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((1,), ("1",)),
        ((ParameterRef("number"),), ("0.5",)),
        (("--lr=", ParameterRef("number")), ("--lr=0.5",)),
        (("a", "b"), ("ab",)),
        (("$", "HOME"), (ParameterRef("dollar"), "HOME")),
        (("costs 5$",), ("costs ", ParameterRef("five"))),
    ],
)
def test_equal_arguments(fingerprint, one, other):
    """What a script gets counts, not how it came to be."""
    values = {"number": 0.5, "dollar": "$", "five": "5$"}
    texts = [tuple(str(part) if isinstance(part, int) else part for part in argument) for argument in (one, other)]
    found = [fingerprint(replace(STEP, arguments=(argument,)), parameters=values).digest for argument in texts]

    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((("$HOME",),), ((ParameterRef("home"),),)),
        ((("$HOME",),), (("${HOME}",),)),
        ((("a", "b"),), (("a",), ("b",))),
        (((InputRef("raw"),),), (("raw",),)),
        (((InputRef("raw"),),), ((OutputRef("raw"),),)),
        ((("",),), ()),
        ((("1",),), (("1.0",),)),
        ((("true",),), ((ParameterRef("true"),),)),
        ((('{"input":"raw"}',),), ((InputRef("raw"),),)),
    ],
)
def test_arguments_that_differ(fingerprint, one, other):
    """What a script gets differs: expanded text and a value, one argument and two, a port and its name."""
    values = {"home": "$HOME", "true": True}
    found = [fingerprint(replace(STEP, arguments=arguments), parameters=values).digest for arguments in (one, other)]

    assert found[0] != found[1]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_no_number(fingerprint, value):
    """A value that is equal to nothing is refused, because nothing could be compared with it."""
    with pytest.raises(UserErrorException, match=r"step setting 'x': the value .* cannot be compared"):
        fingerprint(replace(STEP, settings={"x": value}))


def test_what_a_step_ignores(fingerprint, put):
    """What `ignore_in_fingerprint` names does not count, wherever it stands."""
    step = replace(
        STEP,
        arguments=(("--build", ParameterRef("build")),),
        inputs=(InputPort("cache", DataReferenceSource("blobs", "cache")),),
        params={"stamp": ("1",)},
        environment_variables={"HOSTS": "a"},
        ignore_in_fingerprint=("parameter:build", "input:cache", "variable:HOSTS", "variable:stamp", "source:*.md"),
    )
    before = fingerprint(step, parameters={"build": 1}).digest

    put("cache/new")
    changed = replace(step, params={"stamp": ("2",)}, environment_variables={"HOSTS": "b"})

    assert fingerprint(changed, parameters={"build": 2}).digest == before
    assert fingerprint(replace(step, ignore_in_fingerprint=()), parameters={"build": 1}).digest != before


def test_a_renamed_parameter_that_is_ignored(fingerprint):
    """An ignored parameter leaves its place among the arguments, not its name."""
    found = [
        fingerprint(
            replace(STEP, arguments=((ParameterRef(name),),), ignore_in_fingerprint=(f"parameter:{name}",))
        ).digest
        for name in ("build", "build_id")
    ]

    assert found[0] == found[1] != fingerprint(STEP).digest


def test_data_of_a_parameter(fingerprint, put):
    """An input that a parameter names counts by the data that its value names, not by the value."""
    put("one/a", "same")
    put("two/a", "same")
    put("three/a", "other")
    step = replace(STEP, inputs=(InputPort("raw", ParameterSource("where")),))
    graph = Graph("p", WorkspaceRef("w"), (step,), (Parameter("where", "datapath", "datastore://blobs/one"),))

    one, two, three = (
        fingerprint(step, graph, parameters={"where": f"datastore://blobs/{name}"}).digest
        for name in ("one", "two", "three")
    )

    assert one == two != three


def test_data_of_an_ignored_parameter(fingerprint):
    """Data that an ignored parameter names does not count either, even if it is not there."""
    step = replace(
        STEP,
        inputs=(InputPort("raw", ParameterSource("data")),),
        ignore_in_fingerprint=("parameter:data",),
    )

    assert fingerprint(step).digest


def test_data_that_a_task_hands_on(fingerprint, context, put):
    """An input from another Airflow task counts by the dataset that was handed on."""
    put("raw/a", "1")
    dataset_id = context.registry.datasets.save({"kind": "file", "sources": [{"datastore": "blobs", "path": "raw"}]})
    step = replace(STEP, inputs=(InputPort("raw", TaskSource("make")),))

    before = fingerprint(step, handed_on={"make": {"dataset_id": dataset_id}}).digest
    put("raw/a", "2")

    assert fingerprint(step, handed_on={"make": {"dataset_id": dataset_id}}).digest != before


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (TaskSource("make"), "input 'raw': task 'make' has handed on no dataset; let it run first"),
        (StepOutputSource("prepare", "out"), "input 'raw': the output 'out' of step 'prepare' is not there"),
        (DatasetSource(name="none"), "input 'raw': .*dataset 'none' version 'latest' is not registered"),
    ],
)
def test_an_input_that_is_not_there(fingerprint, source, text):
    """An input that cannot be found is an error that names it."""
    with pytest.raises(UserErrorException, match=text):
        fingerprint(replace(STEP, inputs=(InputPort("raw", source),)))


def test_the_digest_of_a_changed_secret(fingerprint):
    """A secret is not recorded, and a changed one is seen all the same."""
    found = [fingerprint(replace(STEP, environment_variables={"API_KEY": value})) for value in ("one-1", "two-2")]

    assert found[0].digest != found[1].digest
    assert "one-1" not in str(found)


@pytest.mark.parametrize(
    "step",
    [
        replace(STEP, arguments=(("--password=hid$den",),)),
        replace(STEP, arguments=(("--store",), ("AccountKey=hid==;Path=", OutputRef("model")))),
        replace(STEP, arguments=(("--password",), ("hid$den",))),
        replace(STEP, params={"database": ("Server=a;Password=hid$den",)}),
    ],
)
def test_a_secret_in_pieces(fingerprint, step):
    """A secret is not recorded where the text around it is known in the run only."""
    assert "hid" not in str(fingerprint(step))


def test_parameters_in_notes(fingerprint):
    """Notes name the parameters of an argument, for explanations."""
    found = fingerprint(replace(STEP, arguments=(("--lr", ParameterRef("lr")),)), parameters={"lr": 0.1})

    assert [(record.value, record.note) for record in found.records if record.tag == "argument"] == [
        ("--lr0.1", ["lr"])
    ]


def test_an_outside_path_of_extra_content(fingerprint):
    """Where a file outside of the source directory lies does not count, its content does."""
    one, moved, changed = (
        fingerprint(STEP, extra_content={path: digest}).digest
        for path, digest in (("/a/x", "b3:1"), ("/b/y", "b3:1"), ("/a/x", "b3:2"))
    )

    assert one == moved != changed


def test_two_outside_paths_of_extra_content(fingerprint):
    """Two files outside of the source directory whose contents change places are another step, in whatever order."""
    one, same, other = (
        fingerprint(STEP, extra_content=content).digest
        for content in (
            {"/a/x": "b3:1", "/a/y": "b3:2"},
            {"/b/y": "b3:2", "/b/x": "b3:1"},
            {"/a/x": "b3:2", "/a/y": "b3:1"},
        )
    )

    assert one == same != other


def test_the_page_names_every_tag():
    """The documentation has a row for each tag that records can have."""
    page = (Path(__file__).parents[2] / "docs" / "fingerprint.md").read_text(encoding="utf-8")
    tags = {json.loads(line)[0] for line in EVERYTHING.splitlines()} | {"plugin"}

    assert [tag for tag in sorted(tags) if f"| `{tag}` |" not in page] == []
