"""`sotto install-service` writes units that systemd takes, and keeps the bus's URL to the person."""

from __future__ import annotations

import configparser
import shutil
import stat
import subprocess
from pathlib import Path

from tests.kit.terminal import SOTTO, home_of


def install(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*SOTTO, "install-service", *arguments],
        env={**home_of(home), "XDG_CONFIG_HOME": str(home / "config"), "XDG_RUNTIME_DIR": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_worker_s_unit(tmp_path: Path) -> None:
    """It runs these services, starts again when they end, and holds no password."""
    done = install(tmp_path, "llm", "tts", "--bus", "redis://:hidden@host:6379")
    assert done.returncode == 0, done.stderr
    place = tmp_path / "config" / "systemd" / "user" / "sotto-llm-tts.service"
    unit = configparser.ConfigParser(interpolation=None)
    unit.read_string(place.read_text())
    assert unit["Service"]["ExecStart"].endswith("-m ui.cli run llm tts")
    assert unit["Service"]["Restart"] == "always"
    assert "hidden" not in place.read_text() + done.stdout + done.stderr
    secrets = Path(unit["Service"]["EnvironmentFile"].removeprefix("-"))
    assert secrets.read_text() == "SOTTO_BUS__URL=redis://:hidden@host:6379\n"
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o600
    if shutil.which("systemd-analyze"):
        subprocess.run(["systemd-analyze", "verify", "--man=no", place], check=True, capture_output=True)


def test_what_could_not_run_is_told_and_nothing_is_written(tmp_path: Path) -> None:
    """A service that must be where the conversation is, or no bus."""
    assert "audio cannot run apart" in install(tmp_path, "audio", "--bus", "redis://host").stderr
    assert "There is no bus to work for." in install(tmp_path, "llm").stderr
    assert not (tmp_path / "config").exists()
