"""What of an environment definition counts."""

from itertools import pairwise

import pytest

from airflow_ml.core import Environment
from airflow_ml.core.environment import DEFAULT_CPU_IMAGE
from airflow_ml.exceptions import RunEnvironmentException
from airflow_ml.reuse.environment_records import DEFAULT_IMAGE, Environments
from airflow_ml.reuse.records import record_line

DEFAULT = ['["environment","","default"]']


@pytest.fixture
def lines(context):
    """Function that returns the records of a definition, as they are hashed."""
    return lambda definition: [
        record_line(record) for record in Environments(context.registry, context.digests).records(definition)
    ]


def packages(*pip, conda=(), channels=("conda-forge",), **definition):
    """Return a definition with packages."""
    dependencies = [*conda, {"pip": list(pip)}]
    return {"python": {"conda_dependencies": {"channels": [*channels], "dependencies": dependencies}}, **definition}


def test_the_default_image():
    """The default image of the face is what definitions mean that name none."""
    assert DEFAULT_IMAGE == DEFAULT_CPU_IMAGE


@pytest.mark.parametrize(
    "definition",
    [
        None,
        {},
        Environment("e").to_definition(),
        packages("azureml-defaults", "azureml-core==1.60", conda=["python=3.8", "pip"], name="e", version="7"),
        {"docker": {"shm_size": "9g", "shared_volumes": False, "arguments": []}},
    ],
)
def test_the_default_environment(lines, definition):
    """A definition that asks for nothing is the default environment, whatever its name and its Python."""
    assert lines(definition) == DEFAULT


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (packages("a", "b"), packages("b", "a")),
        (packages("a"), packages("a", "azureml-defaults", "# why", "", name="other")),
        (packages("a", conda=["c=1", "d"]), packages("a", conda=["d", "c=1", "pip"])),
        (packages("a", channels=["x"]), packages("a", channels=["y"])),
        (packages("a  ==1"), packages("a ==1")),
        ({"docker": {"base_image": "r/a:1@sha256:0f"}}, {"docker": {"base_image": "other@sha256:0f"}}),
        ({"docker": {"base_dockerfile": "FROM a\r\n"}}, {"docker": {"base_dockerfile": "FROM a\n"}}),
    ],
)
def test_equal_definitions(lines, one, other):
    """Names and the order of packages do not count, nor channels that nothing is taken from, nor tags of digests."""
    assert lines(one) == lines(other) != DEFAULT


@pytest.mark.parametrize(
    "definitions",
    [
        [packages(*names) for names in (["a"], ["a==1"], ["a", "b"], ["b"])],
        [packages("--pre", "a"), packages("a"), packages("a", "--pre")],
        [packages("a", conda=[f"python=3.{number}"]) for number in (9, 10)],
        [packages(conda=["a"]), packages("a"), packages(conda=["a=1"])],
        [packages(conda=["a"], channels=names) for names in (["x", "y"], ["y", "x"], ["x"])],
        [{"docker": {"base_image": image}} for image in ("a:1", "a:2", "a@sha256:0f", "a@sha256:00")],
        [{"docker": {"base_image": "a", "base_image_registry": name}} for name in ("x", "y")],
        [{"docker": {"base_dockerfile": text}} for text in ("FROM a", "FROM b")],
        [{"docker": {"arguments": words}} for words in (["-e", "A=1"], ["-e", "A=2"])],
        [{"python": {"user_managed_dependencies": True, "interpreter_path": path}} for path in ("python", "/x/python")],
        [{"python": {"base_conda_environment": name}} for name in ("one", "two")],
    ],
)
def test_definitions_that_differ(lines, definitions):
    """Packages, their order among options, Python, channels, image and interpreter count."""
    found = [str(lines(definition)) for definition in definitions]

    assert all(one != other for one, other in pairwise(found))
    assert str(DEFAULT) not in found


def test_packages_of_a_managed_interpreter(lines):
    """Where an interpreter is taken as it is, nothing is installed, so packages do not count."""
    python = {"user_managed_dependencies": True}
    listed = packages("a")["python"] | python

    assert lines({"python": python}) == lines({"python": listed}) == ['["environment","interpreter","python"]']


def test_a_registered_environment(context, lines):
    """A definition by name counts by what the name stands for now."""
    reference = {"by_reference": True, "name": "e", "version": None}
    context.registry.environments.register("e", packages("a"))
    before = lines(reference)

    context.registry.environments.register("e", packages("b"))

    assert before == lines(packages("a"))
    assert lines(reference) == lines(packages("b"))


def test_an_environment_that_is_not_registered(lines):
    """A name that nothing stands for is an error."""
    with pytest.raises(RunEnvironmentException, match="environment 'e' version 'latest' is not registered"):
        lines({"by_reference": True, "name": "e"})


def test_credentials_of_an_index(lines):
    """Credentials in options for pip count and are not recorded."""
    found = [str(lines(packages(f"--index-url https://user:{word}@host/simple", "a"))) for word in ("pass1", "pass2")]

    assert found[0] != found[1]
    assert "pass1" not in found[0]


@pytest.mark.parametrize(
    "definition",
    [
        packages(conda=["numpy"], channels=["https://user:hidden@host/channel"]),
        packages(conda=["numpy"], channels=["https://conda.host/t/hidden/channel"]),
        packages(conda=["https://user:hidden@host/numpy.conda"]),
        {"docker": {"base_dockerfile": "FROM a\nENV API_TOKEN=hidden\n"}},
        {"docker": {"arguments": ["--env", "API_TOKEN=hidden"]}},
    ],
)
def test_credentials_of_a_definition(lines, definition):
    """Credentials in channels, packages and Dockerfiles are not recorded."""
    assert "hidden" not in str(lines(definition))


def test_a_local_wheel(lines, tmp_path):
    """A wheel of this machine counts by name and content, not by its folder."""
    found = []
    for folder, content in (("one", b"1"), ("two", b"1"), ("three", b"2")):
        wheel = tmp_path / folder / "own-1.0-py3-none-any.whl"
        wheel.parent.mkdir()
        wheel.write_bytes(content)
        found.append(lines(packages(str(wheel))))

    assert found[0] == found[1] != found[2]
    assert str(tmp_path) not in str(found)
