"""The shell scripts: free of what shellcheck knows, and clear about what they cannot do."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest


def shell_scripts(root: Path) -> list[Path]:
    places = [*(root / "scripts").iterdir(), *(root / ".ci").iterdir()]
    return sorted(p for p in places if p.is_file() and (p.suffix == ".sh" or p.read_bytes().startswith(b"#!")))


def test_shellcheck_finds_nothing(root):
    """In any of them."""
    shellcheck = Path(sys.executable).with_name("shellcheck")
    scripts = [script for script in shell_scripts(root) if b"python" not in script.read_bytes().split(b"\n")[0]]
    done = subprocess.run(
        [shellcheck, "--external-sources", *scripts], cwd=root, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


@pytest.fixture
def checkout(root: Path, tmp_path: Path) -> Path:
    """A copy of what set-up reads, without an environment."""
    shutil.copytree(root / "scripts", tmp_path / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(root / "requirements", tmp_path / "requirements")
    shutil.copy(root / "pyproject.toml", tmp_path)
    return tmp_path


def setup(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["scripts/setup", *arguments], cwd=checkout, capture_output=True, text=True, check=False, env=os.environ
    )


def environment(checkout: Path, roles: str) -> None:
    """What a finished set-up leaves behind, with the checksum that the script itself computes."""
    venv = checkout / ".venv"
    (venv / "bin").mkdir(parents=True)
    for name in ("python", "sotto"):
        (venv / "bin" / name).symlink_to("/bin/true")
    (venv / "pyvenv.cfg").write_text("version = 3.11.7\n")
    body = (checkout / "scripts" / "setup").read_text().replace('main "$@"\n', f"checksum {roles}\n")
    done = subprocess.run(
        ["bash", "-c", body, "scripts/setup"], cwd=checkout, capture_output=True, text=True, check=True
    )
    (venv / "sotto-roles").write_text(f"{done.stdout}\n{roles}\n{checkout}\n")


def test_an_unknown_role_is_told(checkout):
    """Before anything is touched."""
    done = setup(checkout, "voices")
    assert done.returncode == 2
    assert "there is no role voices (voice server llm dashboard memory dev)" in done.stderr
    assert not (checkout / ".venv").exists()


def test_what_is_there_is_left_alone(checkout):
    """A start with nothing to do says nothing and changes nothing."""
    environment(checkout, "voice llm")
    done = setup(checkout, "voice")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not (checkout / ".cache").exists()


@pytest.mark.parametrize(
    "change",
    [
        lambda root: (root / ".venv/sotto-changing").touch(),
        lambda root: (root / ".venv/bin/python").unlink(),
        lambda root: (root / "requirements/voice.txt").write_text("other==1\n"),
        lambda root: (root / ".venv/pyvenv.cfg").write_text("version = 3.12.1\n"),
        lambda root: (root / ".venv/sotto-roles").write_text(""),
        lambda root: (root / ".venv/sotto-roles").unlink(),
    ],
    ids=["interrupted", "no python", "other requirements", "other python", "an empty stamp", "no stamp"],
)
def test_what_has_changed_is_noticed(checkout, change):
    """`--present` says by its status whether a set-up has something to do, and does nothing."""
    environment(checkout, "voice llm")
    assert setup(checkout, "--present", "voice", "llm").returncode == 0
    assert setup(checkout, "--present", "voice", "dev").returncode == 1
    change(checkout)
    assert setup(checkout, "--present", "voice").returncode == 1
    assert not (checkout / ".cache").exists()


SETUP = """#!/bin/sh
echo "$@" >>"$(dirname "$0")/../setups"
"""
SOTTO = """#!/bin/sh
here=$(dirname "$0")/../..
[ "$1" = dashboard ] && exec {python} -m http.server --bind 127.0.0.1 "$5"
echo "$@" >"$here/told.new" && mv "$here/told.new" "$here/told"
while [ ! -e "$here/over" ]; do sleep 0.1; done
"""


@pytest.fixture
def installed(root: Path, tmp_path: Path) -> Path:
    """A checkout whose set-up has nothing to do and whose Sotto only writes down what it is told."""
    for name, text in (("scripts/setup", SETUP), (".venv/bin/sotto", SOTTO.format(python=sys.executable))):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    shutil.copy(root / "scripts" / "run", tmp_path / "scripts" / "run")
    return tmp_path


def run(checkout: Path, gateway: int, page: int, *arguments: str) -> subprocess.Popen[str]:
    ports = {"SOTTO_GATEWAY__PORT": str(gateway), "SOTTO_DASHBOARD_PORT": str(page)}
    return subprocess.Popen(
        [checkout / "scripts" / "run", *arguments], stderr=subprocess.PIPE, text=True, env={**os.environ, **ports}
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_run_shows_the_dashboard_of_a_conversation_and_ends_with_it(installed):
    """Once the event socket is open; its address is told, and it goes when Sotto goes."""
    page = free_port()
    with (
        socket.create_server(("127.0.0.1", 0)) as gateway,
        run(installed, gateway.getsockname()[1], page, "--text") as started,
    ):
        assert started.stderr is not None
        line = started.stderr.readline()
        (installed / "over").touch()
        assert started.wait() == 0
        assert started.stderr.read() == ""  # whoever held it has ended
    assert line == f"sotto: the dashboard is at http://127.0.0.1:{page}\n"
    assert (installed / "told").read_text() == "--or-demo --text\n"


def test_run_shows_no_dashboard_when_told_not_to(installed):
    """Nor does it install one; the word is its own and not Sotto's."""
    (installed / "over").touch()
    with socket.create_server(("127.0.0.1", 0)) as gateway:
        started = run(installed, gateway.getsockname()[1], free_port(), "--no-dashboard", "--text")
        _, errors = started.communicate()
    assert (started.returncode, errors) == (0, "")
    assert (installed / "told").read_text() == "--or-demo --text\n"
    assert (installed / "setups").read_text() == "voice server\n--present memory llm\n"
