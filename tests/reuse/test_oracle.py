"""Random pipelines, edits, faults and overlapping runs, compared step by step with an oracle that always recomputes."""

import os
import signal
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from oracle import DATASETS, FOLDERS, nodes
from world import COUNTS, World
from zygote import Zygote

from airflow_ml.compute.process_launcher import ProcessLauncher
from airflow_ml.execution import outputs, preparation, running, step_attempt

#: Steps that are compared, in rounds of so many examples of so many rules: some in every run of the tests, the whole
#: by `make soak`. The first example of a round is always the simplest one.
STEPS, EXAMPLES, RULES = (10_000, 20, 40) if os.environ.get("AIRFLOW_ML_SOAK") else (100, 4, 20)

#: Where the process of a step is killed.
PHASES = {
    "before the attempt": (step_attempt, "begin_attempt", True),
    "after the attempt began": (step_attempt, "begin_attempt", False),
    "when inputs are there": (preparation, "stage_inputs", False),
    "when the script has ended": (running, "_collect", True),
    "between two outputs": (outputs, "commit_output", False),
    "when outputs are committed": (step_attempt, "commit_outputs", False),
    "before its end": (step_attempt, "end_attempt", True),
    "after its end": (step_attempt, "end_attempt", False),
}

small = st.integers(0, 2)
numbers = st.integers(0, 1000)
seldom = st.sampled_from((False, False, False, True))
modes = st.sampled_from(("normal",) * 6 + ("refresh", "off"))
moments = st.sampled_from(("build", "launch", "end"))


def dying(phase: str) -> Callable[[], None]:
    """Return what makes a process die in a phase."""
    owner, name, is_before = PHASES[phase]
    real = getattr(owner, name)

    def call(*arguments: object, **options: object) -> None:
        if not is_before:
            real(*arguments, **options)
        os.kill(os.getpid(), signal.SIGKILL)

    return lambda: setattr(owner, name, call)


class Oracle(RuleBasedStateMachine):
    """Each rule does something that people, machines or Airflow do; `World` compares."""

    launcher: object
    shared: Path

    @initialize(drawn=nodes())
    def begin(self, drawn):
        """Draw a pipeline, and make a workspace for it."""
        self._folder = tempfile.TemporaryDirectory()
        self.world = World(drawn, Path(self._folder.name), self.shared, self.launcher)
        self.count = 0

    def teardown(self):
        """Remove the workspace."""
        if hasattr(self, "world"):
            self.world.close()
            self._folder.cleanup()

    def _node(self, number):
        return self.world.project.nodes[number % len(self.world.project.nodes)].id

    def _run(self, number):
        return self.world.runs[number % len(self.world.runs)]

    # -- edits

    @rule(number=numbers, field=st.sampled_from(("constant", "comment", "argument", "variable")), value=small)
    def edit_step(self, number, field, value):
        """Edit a script, or what its step is called with."""
        setattr(self.world.project.programs[self._node(number)], field, value)
        self.world.write_sources()

    @rule(number=numbers, end=st.sampled_from(("\n", "\r\n", "\r")))
    def turn_line_ends(self, number, end):
        """Check a script out under another system."""
        self.world.project.programs[self._node(number)].line_end = end
        self.world.write_sources()

    @rule(
        name=st.sampled_from(FOLDERS),
        change=st.sampled_from(
            (
                ("salt", 1),
                ("salt", 0),
                ("setting", 1),
                ("table", "1\r\n"),
                ("table", "1\n"),
                ("ignored", 1),
                ("comment", 1),
                ("line_end", "\r\n"),
                ("line_end", "\n"),
                ("others", {"new.txt": "1"}),
                ("others", {"renamed.txt": "1"}),
                ("others", {}),
            )
        ),
    )
    def edit_folder(self, name, change):
        """Edit, add, rename or remove a file beside the scripts, ignored ones too."""
        setattr(self.world.project.folders[name], *change)
        self.world.write_sources()

    @rule()
    def touch_everything(self):
        """Give all files new times, by writing them anew elsewhere and moving them into their places."""
        for folder in ("src", *(self.world.place(name) for name in DATASETS)):
            for path in Path(self.world.root, folder).rglob("*"):
                if path.is_file():
                    beside = path.with_name("beside")
                    beside.write_bytes(path.read_bytes())
                    beside.replace(path)

    def _data(self, name, path, text):
        data = {key: dict(files) for key, files in self.world.data[-1].items()}
        data[name].pop(path, None)
        if text is not None or not data[name]:
            data[name][path] = text or "1"
        return data

    @rule(
        name=st.sampled_from(DATASETS),
        path=st.sampled_from("abc"),
        text=st.sampled_from(("1", "2", "22", None)),
        keeps_times=st.booleans(),
    )
    def edit_data(self, name, path, text, keeps_times):
        """Write, change or delete a file of a dataset; a change may keep size and modification time."""
        self.world.write_data(self._data(name, path, text), keeps_times=keeps_times)

    # -- runs

    @rule(mode=modes, parameter=small, is_told=st.booleans())
    def run(self, mode, parameter, is_told):
        """Run the pipeline from its first step to its last."""
        self.world.run_to_end(self.world.start(mode, parameter, is_told=is_told))

    @rule(parameter=small)
    def run_twice(self, parameter):
        """Run it, and run it once more: the second time takes what the first had to compute."""
        for _ in range(2):
            self.world.run_to_end(self.world.start("normal", parameter, is_told=True))

    @precondition(lambda self: len(self.world.runs) < 3)
    @rule(mode=modes, parameter=small, is_told=st.booleans())
    def start(self, mode, parameter, is_told):
        """Open a run, and leave it at its first step."""
        self.world.start(mode, parameter, is_told=is_told)

    @precondition(lambda self: self.world.runs)
    @rule(number=numbers, is_told=st.booleans())
    def look_again(self, number, is_told):
        """Decide a run's steps once more, as Airflow does when its first task died."""
        self.world.look(self._run(number), is_told=is_told)

    @precondition(lambda self: self.world.runs)
    @rule(number=numbers, is_told=st.booleans())
    def advance(self, number, is_told):
        """Start the next step of a run; whoever died before has lost its leases by then."""
        run = self._run(number)
        if self.world.advance(run, is_told=is_told) == "waits":
            self.world.expire_leases()
            assert self.world.advance(run) != "waits"

    @precondition(lambda self: len(self.world.runs) > 1)
    @rule(number=numbers, moment=moments, is_late=st.booleans())
    def overlap(self, number, moment, is_late):
        """While a step of one run computes, another run goes on; if the lease was lost, it may compute the same."""
        run, other = self._run(number), self._run(number + 1)

        def go_on():
            if is_late:
                self.world.expire_leases()
            self.world.advance(other)

        self._meanwhile(run, moment, go_on)

    @precondition(lambda self: self.world.runs)
    @rule(number=numbers, moment=moments, name=st.sampled_from(DATASETS), is_put_back=st.booleans())
    def edit_data_meanwhile(self, number, moment, name, is_put_back):
        """While a step computes, its data changes; and may be back when the step ends."""
        old = self.world.data[-1]
        new = self._data(name, "a", "3" if old[name].get("a") != "3" else "4")

        def edit():
            self.world.write_data(new)
            if is_put_back and moment != "end":
                self.world.during = ("end", lambda: self.world.write_data(old))

        self._meanwhile(self._run(number), moment, edit)

    @precondition(lambda self: self.world.runs)
    @rule(number=numbers, moment=moments, how=st.sampled_from(("delete", "same size", "longer")))
    def change_output_meanwhile(self, number, moment, how):
        """While a step computes, some output changes on the datastore."""
        self._meanwhile(self._run(number), moment, lambda: self.world.change_output(how, lambda size: number % size))

    @precondition(lambda self: self.world.runs)
    @rule(number=numbers, name=st.sampled_from(DATASETS))
    def clear_producer_meanwhile(self, number, name):
        """Between the admission of a step and the staging of its inputs its producer is cleared, and runs again."""
        run = self._run(number)
        step = self.world.next_step(run)
        if step is None or not step.producers or step.producers[0][0] in run.silent:
            return
        producer = step.producers[0][0]
        new = self._data(name, "a", "3" if self.world.data[-1][name].get("a") != "3" else "4")

        def clear():
            self.world.write_data(new)
            run.clear(producer)
            self.world.advance_step(run, self.world.project.node(producer), is_retried=True)

        self._meanwhile(run, "build", clear)

    def _meanwhile(self, run, moment, action):
        self.world.during = moment, action
        try:
            if self.world.advance(run) == "waits":
                self.world.expire_leases()
                self.world.advance(run)
        finally:
            self.world.during = None

    # -- faults

    @rule(number=numbers, fault=st.sampled_from(("fails", "breaks off", "forgets")))
    def fault(self, number, fault):
        """Let the next attempt at a step fail: at once, after its first output, or without its last one."""
        self.world.faults[self._node(number)] = fault

    @precondition(lambda self: self.world.runs)
    @rule(number=numbers, fault=st.sampled_from(("fails", "breaks off", "forgets")))
    def fail_and_try_again(self, number, fault):
        """Let a step fail, and try it again."""
        run = self._run(number)
        node = self.world.next_step(run)
        if node is not None:
            self.world.faults[node.id] = fault
            self._advance_retried(run)
            self.world.faults.pop(node.id, None)

    def _advance_retried(self, run):
        if self.world.advance(run, is_retried=True) == "waits":
            self.world.expire_leases()
            self.world.advance(run, is_retried=True)

    @precondition(lambda self: self.world.runs)
    @rule(number=numbers, phase=st.sampled_from(sorted(PHASES)))
    def kill(self, number, phase):
        """Kill the process of a step."""
        self.world.kill(self._run(number), dying(phase))

    @rule(number=numbers, how=st.sampled_from(("delete", "same size", "longer", "mend", "mend")))
    def change_output(self, number, how):
        """Delete or edit an output on the datastore, also keeping size and modification time, or mend one."""
        self.world.change_output(how, lambda size: number % size)

    # -- people

    @precondition(lambda self: any(run.taken.keys() - run.silent for run in self.world.runs))
    @rule(number=numbers)
    def clear(self, number):
        """Clear a task that is over."""
        runs = [run for run in self.world.runs if run.taken.keys() - run.silent]
        run = runs[number % len(runs)]
        run.clear(sorted(run.taken.keys() - run.silent)[number % len(run.taken.keys() - run.silent)])

    @rule(number=numbers, is_meant=seldom)
    def invalidate(self, number, is_meant):
        """Take the results of a step back."""
        if is_meant:
            self.world.invalidate(self._node(number))

    @rule(is_meant=seldom)
    def collect(self, is_meant):
        """Collect garbage."""
        if is_meant:
            self.world.collect()


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Return a function that lets the machine run until so many more steps were compared."""
    monkeypatch.setenv("AIRFLOW_ML_HOME", str(tmp_path / "shared"))
    monkeypatch.setenv("AIRFLOW_ML_LEASE_SECONDS", "3600")  # nothing but a rule lets a lease expire
    COUNTS.clear()

    def run(launcher, steps):
        case = type("Case", (Oracle,), {"launcher": launcher, "shared": tmp_path / "shared"})
        while COUNTS["steps"] < steps:
            run_state_machine_as_test(
                case,
                settings=settings(
                    max_examples=EXAMPLES,
                    stateful_step_count=RULES,
                    deadline=None,
                    phases=[Phase.generate],  # with shrinking a failure takes many minutes
                    suppress_health_check=list(HealthCheck),
                ),
            )
            print(dict(COUNTS), flush=True)
        return Counter(COUNTS)

    return run


@pytest.mark.soak
def test_no_step_has_what_it_would_not_compute(machine, tmp_path):
    """Whatever is edited, fails, overlaps or gets lost: no false hit, and no step runs whose result is there."""
    launcher = Zygote(tmp_path)
    try:
        counts = machine(launcher, STEPS)
    finally:
        launcher.close()

    assert counts["hits"] > STEPS / 10


@pytest.mark.soak
def test_the_same_with_real_processes(machine):
    """The same is true of scripts that run as processes of their own under a keeper."""
    machine(ProcessLauncher(), STEPS / 20)
