"""The commands that list: devices, the doctor's findings, settings."""

from __future__ import annotations

import dataclasses
import json

from rich.text import Text

from services.app import devices
from ui.cli.doctor import examine
from ui.cli.session import Session, console, print_json

__all__ = ["list_devices", "print_findings", "print_settings"]


def list_devices(*, as_json: bool) -> None:
    """Print the sound devices. Raises NoSoundSystem."""
    found = devices()
    if as_json:
        for device in found:
            print_json(dataclasses.asdict(device))
        return
    if not found:
        console().print("There are no sound devices. `sotto --text` needs none, and neither does `sotto demo`.")
        return
    from rich.table import Table

    table = Table("", "name", "system", "in", "out", "Hz", "default", box=None, header_style="bold")
    for device in found:
        default = [way for way, is_it in (("in", device.default_input), ("out", device.default_output)) if is_it]
        channels = (str(device.inputs or ""), str(device.outputs or ""))
        table.add_row(str(device.index), device.name, device.system, *channels, str(device.rate), ", ".join(default))
    console().print(table)


def print_findings(session: Session, *, as_json: bool) -> int:
    """Print what the doctor finds; returns 1 when something is missing that a conversation cannot do without."""
    status = 0
    for finding in examine(session.settings):
        status = status or int(finding.needed and not finding.ok)
        if as_json:
            print_json(dataclasses.asdict(finding))
            continue
        mark = ("     ok", "green") if finding.ok else ("missing", "red") if finding.needed else ("without", "yellow")
        console().print(Text.assemble(mark, f" {finding.what}: {finding.detail}"), soft_wrap=True)
        if finding.remedy:
            console().print(Text.assemble("         → ", (finding.remedy, "bold")), soft_wrap=True)
    return status


def print_settings(session: Session, *, as_json: bool) -> None:
    """Print each setting, its value, and where it came from. Secrets are masked."""
    origins = session.loaded.origins
    if as_json:
        for key, setting in origins.items():
            print_json({"key": key, "value": setting.value, "source": setting.source})
        return
    width = max(map(len, origins))
    for key, setting in origins.items():
        changed = setting.source != "default"
        value = json.dumps(setting.value, ensure_ascii=False, default=str)
        line = Text.assemble((f"{key:<{width}}  ", "bold" if changed else ""), value)
        console().print(line.append(f"   {setting.source}", "green" if changed else "dim"), soft_wrap=True)
