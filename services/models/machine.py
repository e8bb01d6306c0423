"""The machine: cores, memory and graphics processor, and which class of models suits it."""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass

from services.models.catalogue import MachineClass
from shared.cores import cores

__all__ = ["Machine", "detect"]

_GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Machine:
    """What models may count on."""

    cores: int
    """Physical ones that this process may use."""
    memory: int
    """Bytes of main memory."""
    gpu: str
    """Name of the graphics processor that engines can use; empty for none."""
    gpu_memory: int
    """Its own bytes; 0 where it shares main memory."""

    @property
    def kind(self) -> MachineClass:
        """`gpu` with 8 GiB of its own memory; `large` from 28 GiB and 8 cores, `medium` from 12 GiB and 4 cores.

        The memory leaves a desktop half of it beside the default models of the class; with fewer cores those would
        answer slower than one speaks.
        """
        if self.gpu_memory >= 7.5 * _GIB:
            return "gpu"
        if self.memory >= 28 * _GIB and self.cores >= 8:
            return "large"
        return "medium" if self.memory >= 12 * _GIB and self.cores >= 4 else "small"

    def __str__(self) -> str:
        gpu = self.gpu or "no graphics processor"
        own = f" with {self.gpu_memory / _GIB:.0f} GiB" if self.gpu_memory else ""
        return f"{self.cores} cores, {self.memory / _GIB:.0f} GiB of memory, {gpu}{own}"


def detect() -> Machine:
    """Look at this machine. Runs `nvidia-smi` where there is one, so not for the event loop."""
    import psutil

    gpu, gpu_memory = _gpu()
    return Machine(_cores(), psutil.virtual_memory().total, gpu, gpu_memory)


def _cores() -> int:
    import psutil

    return min(psutil.cpu_count(logical=False) or 1, cores())


def _gpu() -> tuple[str, int]:
    if sys.platform == "darwin" and platform.machine() == "arm64":
        return "Apple GPU", 0
    command = shutil.which("nvidia-smi")
    if command is None:
        return "", 0
    try:
        answer = subprocess.run(  # noqa: S603 (a fixed command, found on the person's own path)
            [command, "--query-gpu=name,memory.total", "--format=csv,noheader,nounits"],
            capture_output=True,
            text=True,
            timeout=5,
            check=True,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return "", 0
    return _largest(answer)


def _largest(answer: str) -> tuple[str, int]:
    """The card with the most memory of `nvidia-smi`'s lines `name, MiB`."""
    cards = [line.rpartition(",") for line in answer.splitlines() if "," in line]
    sized = [(name.strip(), int(mib) << 20) for name, _, mib in cards if mib.strip().isdigit()]
    return max(sized, key=lambda card: card[1], default=("", 0))
