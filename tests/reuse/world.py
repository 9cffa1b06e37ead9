"""A real workspace beside the oracle: pipelines run in it, and whatever a step takes or writes is compared."""

import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

from moments import Moment, Run, read, write
from oracle import FAULTS_VARIABLE, STORE, Node, Project, Tree
from zygote import Environments

from airflow_ml.exceptions import AzureMLException, StepFailedError
from airflow_ml.execution import reusing
from airflow_ml.execution.attempt import Control
from airflow_ml.execution.model import Airflow, StepTask
from airflow_ml.execution.pipelines import Opening, close_pipeline, enter_pipeline, open_pipeline
from airflow_ml.execution.services import Services
from airflow_ml.execution.steps import take_step
from airflow_ml.execution.stores import Stores
from airflow_ml.graph import WorkspaceRef
from airflow_ml.registry import Home, RunRecord, open_registry
from airflow_ml.reuse.collection import collect_garbage
from airflow_ml.reuse.garbage import Terms

#: What happened in all examples together.
COUNTS: Counter[str] = Counter()


class FalseHitError(AssertionError):
    """A step has outputs that its computation would not have given."""


class NeedlessMissError(AssertionError):
    """A step ran although a result was there that it could have taken."""


class World:
    """One workspace, its project and data, and the oracle's memory of every computation."""

    def __init__(self, nodes: tuple[Node, ...], root: Path, shared: Path, launcher: object) -> None:
        self.project = Project(nodes)
        self.root = root
        registry = open_registry(WorkspaceRef("w"), home=Home(root))
        environments = Environments(shared / "environments", sys.executable)
        self.services = Services(registry, Home(shared), launcher, environments, Stores(registry))
        self.registry = registry
        self.runs: list[Run] = []
        self.data: list[dict[str, dict[str, str]]] = [{"raw": {"a": "1", "b": "1"}, "more": {"c": "1"}}]
        self.keys: dict[str, str] = {}
        self.offers: dict[str, list[str]] = {}
        self.committed: dict[str, dict[str, Tree]] = {}
        self.changed: dict[tuple[str, str, str], str] = {}
        self.faults: dict[str, str] = {}
        self.during: tuple[str, Callable[[], None]] | None = None
        environments.hook = self._hook
        if hasattr(launcher, "at"):
            launcher.at = self._hook
        self.write_sources()
        self.write_data(self.data[0])

    def close(self) -> None:
        """Close the registry."""
        self.registry.close()

    # -- what people edit

    def write_sources(self) -> None:
        """Write the source directories as the project has them; files that are right already are left alone."""
        wanted = {self.root / "src" / path: text.encode() for path, text in self.project.sources().items()}
        for path in (self.root / "src").rglob("*"):
            if path.is_file() and path not in wanted:
                path.unlink()
        for path, content in wanted.items():
            if not path.exists() or path.read_bytes() != content:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)

    def write_data(self, data: dict[str, dict[str, str]], *, keeps_times: bool = False) -> None:
        """Make this the data on the datastore."""
        for name, files in data.items():
            folder = self.place(name)
            folder.mkdir(parents=True, exist_ok=True)
            for path in folder.iterdir():
                if path.name not in files:
                    path.unlink()
            for path, text in files.items():
                write(folder / path, text, keeps_times=keeps_times)
        self.data.append({name: dict(files) for name, files in data.items()})

    def place(self, path: str) -> Path:
        """Return where a path of the datastore lies."""
        return Path(str(self.services.store(STORE).local_path(path)))

    # -- runs

    def start(self, mode: str, parameter: int, *, is_told: bool) -> Run:
        """Open a run and decide its steps as the first task of a DAG run does."""
        graph = self.project.graph(str(self.root / "src"))
        dag_run = os.urandom(6).hex()
        opening = Opening("e", "d", dag_run, parameters={"p": parameter}, details={"reuse": mode})
        record = open_pipeline(self.services, graph, opening)
        record = self.registry.runs.set_status(record.id, "Running")
        codes = {node.id: self.project.code_of(node) for node in self.project.nodes}
        run = Run(record, graph, codes, mode, parameter, Airflow("d", dag_run, ""))
        self.runs.append(run)
        self.look(run, is_told=is_told)
        return run

    def look(self, run: Run, *, is_told: bool) -> None:
        """Decide the run's steps; a process that dies before it told Airflow does it again."""
        found = reusing.decide_first(self.services, run.graph, self._record(run), run.place)
        for item in found.reused:
            self._adopted(run, item)
        if is_told:
            self._tell(run, found.reused)

    def next_step(self, run: Run) -> Node | None:
        """Return the step that starts next."""
        for node in self.project.nodes:
            if node.id not in run.taken or node.id in run.silent | run.cleared | run.died:
                return node
        return None

    def advance(self, run: Run, *, is_told: bool = True, is_retried: bool = False) -> str:
        """Start the next step; returns what became of it."""
        node = self.next_step(run)
        if node is None:
            return self.end(run)
        return self.advance_step(run, node, is_told=is_told, is_retried=is_retried)

    def advance_step(self, run: Run, node: Node, *, is_told: bool = True, is_retried: bool = False) -> str:
        """Start a step whose producers have run."""
        before = self._moment(run, node)
        fault = self.faults.pop(node.id, None)
        os.environ[FAULTS_VARIABLE] = json.dumps({node.id: fault})
        try:
            taken = self._take(run, node, run.next_try(node.id), is_retried=is_retried)
        except AzureMLException as error:
            return self._failed(run, node, error, fault, is_retried=is_retried)
        finally:
            os.environ.pop(FAULTS_VARIABLE, None)
        if isinstance(taken, reusing.Waiting):
            COUNTS["waits"] += 1
            return "waits"
        COUNTS["steps"] += 1
        if node.id in run.died:
            assert taken.result.step_run_id == run.taken[node.id], "a try that had completed ran once more"
            run.died.discard(node.id)
        elif isinstance(taken, reusing.Reused):
            self._adopted(run, taken)
            self._tell(run, [taken])
        else:
            assert fault is None or fault == "breaks off" or not node.outputs, f"{fault} completed"
            self._computed(run, node, taken.step_run_id, before)
        found = reusing.decide_after(self.services, run.graph, self._record(run), node.id, run.place)
        for item in found:
            self._adopted(run, item)
        if is_told:
            self._tell(run, found)
        return "done"

    def end(self, run: Run) -> str:
        """Close a run."""
        close_pipeline(self.services, run.record.id)
        self.runs.remove(run)
        return "over"

    def run_to_end(self, run: Run) -> None:
        """Take all steps; leases that nobody holds any more do not stop it."""
        while run in self.runs:
            if self.advance(run) == "waits":
                self.expire_leases()

    # -- what goes wrong

    def expire_leases(self) -> None:
        """Let the time of all leases be over."""
        with self.registry.experiments._database.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE aml_fingerprint_leases SET expires_at = 0")

    def kill(self, run: Run, patch: Callable[[], None]) -> None:
        """Take the next step in a process that dies where the patch says."""
        node = self.next_step(run)
        if node is None:
            return
        before, place = self._moment(run, node), run.next_try(node.id)
        pid = os.fork()
        if pid == 0:
            try:
                patch()
                self._take(run, node, place)
            finally:
                os._exit(0)
        _, status = os.waitpid(pid, 0)
        COUNTS["kills"] += os.WIFSIGNALED(status)
        newest = next(iter(self.registry.runs.attempts(run.record.id, node.id)), None)
        if newest is None or newest.status != "Completed" or node.id in run.silent | run.died:
            return
        if newest.properties.get("azureml.isreused"):
            self._check_adopted(run, node, newest.id)
        elif newest.id not in self.committed:
            self._computed(run, node, newest.id, before)
            run.died.add(node.id)

    def change_output(self, how: str, choose: Callable[[int], int]) -> None:
        """Edit or delete a file of an output that is there, or mend one."""
        if how == "mend":
            if not self.changed:
                return
            source, output, path = sorted(self.changed)[choose(len(self.changed))]
            text = self.changed.pop((source, output, path))
            target = self._file_of(source, output, path)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
            return
        there = [
            (source, output, path)
            for source, outputs in self.committed.items()
            for output, tree in outputs.items()
            for path in tree
            if self._file_of(source, output, path).exists() and (source, output, path) not in self.changed
        ]
        if not there:
            return
        source, output, path = there[choose(len(there))]
        target = self._file_of(source, output, path)
        text = self.committed[source][output][path]
        self.changed[source, output, path] = text
        if how == "delete":
            target.unlink()
        else:
            write(target, text[:-1] + ("x" if how == "same size" else "xx"), keeps_times=True)

    def invalidate(self, node: str) -> None:
        """Take the results of a step back."""
        COUNTS["invalidated"] += self.registry.results.invalidate(reason="r", step=node)

    def collect(self) -> None:
        """Let runs that are over be old, and collect garbage; what open runs have stays."""
        is_over = "ended_at IS NOT NULL"
        with self.registry.experiments._database.engine.begin() as connection:
            for column in ("created_at", "started_at", "ended_at"):
                older = f"strftime('%Y-%m-%d %H:%M:%f000', {column}, '-40 days')"
                connection.exec_driver_sql(f"UPDATE aml_runs SET {column} = {older} WHERE {is_over}")
        found = collect_garbage(self.services.reuse, Terms(grace_hours=0), delete=True)
        assert not found.failures
        COUNTS["collected"] += sum(item.kind == "output" for item in found.garbage)
        for run in self.runs:
            for source in run.taken.values():
                is_edited = any(source == changed for changed, _, _ in self.changed)
                assert is_edited or self._is_sound(source), f"an open run lost outputs of {source}"

    # -- comparing

    def _take(self, run: Run, node: Node, place: Airflow, *, is_retried: bool = False) -> object:
        pipeline = enter_pipeline(self.services, run.record.id, node.id)
        task = StepTask(run.graph, run.graph.step(node.id), pipeline, place)
        control = Control(lambda: False, lambda _line: None, lambda _run_id: None, lambda _error: is_retried)
        return take_step(self.services, task, control)

    def _failed(self, run: Run, node: Node, error: AzureMLException, fault: str | None, *, is_retried: bool) -> str:
        """Check that a failure left nothing; it must have had a reason."""
        COUNTS["failures"] += 1
        is_starved = any(not self._is_sound(run.taken[step]) for step, _ in node.producers)
        if not (fault and isinstance(error, StepFailedError)) and not is_starved:
            raise error
        newest = self.registry.runs.attempts(run.record.id, node.id)[0]
        assert not self.registry.outputs.of(newest.id)
        assert self.registry.results.of_run(newest.id) is None
        return "failed" if is_retried else self.end(run)

    def _adopted(self, run: Run, item: reusing.Reused) -> None:
        node = self.project.node(item.step_id)
        if node.id in run.silent:
            COUNTS["lost messages"] += 1
            newest = self.registry.runs.attempts(run.record.id, node.id)[0]
            assert newest.id == item.result.step_run_id
            return
        COUNTS["steps"] += 1
        self._check_adopted(run, node, item.result.step_run_id)

    def _check_adopted(self, run: Run, node: Node, run_id: str) -> None:
        """Compare a step that takes an earlier result with what it would compute now."""
        COUNTS["hits"] += 1
        source = self.registry.runs.get(run_id).properties["azureml.reusedrunid"]
        inputs = self._inputs(run, node, self.data[-1])
        expected = run.codes[node.id].results(node, run.parameter, inputs)
        if self.committed[source] != expected:
            raise FalseHitError(f"{node} took {self.committed[source]} of {source}, expected {expected}")
        assert self.keys[source] == run.codes[node.id].key(node, run.parameter, inputs), "an accident, but no right one"
        assert self._is_sound(source), "outputs that are changed were taken"
        original = self.registry.runs.get(source)
        result = self.registry.results.of_run(source)
        assert original.status == "Completed"
        assert result is not None
        assert result.invalidated_at is None
        assert run.mode == "normal"
        assert node.allow_reuse
        assert node.id not in run.cleared
        run.taken[node.id] = source
        run.silent.add(node.id)

    def _tell(self, run: Run, items: object) -> None:
        reusing.mark_announced(self.services, items)
        run.silent -= {item.step_id for item in items}

    def _computed(self, run: Run, node: Node, run_id: str, before: Moment) -> None:
        """Compare what a step wrote with the oracle, and whether it had to run."""
        COUNTS["computed"] += 1
        code, states = run.codes[node.id], self.data[before.data :]
        inputs = [self._inputs(run, node, state) for state in states]
        written = {name: read(self._place_of(run_id, name)) for name, _ in node.outputs}
        self.committed[run_id] = written
        result = self.registry.results.of_run(run_id)
        first = code.results(node, run.parameter, inputs[0])
        is_steady = all(item == inputs[0] for item in inputs) and self._is_upstream(run, node, before.upstream)
        if written != first:
            if result is not None:
                raise FalseHitError(f"{node} offers {written} of {run_id}, expected {first}")
            COUNTS["withheld"] += 1
            assert not is_steady, "the oracle and the scripts are of two minds"
        if is_steady:
            is_offered = node.allow_reuse and run.mode != "off"
            assert (result is not None) == is_offered, f"{node} of {run_id} is offered: {result is not None}"
            self._check_need(run, node, code.key(node, run.parameter, inputs[0]), before)
        if result is not None:
            key = self.keys[run_id] = code.key(node, run.parameter, inputs[0])
            self.offers.setdefault(key, []).append(run_id)
        run.taken[node.id] = run_id
        run.cleared.discard(node.id)

    def _check_need(self, run: Run, node: Node, key: str, before: Moment) -> None:
        if run.mode != "normal" or not node.allow_reuse or node.id in run.cleared:
            return
        there = [source for source in self.offers.get(key, []) if source in before.results and self._is_valid(source)]
        if there:
            raise NeedlessMissError(f"{node} of {run.record.id} ran, although {there} are there")

    def _is_valid(self, source: str) -> bool:
        result = self.registry.results.of_run(source)
        is_kept = not any(output.collected_at for output in self.registry.outputs.of(source))
        return result is not None and result.invalidated_at is None and is_kept and self._is_sound(source)

    def _is_sound(self, source: str) -> bool:
        return all(read(self._place_of(source, name)) == tree for name, tree in self.committed[source].items())

    def _inputs(self, run: Run, node: Node, state: Mapping[str, Mapping[str, str]]) -> list[Tree]:
        """Return what a step reads if its producers' outputs are as they were committed."""
        made = [self.committed[run.taken[step]][name] for step, name in node.producers]
        return [*made, *(state[name] for name in node.datasets)]

    def _moment(self, run: Run, node: Node) -> Moment:
        return Moment(len(self.data) - 1, self._on_disk_upstream(run, node), frozenset(self.keys))

    def _on_disk_upstream(self, run: Run, node: Node) -> list[Tree]:
        return [read(self._place_of(run.taken[step], name)) for step, name in node.producers]

    def _is_upstream(self, run: Run, node: Node, before: list[Tree]) -> bool:
        """Tell whether outputs of the producers are, and were before, as they were committed."""
        made = [self.committed[run.taken[step]][name] for step, name in node.producers]
        return before == made == self._on_disk_upstream(run, node)

    def _hook(self, moment: str) -> None:
        if self.during is None or self.during[0] != moment:
            return
        _, action = self.during
        self.during = None
        faults = os.environ.pop(FAULTS_VARIABLE, None)
        action()
        COUNTS[f"meanwhile, at {moment}"] += 1
        if faults is not None:
            os.environ[FAULTS_VARIABLE] = faults

    def _record(self, run: Run) -> RunRecord:
        return self.registry.runs.get(run.record.id)

    def _place_of(self, source: str, output: str) -> Path:
        return self.place(self.registry.outputs.get(source, output).path)

    def _file_of(self, source: str, output: str, path: str) -> Path:
        place = self._place_of(source, output)
        return place / path if path else place
