"""What is said of a step that has to run."""

from dataclasses import replace
from pathlib import Path

import pytest

from airflow_ml.graph import (
    DataReferenceSource,
    Graph,
    InputPort,
    InputRef,
    OutputPort,
    OutputRef,
    ParameterRef,
    Step,
    WorkspaceRef,
)
from airflow_ml.hookspecs import Record
from airflow_ml.reuse.difference_texts import difference_sentences
from airflow_ml.reuse.differences import Comparison
from airflow_ml.reuse.fingerprint import StepFacts, fingerprint_step
from airflow_ml.reuse.input_identity import InputIdentities
from airflow_ml.snapshots.capture import capture, hash_only

STEP = Step("train", "train", "python_script", script="train.py", source_directory="src")
ENVIRONMENT = {
    "python": {
        "user_managed_dependencies": False,
        "conda_dependencies": {
            "dependencies": ["python=3.11", {"pip": ["numpy==1.26", "pandas", "xgboost"]}],
            "channels": ["defaults"],
        },
    }
}


def with_packages(*packages, python="3.11"):
    """Return the environment with other packages."""
    conda = {"dependencies": [f"python={python}", {"pip": list(packages)}], "channels": ["defaults"]}
    return {"python": {"user_managed_dependencies": False, "conda_dependencies": conda}}


@pytest.fixture
def said(context, fingerprint):
    """Return what is said of a step that was another one before; facts of both by name."""

    def say(old: Step, new: Step, old_facts=None, new_facts=None) -> list[str]:
        before, after = fingerprint(old, **(old_facts or {})), fingerprint(new, **(new_facts or old_facts or {}))
        graph = Graph("p", WorkspaceRef("w"), (new,))
        return difference_sentences(Comparison(context, before.records, after.records, (new, graph)))

    return say


@pytest.mark.parametrize(
    ("old", "new", "sentences"),
    [
        ({"script": "train.py"}, {"script": "fit.py"}, ["script train.py -> fit.py"]),
        ({}, {"version": "2"}, ["version none -> 2"]),
        ({"kind": "python_script"}, {"kind": "command"}, ["kind python_script -> command"]),
        (
            {"arguments": (("--epochs=5",),)},
            {"arguments": (("--epochs=6",),)},
            ["argument 1 '--epochs=5' -> '--epochs=6'"],
        ),
        (
            {"arguments": (("--epochs",), ("5",))},
            {"arguments": (("--epochs",), ("6",))},
            ["argument 2 (--epochs) '5' -> '6'"],
        ),
        (
            {"arguments": (("a",), ("c",))},
            {"arguments": (("a",), ("--b",), ("x",), ("c",))},
            ["arguments --b x added"],
        ),
        ({"arguments": (("a",), ("b",))}, {"arguments": (("b",),)}, ["argument a removed"]),
        (
            {"arguments": (("--password",), ("old",))},
            {"arguments": (("--password",), ("new",))},
            ["argument 2 (--password) changed"],
        ),
        (
            {"environment_variables": {"API_KEY": "one", "MODE": "a"}},
            {"environment_variables": {"API_KEY": "two", "MODE": "b", "NEW": "x"}},
            ["variable API_KEY changed", "variable MODE a -> b", "variable NEW added"],
        ),
        (
            {"environment": ENVIRONMENT},
            {"environment": with_packages("numpy==2.0", "pandas", "scipy")},
            ["environment: numpy 1.26 -> 2.0, scipy added, xgboost removed"],
        ),
        (
            {"environment": ENVIRONMENT},
            {"environment": with_packages("numpy==1.26", "pandas", "xgboost", python="3.12")},
            ["environment: python 3.11 -> 3.12"],
        ),
        (
            {"outputs": (OutputPort("model", destination="a"),)},
            {"outputs": (OutputPort("model", destination="b"), OutputPort("more"))},
            ["output model: destination 'a' -> 'b'", "output more added"],
        ),
        ({}, {"run_settings": {"process_count_per_node": 2}}, ["process_count_per_node default -> 2"]),
    ],
)
def test_what_a_step_says_differs_is_said(said, old, new, sentences):
    """Each difference is one short sentence, code first; secrets are never in it."""
    assert said(replace(STEP, **old), replace(STEP, **new)) == sentences


def test_a_parameter_is_called_by_its_name(said):
    """A value that comes from a pipeline parameter is told by the parameter, once, wherever the step uses it."""
    rate = ParameterRef("rate")
    step = replace(STEP, arguments=(("--rate",), (rate,)), params={"rate": (rate,)})

    assert said(step, step, {"parameters": {"rate": 0.1}}, {"parameters": {"rate": 0.2}}) == [
        "parameter rate 0.1 -> 0.2"
    ]


def test_a_secret_parameter_is_told_once(said):
    """Neither its value is said nor, beside its name, the arguments that hold it."""
    step = replace(STEP, arguments=(("--password",), (ParameterRef("password"),)))
    step = replace(step, params={"password": (ParameterRef("password"),)})

    assert said(step, step, {"parameters": {"password": "old"}}, {"parameters": {"password": "new"}}) == [
        "parameter password changed"
    ]


def test_a_literal_that_becomes_a_parameter_is_told_by_its_name(said):
    """Records of before know no parameter then; the new ones do."""
    old = replace(STEP, arguments=(("0.1",),))
    new = replace(STEP, arguments=((ParameterRef("rate"),),))

    assert said(old, new, {}, {"parameters": {"rate": 0.2}}) == ["parameter rate 0.1 -> 0.2"]


def test_long_values_are_cut(said):
    """No value fills a page."""
    (sentence,) = said(replace(STEP, arguments=(("x" * 500,),)), replace(STEP, arguments=(("y" * 500,),)))

    assert len(sentence) < 160
    assert "..." in sentence


def test_ports_have_names_in_the_place_of_paths(said):
    """An argument of a path says which input or output it is."""
    reads = InputPort("raw", DataReferenceSource("blobs", "raw"))
    old = replace(STEP, inputs=(reads,), arguments=(("--in=", InputRef("raw")),))
    new = replace(old, outputs=(OutputPort("model"),), arguments=(("--in=", InputRef("raw")), (OutputRef("model"),)))

    assert said(old, new) == ["argument <output model> added", "output model added"]


def test_plugins_are_called_by_their_names(context):
    """What a plugin added is said under its name."""
    old, new = (
        [Record("plugin", name, value) for name, value in pairs]
        for pairs in (
            [("season: season", "winter"), ("lab: room", 1)],
            [("season: season", "spring"), ("lab: room", 2)],
        )
    )

    assert difference_sentences(Comparison(context, old, new)) == [
        "plugin lab room: 1 -> 2",
        "plugin season: winter -> spring",
    ]


def test_not_even_digests_of_secrets_are_said(context):
    """Wherever a secret stands in a value, a sentence has a word for it."""
    old, new = (
        [
            Record("environment", "pip packages", [{"secret": digest}, {"file": "own.whl", "digest": digest}]),
            Record("run setting", "docker_arguments", ["-e", {"secret": digest}]),
        ]
        for digest in ("0123", "4567")
    )

    assert difference_sentences(Comparison(context, old, new)) == [
        'docker_arguments ["-e","(secret)"] -> ["-e","(secret)"]',
        "environment: (secret) added, own.whl changed, (secret) removed",
    ]


def test_records_of_an_unknown_kind_are_said_all_the_same(context):
    """A later version's records do not break an older explanation."""
    old, new = [Record("phase", "moon", {"age": 3})], [Record("phase", "moon", {"age": 4})]

    assert difference_sentences(Comparison(context, old, new)) == ["phase moon age 3 -> 4"]


@pytest.fixture
def source(context, tmp_path, monkeypatch):
    """Return a function that writes files of `src` and gives the facts of the step's code as it is then."""
    monkeypatch.chdir(tmp_path)

    def write(stored=True, **files):
        folder = Path("src")
        folder.mkdir(exist_ok=True)
        for name, text in files.items():
            place = folder / f"{name}.py"
            place.unlink(missing_ok=True) if text is None else place.write_text(text)
        snapshot = capture(folder, context.artifacts) if stored else hash_only(folder)
        return {"snapshot_id": snapshot.id, "source_digest": snapshot.source_digest}

    return write


def test_changed_source_files_are_named_the_script_first(said, source):
    """The script comes first, whatever the order of names; added and removed files are told apart."""
    old = source(train="1", model="1", gone="1", same="1")
    new = source(train="2", model="2", gone=None, fresh="1")

    assert said(STEP, STEP, old, new) == [
        "train.py changed (2 files, also model.py)",
        "1 source file added (fresh.py)",
        "1 source file removed (gone.py)",
    ]


def test_source_files_that_do_not_count_are_not_named(said, source):
    """What `ignore_in_fingerprint` takes out is not said to have changed."""
    step = replace(STEP, ignore_in_fingerprint=("source:notes.py",))

    assert said(step, step, source(train="1", notes="1"), source(train="2", notes="2")) == ["train.py changed"]


def test_source_files_of_a_plan_are_named_too(said, source):
    """A plan stores no snapshot: the files are compared as they lie there."""
    assert said(STEP, STEP, source(train="1"), source(stored=False, train="2")) == ["train.py changed"]


def test_many_files_are_counted(said, source):
    """Five names are enough."""
    old = source(**{f"f{number}": "1" for number in range(8)})
    new = source(**{f"f{number}": "2" for number in range(8)})

    assert said(STEP, STEP, old, new) == ["f0.py changed (8 files, also f1.py, f2.py, f3.py, f4.py and 3 more)"]


def test_lost_snapshots_make_a_sentence_shorter(said, source, context):
    """What was collected cannot be compared by file; that is no error."""
    old, new = source(train="1"), source(train="2")
    for info in list(context.artifacts.list("snapshots")):
        context.artifacts.delete(info.path)

    assert said(STEP, replace(STEP, source_directory=None), old, new) == ["source directory changed"]


@pytest.fixture
def data(context, put):
    """Return a function that writes files of the input `raw` and gives the step's records of them."""
    step = replace(STEP, inputs=(InputPort("raw", DataReferenceSource("blobs", "raw")),))
    graph = Graph("p", WorkspaceRef("w"), (step,))

    def write(keep=True, **files):
        for name, text in files.items():
            context.store("blobs").delete(f"raw/{name}.csv") if text is None else put(f"raw/{name}.csv", text)
        identities = InputIdentities(context, keep_listings=keep)
        return fingerprint_step(step, graph, StepFacts(), identities).records

    return write


def test_changed_files_of_an_input_are_counted_and_named(data, context):
    """How many of how many, and the first names; what was added and removed is told apart."""
    old = data(a="1", b="1", c="1", d="1")
    changed = data(a="2", b="2")
    other = data(e="1", f="1", c=None)

    assert difference_sentences(Comparison(context, old, changed)) == ["input raw: 2 of 4 files changed (a.csv, b.csv)"]
    assert difference_sentences(Comparison(context, changed, other)) == [
        "input raw: 2 files added (e.csv, f.csv), 1 removed (c.csv)"
    ]


def test_lost_lists_make_a_sentence_shorter(data, context):
    """Without the list of files the number of them is what is left, or that something changed."""
    old, more, same = data(a="1"), data(b="1"), data(b="2")
    for folder in (context.home.cache / "listings", Path(str(context.artifacts.local_path(".airflow_ml")))):
        for place in folder.rglob("*.json.gz"):
            place.unlink()

    assert difference_sentences(Comparison(context, old, more)) == ["input raw: 1 -> 2 files"]
    assert difference_sentences(Comparison(context, more, same)) == ["input raw: content changed"]


def test_a_dataset_that_lies_elsewhere_is_told_by_its_places(context):
    """Where the places of a dataset count, the sentence has both, and no JSON."""
    old, new, more = (
        [Record("input data", "raw", {"content": "c", "sources": [{"datastore": "s", "path": path} for path in paths]})]
        for paths in (["a.csv"], ["b.csv"], ["a.csv", "b.csv"])
    )

    assert difference_sentences(Comparison(context, old, new)) == [
        "input raw: it lies at 's/b.csv', before at 's/a.csv'"
    ]
    assert difference_sentences(Comparison(context, old, more)) == [
        "input raw: its places are other ones (s/a.csv, s/b.csv)"
    ]
