"""What must not drift apart: code and its documents, models and migrations, layers, versions."""

import ast
import re
import subprocess
import sys
import tomllib
from argparse import Action
from importlib.util import find_spec
from pathlib import Path

import pytest
from django.core.management import call_command, get_commands, load_command_class
from django.core.management.base import BaseCommand

import backups
from backups import exceptions
from backups.conf import BackupSettings, Promise
from backups.verification.registry import restored_checks

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = ["README.md", *(str(path.relative_to(ROOT)) for path in sorted((ROOT / "docs").glob("*.md")))]
COMMANDS = sorted(name for name, app in get_commands().items() if app == "backups")
# What Django gives every command.
OF_DJANGO = {option for action in BaseCommand().create_parser("", "")._actions for option in action.option_strings}


@pytest.fixture(scope="module")
def documents() -> str:
    """All that is written for people, as one line without marks of emphasis."""
    text = " ".join((ROOT / name).read_text() for name in DOCUMENTS)
    return " ".join(text.replace("*", "").replace("`", "").split())


def missing(words: list[str], documents: str) -> list[str]:
    """The words that no document holds as such."""
    return [word for word in words if not re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", documents)]


def arguments(command: str) -> list[str]:
    """The long options and the names of the arguments of a command, but for Django's own."""
    actions: list[Action] = load_command_class("backups", command).create_parser("manage.py", command)._actions
    named = [action for action in actions if not set(action.option_strings) & OF_DJANGO]
    return [max(action.option_strings, key=len) if action.option_strings else action.dest.upper() for action in named]


def test_there_are_commands() -> None:
    assert len(COMMANDS) >= 8 and "--to" in arguments("restore_db") and "BACKUP" in arguments("restore_db")


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_and_each_argument_of_it_is_documented(command: str, documents: str) -> None:
    assert missing([command, *arguments(command)], documents) == []


def test_each_setting_is_documented(documents: str) -> None:
    names = [*BackupSettings.__dataclass_fields__, *Promise.__dataclass_fields__]
    assert len(names) == 17
    assert missing(names, documents) == []


def test_each_check_of_a_verification_is_documented(documents: str) -> None:
    source = "".join(path.read_text() for path in (ROOT / "backups" / "verification").glob("*.py"))
    named = set(re.findall(r'(?:Finding|_timed|compared)\(\s*"(\w+)"', source)) | set(restored_checks())
    assert {"signature", "chain", "stored", "restore", "content", "invariants"} <= named
    table = (ROOT / "docs" / "operations.md").read_text()
    assert [name for name in sorted(named) if f"| `{name}` |" not in table] == []
    assert missing(sorted(named), documents) == []


def test_each_system_check_is_documented_and_none_that_is_not_there() -> None:
    ids = set(re.findall(r'id="(backups\.[EW]\d{3})"', (ROOT / "backups" / "checks.py").read_text()))
    said = set(re.findall(r"backups\.[EW]\d{3}", (ROOT / "docs" / "operations.md").read_text()))
    assert len(ids) >= 6 and said == ids


def tree(error: type[Exception]) -> list[type[Exception]]:
    """An error and all kinds of it."""
    return [error, *(kind for below in error.__subclasses__() for kind in tree(below))]


def test_each_error_and_what_to_do_about_it_is_documented(documents: str) -> None:
    kinds = [kind for kind in tree(exceptions.BackupsError) if kind.__module__ == exceptions.__name__]
    assert len(kinds) > 20 and "TargetExists" in {kind.__name__ for kind in kinds}
    assert missing([kind.__name__ for kind in kinds], documents) == []
    hints = [" ".join(kind.__dict__.get("default_hint", "").replace("*", "").split()) for kind in kinds]
    assert [hint for hint in hints if hint not in documents] == []


def test_the_error_tree_is_drawn_as_it_is() -> None:
    drawn = re.findall(r"[├└]── (\w+)", exceptions.__doc__ or "")
    kinds = tree(exceptions.BackupsError)[1:]
    assert sorted(drawn) == sorted(kind.__name__ for kind in kinds if kind.__module__ == exceptions.__name__)


@pytest.mark.parametrize("document", [*DOCUMENTS, "CHANGELOG.md"])
def test_links_lead_somewhere(document: str) -> None:
    text = (ROOT / document).read_text()
    links = [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if not re.match(r"\w+:", link)]
    gone = [link for link in links if not ((ROOT / document).parent / link.partition("#")[0]).exists()]
    assert gone == []


def test_no_migration_is_missing() -> None:
    call_command("makemigrations", "backups", "shop", check=True, dry_run=True, verbosity=0)


def imported(path: Path) -> set[str]:
    """The packages that a module imports, wherever it does."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {name.name.partition(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


def test_the_app_knows_nothing_of_the_project_or_of_its_tests() -> None:
    modules = list((ROOT / "backups").rglob("*.py"))
    assert len(modules) > 80
    assert {str(path) for path in modules if imported(path) & {"project", "shop", "tests", "benchmarks"}} == set()
    for pure in ("chunks.py", "retention.py"):
        assert imported(ROOT / "backups" / pure) <= {"__future__", "collections", "dataclasses", "datetime"}


@pytest.mark.skipif(find_spec("importlinter") is None, reason="make lint looks at the layers too")
def test_the_layers_hold() -> None:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0 and "0 broken" in done.stdout, done.stdout + done.stderr


def test_there_is_one_version_and_the_changes_tell_of_it() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert "version" not in project["project"] and project["project"]["dynamic"] == ["version"]
    assert project["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "backups.__version__"}
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*", backups.__version__)
    assert re.search(rf"^## {re.escape(backups.__version__)}\b", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)


def tracked() -> list[Path]:
    """Every file of the repository."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def test_no_file_names_a_place_of_one_machine() -> None:
    places = re.compile(rb"(?<![\w.])/(?:work|root|home|Users)/\w|[A-Z]:\\\\?Users")
    files = tracked()
    assert len(files) > 150
    found = [
        str(path.relative_to(ROOT)) for path in files if path != Path(__file__) and places.search(path.read_bytes())
    ]
    assert found == []
