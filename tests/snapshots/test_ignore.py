"""Ignore rules, compared with git's own answers."""

import random
import shutil
import subprocess

import pytest

from airflow_ml.snapshots.ignore import IgnoreRules, read_ignore_rules

NAMES = ["a", "b", "ab", "a.txt", "b.py", "dir", "foo", "foo.txt", "[x]", "a b", "tr ", "#h", "!n", ".h", "ä", "b\\s"]
FRAGMENTS = [
    *("a", "b", "ab", "dir", "foo", "*", "?", "**", "*.txt", "[ab]", "[!a]", "[^a]", "[a-c]*", "*.py", "?.txt", "a b"),
    *("\\#h", "\\!n", "#h", "tr\\ ", "tr ", ".*", "f*", "\\[x]", "foo.txt", "[[:alpha:]]", "b\\\\s", "ä", "[x]", "a**"),
    *(
        "**b",
        "[]a]",
        "[a",
        "[]",
        "[!]a]",
        "[a-]",
        "[-a]",
        "[\\]x]",
        "a\\",
        "[[:no:]]",
        "[[:a]",
        "[z-a]",
        "***",
        "x\\/b",
    ),
]


def make_pattern(rng):
    """Return one random line of an ignore file."""
    line = "/".join(rng.choice(FRAGMENTS) for _ in range(rng.choice([1, 1, 1, 2, 2, 3])))
    line = "/" * (rng.random() < 0.25) + line + "/" * (rng.random() < 0.25)
    return "!" * (rng.random() < 0.3) + line + "  " * (rng.random() < 0.1)


def kept(rules, root, folder=""):
    """Return the files that are not ignored, never entering an ignored folder."""
    found = set()
    for entry in (root / folder).iterdir():
        path = folder + entry.name
        if rules.ignores(path, is_folder=entry.is_dir()):
            continue
        found |= kept(rules, root, f"{path}/") if entry.is_dir() else {path}
    return found


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """A git repository with some hundred files of odd names, and their paths."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    root, rng, files = tmp_path_factory.mktemp("repository"), random.Random(1), set()
    subprocess.run(["git", "init", "-q", root], check=True)
    for _ in range(200):
        path = "/".join(rng.choice(NAMES) for _ in range(rng.randint(1, 4)))
        try:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text("x")
        except OSError:  # a file where this path has a folder, or the other way round
            continue
        files.add(path)
    return root, files


@pytest.mark.parametrize("seed", range(150))
def test_decides_as_git_check_ignore_does(repository, seed):
    """For random lists of patterns, the files kept are those that git does not ignore."""
    root, files = repository
    rng = random.Random(seed)
    lines = [make_pattern(rng) for _ in range(rng.randint(1, 6))]
    (root / ".git/info/exclude").write_text("\n".join(lines) + "\n")

    command = ["git", "-C", root, "check-ignore", "-z", "--stdin", "--no-index"]
    ignored = subprocess.run(command, input="\0".join(files), capture_output=True, text=True).stdout.split("\0")

    assert kept(IgnoreRules(lines), root) == files - set(ignored), lines


@pytest.mark.parametrize(
    ("lines", "ignored", "not_ignored"),
    [
        (["data/**", "!data/keep"], ["data/x"], ["data/keep"]),
        (["*.log", "!important.log"], ["a.log", "d/a.log"], ["important.log", "d/important.log"]),
        (["/build"], ["build"], ["src/build"]),
        (["# comment", "", "\\#file"], ["#file"], ["# comment"]),
        (["a/**/b"], ["a/b", "a/x/y/b"], ["ab", "x/a/b"]),
    ],
)
def test_the_rules_that_people_write(lines, ignored, not_ignored):
    """The well-known forms mean what git's manual says."""
    rules = IgnoreRules(lines)

    assert [rules.ignores(path, is_folder=False) for path in ignored] == [True] * len(ignored)
    assert [rules.ignores(path, is_folder=False) for path in not_ignored] == [False] * len(not_ignored)


def test_a_pattern_with_a_slash_at_its_end_means_folders_alone():
    """`out/` ignores a folder, not a file of that name."""
    rules = IgnoreRules(["out/"])

    assert rules.ignores("out", is_folder=True)
    assert not rules.ignores("out", is_folder=False)


def test_amlignore_stands_in_for_gitignore(tmp_path):
    """With both there, only `.amlignore` counts; they are never merged."""
    (tmp_path / ".gitignore").write_text("a\n")
    assert read_ignore_rules(tmp_path).ignores("a", is_folder=False)

    (tmp_path / ".amlignore").write_text("b\r\n")

    rules = read_ignore_rules(tmp_path)
    assert rules.ignores("b", is_folder=False)
    assert not rules.ignores("a", is_folder=False)


def test_built_in_patterns_can_be_taken_back_but_git_cannot(tmp_path):
    """Caches and environments are out by default; `!` brings them in, `.git` never."""
    assert read_ignore_rules(tmp_path).ignores("x/__pycache__", is_folder=True)
    assert read_ignore_rules(tmp_path).ignores(".venv", is_folder=True)

    (tmp_path / ".amlignore").write_text("\ufeff!.venv/\n!.git\n")

    rules = read_ignore_rules(tmp_path)
    assert not rules.ignores(".venv", is_folder=True)
    assert rules.ignores("sub/.git", is_folder=True)
    assert rules.ignores(".git", is_folder=False)
