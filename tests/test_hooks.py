"""Plugins: how they are found, what they may return, and how their mistakes are reported."""

import io
import logging
import sys
import threading
from datetime import datetime, timezone
from pathlib import Path

import pytest
import tomllib

from airflow_ml import hooks, hookspecs
from airflow_ml.exceptions import ServiceException
from airflow_ml.execution.store_opening import open_recorded
from airflow_ml.graph import Graph, Step, WorkspaceRef
from airflow_ml.hooks import PluginError, Plugins, check_reuse, datastore_kinds, fingerprint_records, normalise_output
from airflow_ml.hookspecs import Record, ReuseAnswer, ReuseQuestion, hookimpl
from airflow_ml.registry import open_registry
from airflow_ml.registry.sealing import seal_secrets

EXAMPLE = Path(__file__).parents[1] / "docs" / "examples" / "season"
STEP = Step("train", "train", "python_script")
GRAPH = Graph("season model", WorkspaceRef("w"), (STEP,))
QUESTION = ReuseQuestion(None, None, GRAPH, STEP, {}, "f" * 64, ())


@pytest.fixture
def plugins(monkeypatch):
    """No plugins but those that the test registers."""
    loaded = Plugins()
    monkeypatch.setattr(hooks, "_loaded", loaded)
    return loaded


@pytest.fixture
def unloaded(monkeypatch):
    """A process that has not loaded its plugins yet."""
    monkeypatch.setattr(hooks, "_loaded", None)


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Function that puts a package with modules and entry points where Python finds it, as an installer does."""

    def install(entry_points, **modules):
        for name, text in modules.items():
            (tmp_path / f"{name}.py").write_text(text)
        folder = tmp_path / "example-1.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: example\nVersion: 1.0\n")
        lines = [f"{name} = {value}" for name, value in entry_points.items()]
        (folder / "entry_points.txt").write_text("\n".join(["[airflow_ml]", *lines]))
        monkeypatch.syspath_prepend(tmp_path)

    yield install
    for name in [name for name, module in sys.modules.items() if str(tmp_path) in str(getattr(module, "__file__", ""))]:
        del sys.modules[name]


def plugin(**functions):
    """Return an object with these functions as implementations of hooks."""
    return type("Plugin", (), {name: staticmethod(hookimpl(function)) for name, function in functions.items()})()


def test_packages_are_looked_at_again_where_something_was_installed(install, monkeypatch):
    """What was found is kept for as long as no folder of Python's path changes; a new plugin is found at once."""
    monkeypatch.setattr(hooks, "_installed", None)
    found = hooks.find_installed()
    assert hooks.find_installed() is found

    install({"example": "example_plugin"})

    assert {entry.name for entry in hooks.find_installed()} == {*(entry.name for entry in found), "example"}


def test_ours_are_plugins(unloaded):
    """The built-in answer is registered like anybody's, and loaded once."""
    loaded = hooks.plugins()

    assert "airflow_ml.reuse.lookup" in loaded.implementing("airflow_ml_check_reuse")
    assert hooks.plugins() is loaded


def test_plugins_of_packages(unloaded, install):
    """A plugin is found by the entry point of its package."""
    text = "from airflow_ml.hookspecs import hookimpl\n@hookimpl\ndef airflow_ml_fingerprint_records(step):\n"
    install({"mine": "example_plugin"}, example_plugin=f"{text}    return [('name', step.name)]\n")

    assert Record("plugin", "mine: name", "train") in fingerprint_records(STEP, GRAPH, {})


@pytest.mark.parametrize("text", ["1 / 0", "import not_there"])
def test_a_plugin_that_cannot_be_loaded(unloaded, install, text):
    """A broken plugin is an error at each question: without it something could be reused that it would refuse."""
    install({"mine": "broken_plugin"}, broken_plugin=text)

    for _ in range(2):
        with pytest.raises(PluginError, match=r"plugin 'mine' \(broken_plugin\) cannot be loaded: .*uninstall it"):
            check_reuse(QUESTION)


def test_a_misspelt_hook(unloaded, install):
    """An implementation of a hook that does not exist is an error when plugins are loaded."""
    text = "from airflow_ml.hookspecs import hookimpl\n@hookimpl\ndef airflow_ml_chek_reuse(question):\n    pass\n"
    install({"mine": "misspelt_plugin"}, misspelt_plugin=text)

    with pytest.raises(PluginError, match=r"plugin 'mine': .*airflow_ml_chek_reuse.*hookspecs"):
        hooks.plugins()


def test_an_unknown_argument(unloaded, install):
    """An implementation that asks for an argument that its hook has not is an error that names the plugin."""
    text = "from airflow_ml.hookspecs import hookimpl\n@hookimpl\ndef airflow_ml_check_reuse(queston):\n    pass\n"
    install({"mine": "unknown_plugin"}, unknown_plugin=text)

    with pytest.raises(PluginError, match=r"plugin 'mine'.*queston"):
        hooks.plugins()


def test_the_first_answer(plugins):
    """The plugin that was registered last is asked first, and what is not None is the answer."""
    plugins.register(plugin(airflow_ml_check_reuse=lambda question: ReuseAnswer.of("one")), "one")
    plugins.register(plugin(airflow_ml_check_reuse=lambda question: ReuseAnswer.of("two")), "two")
    plugins.register(plugin(airflow_ml_check_reuse=lambda question: None), "three")

    assert check_reuse(QUESTION) == ReuseAnswer.of("two")


def test_records_of_all(plugins):
    """What every plugin gives counts, under the plugin's name."""
    plugins.register(plugin(airflow_ml_fingerprint_records=lambda: [("a", 1)]), "one")
    plugins.register(plugin(airflow_ml_fingerprint_records=lambda parameters: parameters.items()), "two")
    plugins.register(plugin(airflow_ml_fingerprint_records=lambda: None), "three")

    found = fingerprint_records(STEP, GRAPH, {"b": [2]})

    assert set(map(str, found)) == {str(Record("plugin", "one: a", 1)), str(Record("plugin", "two: b", [2]))}


def failing(error):
    """Return an implementation that raises."""

    def fail():
        raise error

    return fail


@pytest.mark.parametrize("name", ["airflow_ml_check_reuse", "airflow_ml_fingerprint_records"])
def test_an_exception(plugins, name):
    """An exception becomes an error that names plugin, hook and cause."""
    plugins.register(plugin(**{name: failing(KeyError("oh"))}), "mine")

    with pytest.raises(PluginError, match=f"plugin 'mine': {name} raised KeyError: 'oh'") as error:
        check_reuse(QUESTION) if name == "airflow_ml_check_reuse" else fingerprint_records(STEP, GRAPH, {})

    assert isinstance(error.value.inner_exception, KeyError)


def test_a_plugin_that_exits(plugins):
    """`sys.exit` in a plugin ends no process: it is a mistake of the plugin like an exception."""
    plugins.register(plugin(airflow_ml_check_reuse=failing(SystemExit(3))), "mine")

    with pytest.raises(PluginError, match="plugin 'mine': airflow_ml_check_reuse raised SystemExit: 3"):
        check_reuse(QUESTION)


def test_a_slow_plugin(plugins, monkeypatch, caplog):
    """A plugin that takes long is named in the log while it still runs, and when it has returned."""
    monkeypatch.setattr("airflow_ml._slow_calls.SLOW_SECONDS", 0.05)
    named = threading.Event()

    class Listener(logging.Handler):
        def emit(self, record):
            if "still runs" in record.getMessage():
                named.set()

    monkeypatch.setattr(logging.getLogger("airflow_ml._slow_calls"), "handlers", [Listener()])
    plugins.register(
        plugin(airflow_ml_check_reuse=lambda: None if named.wait(60) else ReuseAnswer.refused("never named")), "mine"
    )

    check_reuse(QUESTION)

    assert named.is_set()
    first, second = [record.getMessage() for record in caplog.records]
    assert first.startswith("plugin 'mine': airflow_ml_check_reuse has taken 0 seconds and still runs")
    assert second.startswith("plugin 'mine': airflow_ml_check_reuse has returned after ")


def test_a_service_that_is_down(plugins):
    """A plugin's ServiceException passes: the task is tried again."""
    plugins.register(plugin(airflow_ml_check_reuse=failing(ServiceException("down"))), "mine")

    with pytest.raises(ServiceException, match=r"^down$"):
        check_reuse(QUESTION)


def test_an_exception_of_a_generator(plugins):
    """A generator that raises between two records is reported like others."""

    def give():
        yield "a", 1
        raise ValueError("no more")

    plugins.register(plugin(airflow_ml_fingerprint_records=give), "mine")

    with pytest.raises(PluginError, match=r"plugin 'mine': .* raised ValueError: no more"):
        fingerprint_records(STEP, GRAPH, {})


@pytest.mark.parametrize("answer", [True, "run-1", ("run-1",)])
def test_no_answer(plugins, answer):
    """Something else than an answer is an error that names plugin and hook."""
    plugins.register(plugin(airflow_ml_check_reuse=lambda: answer), "mine")

    with pytest.raises(PluginError, match=r"plugin 'mine': airflow_ml_check_reuse returned .*; expected ReuseAnswer"):
        check_reuse(QUESTION)


@pytest.mark.parametrize(
    "records", ["ab", [1], [("a",)], [(1, "a")], 7, {"a": 1}, [("a", {1})], [("a", float("nan"))], [("a", b"")]]
)
def test_no_records(plugins, records):
    """Something else than pairs of name and JSON value is an error that names plugin and hook."""
    plugins.register(plugin(airflow_ml_fingerprint_records=lambda: records), "mine")

    with pytest.raises(PluginError, match="plugin 'mine': airflow_ml_fingerprint_records"):
        fingerprint_records(STEP, GRAPH, {})


def test_mistakes_of_a_wrapper(plugins):
    """A wrapper is named for its own mistakes, and not for those of the implementation below it."""

    @hookimpl(wrapper=True)
    def wrap(question):
        return (yield) and 1 / 0

    wrapper = type("Wrapper", (), {"airflow_ml_check_reuse": staticmethod(wrap)})()
    plugins.register(wrapper, "wrapper")
    plugins.register(plugin(airflow_ml_check_reuse=lambda: ReuseAnswer.of("run")), "below")
    with pytest.raises(PluginError, match=r"plugin 'wrapper': .* raised ZeroDivisionError"):
        check_reuse(QUESTION)

    plugins.unregister(name="below")
    plugins.register(plugin(airflow_ml_check_reuse=failing(KeyError("oh"))), "failing")
    with pytest.raises(PluginError, match="plugin 'failing'"):
        check_reuse(QUESTION)


def test_a_plugin_without_a_name(plugins):
    """A plugin that was registered without a name is called by its type, the same in every process."""
    registered = plugins.register(plugin(airflow_ml_fingerprint_records=lambda: [("a", 1)]))

    assert registered == f"{__name__}.Plugin"


def test_a_normaliser(plugins):
    """The plugin that knows a normaliser's name reads the file in pieces; an unknown name is an error."""
    known = lambda normaliser, source: iter(source.readline, b"") if normaliser == "lines" else None  # noqa: E731
    plugins.register(plugin(airflow_ml_normalise_output=known), "mine")

    assert list(normalise_output("lines", "a", io.BytesIO(b"1\n2\n"))) == [b"1\n", b"2\n"]
    with pytest.raises(
        PluginError, match=r"normaliser 'other' is known to no plugin \(plugins with normalisers: mine\)"
    ):
        normalise_output("other", "a", io.BytesIO())


def cut_short(source):
    """Give a piece, and fail."""
    yield source.read(1)
    raise OSError("cut short")


@pytest.mark.parametrize("pieces", [lambda: "text", lambda: b"text", lambda: ["text"], lambda: 7, cut_short])
def test_a_normaliser_that_fails(plugins, pieces):
    """A normaliser that raises, or gives something else than pieces of bytes, is an error that names it."""
    plugins.register(plugin(airflow_ml_normalise_output=pieces), "mine")

    with pytest.raises(PluginError, match="plugin 'mine': airflow_ml_normalise_output"):
        list(normalise_output("any", "a", io.BytesIO(b"1")))


@pytest.fixture
def example(unloaded, install, monkeypatch):
    """The example of the documentation, installed, with a result below it that ended at a time that the test gives."""
    group = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]["entry-points"]["airflow_ml"]
    install(group, **{path.stem: path.read_text() for path in EXAMPLE.glob("*.py")})
    loaded = hooks.plugins()
    loaded.unregister(name="airflow_ml.reuse.lookup")
    return lambda ended_at: loaded.register(
        plugin(airflow_ml_check_reuse=lambda: ReuseAnswer.of("old", ended_at=ended_at)), "result"
    )


def test_the_example_within_a_season(example):
    """A result of this season is reused."""
    example(datetime.now(timezone.utc))

    assert check_reuse(QUESTION).run_id == "old"


def test_the_example_after_a_season(example):
    """A result of another season is refused, with a reason for people."""
    example(datetime(2019, 12, 24, tzinfo=timezone.utc))

    answer = check_reuse(QUESTION)

    assert answer.run_id is None
    assert answer.reason.startswith("the result of run old is from the winter of 2020, and it is the ")


def test_the_example_over_the_turn_of_a_year(example):
    """December and January are one winter."""
    season = sys.modules["airflow_ml_season"]._season

    assert season(datetime(2025, 12, 1)) == season(datetime(2026, 2, 28)) != season(datetime(2026, 12, 1))  # noqa: DTZ001


def test_the_example_with_records(example):
    """Versions of the worker's libraries count for steps that run with them."""
    records = fingerprint_records(STEP, GRAPH, {})

    assert [record.name for record in records] == ["worker-libraries: numpy", "worker-libraries: pandas"]
    assert fingerprint_records(Step("s", "s", "k", environment={"name": "e"}), GRAPH, {}) == ()


def test_every_hook_is_documented():
    """Each hook has a heading in the documentation."""
    text = (EXAMPLE.parents[1] / "hooks.md").read_text()
    names = [name for name in hookspecs.__all__ if name.startswith("airflow_ml_")]

    assert [name for name in names if f"## {name}\n" not in text] == []


def test_plugins_bring_kinds_of_datastores(plugins, home):
    """A datastore of a plugin's kind is opened by the plugin's function, with settings, folder and secrets."""
    opened = []
    plugins.register(plugin(airflow_ml_datastore_kinds=lambda: {"shelf": lambda *given: opened.append(given)}))
    with open_registry(WorkspaceRef("w")) as registry:
        secret = seal_secrets({"word": "sesame"})
        record = registry.datastores.put("s", type="Shelf", settings={"kind": "shelf"}, secret=secret)

        open_recorded(registry, record)

        (settings, context) = opened[0]
        assert (settings, context.name, context.root.name) == ({"kind": "shelf"}, "s", "s")
        assert context.credentials() == {"word": "sesame"}


def test_two_plugins_cannot_give_one_kind(plugins):
    """Which of the two would open a datastore would be chance; something else than a mapping is refused too."""
    for name in ("one", "other"):
        plugins.register(plugin(airflow_ml_datastore_kinds=lambda: {"shelf": print}), name=name)
    with pytest.raises(PluginError, match="'shelf'"):
        datastore_kinds()

    plugins.register(plugin(airflow_ml_datastore_kinds=lambda: ["shelf"]), name="wrong")
    with pytest.raises(PluginError, match="'wrong': airflow_ml_datastore_kinds returned"):
        datastore_kinds()
