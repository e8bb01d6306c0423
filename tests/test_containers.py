"""The image holds every part, and the containers of compose.yaml run commands that there are."""

from __future__ import annotations

import tomllib
from pathlib import Path

import typer
import yaml

from services.app import Settings
from ui.cli.main import app

ROOT = Path(__file__).resolve().parent.parent


def test_the_image_copies_every_package() -> None:
    """A package that is added is not forgotten there."""
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    copied = {line.split()[1] for line in (ROOT / "Dockerfile").read_text().splitlines() if line.startswith("COPY ")}
    assert set(packages["packages"]) <= copied


def test_every_container_s_command_and_settings_exist() -> None:
    """Commands by the command line's own table, settings by the tree of settings."""
    commands = typer.main.get_group(app).commands
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    ours = {name: service for name, service in services.items() if service["image"] == "sotto"}
    assert {"llm", "speech", "conversation", "dashboard"} == set(ours)
    for service in ours.values():
        first = service["command"][0]
        assert first.startswith("--") or first in commands
        for variable in service["environment"]:
            if "__" in variable:
                part, name = variable.removeprefix("SOTTO_").lower().split("__")
                assert name in type(getattr(Settings(), part)).model_fields
