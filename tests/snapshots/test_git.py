"""The git state of a source directory."""

import shutil
import subprocess

import pytest

from airflow_ml.snapshots.git import git_properties, without_credentials

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


@pytest.fixture
def environment(tmp_path):
    """An environment in which git knows an author and no configuration of this machine."""
    author = {f"GIT_{role}_{key}": "a@b" for role in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")}
    return {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(tmp_path), "GIT_CONFIG_NOSYSTEM": "1", **author}


@pytest.fixture
def repository(tmp_path, environment):
    """A repository with one commit on the branch `work`, a remote with a token, and a sub folder."""
    root = tmp_path / "repository"
    (root / "sub").mkdir(parents=True)
    (root / "sub/a.py").write_text("x")
    for command in (
        ["init", "-q", "-b", "work"],
        ["add", "."],
        ["commit", "-q", "-m", "one"],
        ["remote", "add", "origin", "https://user:t0ken@example.org/team/code.git"],
    ):
        subprocess.run(["git", *command], cwd=root, env=environment, check=True)
    return root


def commit_of(repository):
    """Return the id of the newest commit."""
    return (repository / ".git/refs/heads/work").read_text().strip()


def test_all_properties_of_v1_are_there(repository, environment):
    """Remote, branch, commit and dirty, and MLflow's names for three of them; no token."""
    commit = commit_of(repository)

    assert git_properties(repository / "sub", environment=environment) == {
        "azureml.git.repository_uri": "https://example.org/team/code.git",
        "azureml.git.branch": "work",
        "azureml.git.commit": commit,
        "azureml.git.dirty": "False",
        "mlflow.source.git.repoURL": "https://example.org/team/code.git",
        "mlflow.source.git.branch": "work",
        "mlflow.source.git.commit": commit,
    }


def test_only_changes_inside_the_directory_make_it_dirty(repository, environment):
    """A new file beside the source directory does not count, one inside does."""
    (repository / "other").write_text("x")
    assert git_properties(repository / "sub", environment=environment)["azureml.git.dirty"] == "False"

    (repository / "sub/new.py").write_text("x")
    assert git_properties(repository / "sub", environment=environment)["azureml.git.dirty"] == "True"


def test_a_detached_head_has_no_branch(repository, environment):
    """As in CI checkouts: the commit is known, the branch is not made up."""
    subprocess.run(["git", "checkout", "-q", "--detach"], cwd=repository, env=environment, check=True)

    properties = git_properties(repository, environment=environment)

    assert "azureml.git.branch" not in properties
    assert properties["azureml.git.commit"] == commit_of(repository)


def test_a_repository_without_remote_and_commit_is_no_error(tmp_path, environment):
    """What does not exist is left out."""
    subprocess.run(["git", "init", "-q", "-b", "work", tmp_path / "new"], env=environment, check=True)

    assert git_properties(tmp_path / "new", environment=environment) == {
        "azureml.git.branch": "work",
        "azureml.git.dirty": "False",
        "mlflow.source.git.branch": "work",
    }


def test_outside_of_git_nothing_is_recorded(tmp_path, environment):
    """No repository, no directory, no git program: nothing, and no error."""
    assert git_properties(tmp_path, environment=environment) == {}
    assert git_properties(tmp_path / "gone", environment=environment) == {}
    assert git_properties(tmp_path, environment={"PATH": str(tmp_path)}) == {}


def test_the_environment_wins(repository, environment):
    """v1's variables replace what git says and add the build's, without credentials."""
    given = {
        "AZUREML_GIT_REPOSITORY_URI": "https://t0ken@example.org/other",
        "AZUREML_GIT_BRANCH": "release",
        "AZUREML_GIT_DIRTY": "True",
        "AZUREML_GIT_BUILD_ID": "42",
        "AZUREML_GIT_BUILD_URI": "https://ci.example.org/42?token=t0ken",
    }

    properties = git_properties(repository, environment={**environment, **given})

    assert properties["mlflow.source.git.repoURL"] == "https://example.org/other"
    assert properties["azureml.git.branch"] == "release"
    assert properties["azureml.git.build_uri"] == "https://ci.example.org/42"
    assert properties["azureml.git.commit"] == commit_of(repository)
    assert "t0ken" not in str(properties)


def test_the_repository_of_a_hook_is_not_taken_for_the_directorys(repository, environment, tmp_path):
    """GIT_DIR, which git sets for hooks, does not lead to another repository."""
    (tmp_path / "plain").mkdir()

    assert git_properties(tmp_path / "plain", environment={**environment, "GIT_DIR": str(repository / ".git")}) == {}


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://u:p@h.org:8443/r.git?x=1#y", "https://h.org:8443/r.git"),
        ("ssh://git:p@h.org/r.git", "ssh://git@h.org/r.git"),
        ("git@h.org:team/r.git", "git@h.org:team/r.git"),
        ("/srv/r.git", "/srv/r.git"),
    ],
)
def test_addresses_lose_what_is_secret(address, shown):
    """Passwords, tokens and queries go; the user name that ssh needs stays."""
    assert without_credentials(address) == shown
