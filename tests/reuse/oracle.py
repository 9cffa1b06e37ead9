"""What random pipelines come to, as a pure function of what their scripts say: the oracle, which always recomputes."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from hypothesis import strategies as st

from airflow_ml.graph import (
    DatasetSource,
    Graph,
    InputPort,
    InputRef,
    OutputPort,
    OutputRef,
    Parameter,
    ParameterRef,
    Step,
    StepOutputSource,
    WorkspaceRef,
)

STORE = "workspaceblobstore"
DATASETS = ("raw", "more")
FOLDERS = ("one", "two")

#: Contents of one output or input: text by path; the path of a single file is "".
Tree = Mapping[str, str]

#: Tells scripts how to fail; scripts inherit it from the worker, and it is in no fingerprint.
FAULTS_VARIABLE = "ORACLE_FAULTS"

#: What every script does with what it reads. Few different outputs of lossy steps let their consumers be reused.
_FORMULA = """
def results_of(facts, outputs, is_lossy):
    text = json.dumps(facts, sort_keys=True)
    number = int(hashlib.sha256(text.encode()).hexdigest()[:12], 16)
    number = number % 2 if is_lossy else number
    found = {}
    for name, form in outputs:
        line = "%s %d" % (name, number)
        found[name] = {"": line} if form == "file" else {"part": line, "deep/rest": str(number % 3)}
    return found
"""

_SCRIPT = """
import hashlib, json, os, sys
from shared import SALT

def tree(place):
    if os.path.isfile(place):
        return {"": open(place).read()}
    found = {}
    for root, _, names in os.walk(place):
        for name in names:
            path = os.path.join(root, name)
            found[os.path.relpath(path, place)] = open(path).read()
    return found

given = json.loads(sys.argv[1])
places = sys.argv[2:]
facts = {
    "constant": CONSTANT,
    "salt": SALT,
    "setting": json.load(open("setting.json"))["value"],
    "table": open("table.bin", "rb").read().hex(),
    "given": given["given"],
    "variable": os.environ.get("ORACLE_VARIABLE"),
    "inputs": [tree(place) for place in places[:given["inputs"]]],
}
outputs = given["outputs"]
fault = json.loads(os.environ.get("ORACLE_FAULTS") or "{}").get(NAME)
if fault == "fails":
    sys.exit(3)
for (name, form), place in zip(outputs, places[given["inputs"]:]):
    if fault == "forgets" and name == outputs[-1][0]:
        sys.exit(0)
    for path, text in results_of(facts, outputs, given["is_lossy"])[name].items():
        target = os.path.join(place, path) if path else place
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "w") as file:
            file.write(text)
    if fault == "breaks off":
        sys.exit(4)
"""

_namespace: dict[str, object] = {"json": json, "hashlib": hashlib}
exec(_FORMULA, _namespace)  # the formula of the scripts, and not a second one


@dataclass(frozen=True)
class Node:
    """A step of the pipeline, without what changes from run to run."""

    id: str
    folder: str
    producers: tuple[tuple[str, str], ...]
    datasets: tuple[str, ...]
    outputs: tuple[tuple[str, str], ...]
    is_lossy: bool
    takes_parameter: bool
    is_mounted: bool
    allow_reuse: bool


@dataclass
class Folder:
    """A source directory: texts of files with the line ends that they have just now; `salt` and so on by value."""

    salt: int = 0
    setting: int = 0
    table: str = "1\n"
    ignored: int = 0
    comment: int = 0
    line_end: str = "\n"
    others: dict[str, str] = field(default_factory=dict)

    def counted(self) -> dict[str, str]:
        """Return the files but the scripts, with line ends as they count."""
        return {
            "shared.py": f"# {self.comment}\nSALT = {self.salt}\n",
            "setting.json": f'{{"value": {self.setting}}}\n',
            "table.bin": self.table,
            ".amlignore": "*.tmp\n",
            **self.others,
        }

    def files(self) -> dict[str, str]:
        """Return the files as they lie there."""
        texts = {
            name: text.replace("\n", self.line_end) if name.endswith((".py", ".json")) else text
            for name, text in self.counted().items()
        }
        return {**texts, "notes.tmp": str(self.ignored)}


@dataclass
class Program:
    """One script, and what its step is called with."""

    constant: int = 0
    comment: int = 0
    line_end: str = "\n"
    argument: int = 0
    variable: int = 0

    def counted(self, node: Node) -> str:
        """Return the script's text with line ends as they count."""
        head = f"# {self.comment}\nNAME, CONSTANT = {node.id!r}, {self.constant}\nimport json, hashlib\n"
        return f"{head}{_FORMULA}{_SCRIPT}"


@dataclass
class Project:
    """A pipeline with its source directories: everything that a person can edit."""

    nodes: tuple[Node, ...]
    folders: dict[str, Folder] = field(default_factory=lambda: {name: Folder() for name in FOLDERS})
    programs: dict[str, Program] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.programs = self.programs or {node.id: Program() for node in self.nodes}

    def node(self, node_id: str) -> Node:
        """Return the node of that id."""
        return next(node for node in self.nodes if node.id == node_id)

    def sources(self) -> dict[str, str]:
        """Return every file of the source directories as it lies there."""
        found = {
            f"{name}/{path}": text for name, folder in self.folders.items() for path, text in folder.files().items()
        }
        for node in self.nodes:
            program = self.programs[node.id]
            found[f"{node.folder}/{node.id}.py"] = program.counted(node).replace("\n", program.line_end)
        return found

    def code_of(self, node: Node) -> "Code":
        """Return what a run that starts now has of a step."""
        program, folder = self.programs[node.id], self.folders[node.folder]
        scripts = {
            f"{other.id}.py": self.programs[other.id].counted(other)
            for other in self.nodes
            if other.folder == node.folder
        }
        counted = tuple(sorted({**folder.counted(), **scripts}.items()))
        return Code(
            program.constant, folder.salt, folder.setting, folder.table, program.argument, program.variable, counted
        )

    def graph(self, base: str) -> Graph:
        """Return the pipeline as it is now."""
        parameters = (Parameter("p", "integer", 0),)
        return Graph("oracle", WorkspaceRef("w"), tuple(map(self._step, self.nodes)), parameters, base_directory=base)

    def _step(self, node: Node) -> Step:
        program = self.programs[node.id]
        given = {"inputs": len(node.producers + node.datasets), "outputs": node.outputs, "is_lossy": node.is_lossy}
        text = json.dumps({**given, "given": [program.argument]})
        argument = (text[:-2], ", ", ParameterRef("p"), "]}") if node.takes_parameter else (text,)
        mode = "mount" if node.is_mounted else "download"
        ports = [
            *(InputPort(f"{step}_{name}", StepOutputSource(step, name), mode) for step, name in node.producers),
            *(
                InputPort(
                    name, DatasetSource({"kind": "file", "sources": [{"datastore": STORE, "path": f"{name}/"}]}), mode
                )
                for name in node.datasets
            ),
        ]
        return Step(
            node.id,
            node.id,
            "python_script",
            script=f"{node.id}.py",
            arguments=(
                argument,
                *((InputRef(port.name),) for port in ports),
                *((OutputRef(name),) for name, _ in node.outputs),
            ),
            inputs=tuple(ports),
            outputs=tuple(OutputPort(name) for name, _ in node.outputs),
            source_directory=node.folder,
            environment_variables={"ORACLE_VARIABLE": str(program.variable)},
            allow_reuse=node.allow_reuse,
        )


@dataclass(frozen=True)
class Code:
    """What the result of a step comes from, apart from data and parameters; `counted` are the texts that count."""

    constant: int
    salt: int
    setting: int
    table: str
    argument: int
    variable: int
    counted: tuple[tuple[str, str], ...]

    def results(self, node: Node, parameter: int, inputs: list[Tree]) -> dict[str, Tree]:
        """Return what the step writes."""
        facts = {
            "constant": self.constant,
            "salt": self.salt,
            "setting": self.setting,
            "table": self.table.encode().hex(),
            "given": [self.argument, *([parameter] if node.takes_parameter else [])],
            "variable": str(self.variable),
            "inputs": [dict(tree) for tree in inputs],
        }
        return _namespace["results_of"](facts, node.outputs, node.is_lossy)

    def key(self, node: Node, parameter: int, inputs: list[Tree]) -> str:
        """Return a text that is equal for steps whose results may be taken for each other, and for no others."""
        given = parameter if node.takes_parameter else None
        trees = [sorted(tree.items()) for tree in inputs]
        return json.dumps([node.id, self.counted, self.argument, self.variable, given, trees])


@st.composite
def nodes(draw: st.DrawFn) -> tuple[Node, ...]:
    """Draw a pipeline of two to eight steps."""
    found: list[Node] = []
    for index in range(draw(st.integers(2, 8))):
        there = [(node.id, name) for node in found for name, _ in node.outputs]
        producers = draw(st.lists(st.sampled_from(there), max_size=3, unique=True)) if there else []
        datasets = draw(st.lists(st.sampled_from(DATASETS), max_size=2, unique=True))
        forms = draw(st.lists(st.sampled_from(("file", "folder")), min_size=1, max_size=3))
        found.append(
            Node(
                f"s{index}",
                draw(st.sampled_from(FOLDERS)),
                tuple(producers),
                tuple(datasets),
                tuple((f"o{number}", form) for number, form in enumerate(forms)),
                is_lossy=draw(st.booleans()),
                takes_parameter=draw(st.booleans()),
                is_mounted=draw(st.booleans()),
                allow_reuse=draw(st.integers(0, 9)) > 0,
            )
        )
    return tuple(found)
