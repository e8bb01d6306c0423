"""Graphics processors: how busy each is, and how much of its memory is in use. Where there is none, nothing is read.

Nvidia's are asked through the driver's own library (NVML), AMD's through what the kernel says in /sys.
"""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Gpu", "Gpus"]

_NVML = "libnvidia-ml.so.1"
_CARDS = Path("/sys/class/drm")
_NAME = 96


@dataclass(frozen=True, slots=True)
class Gpu:
    """One processor, as it was read."""

    name: str
    """Its place and model, as `0 NVIDIA H200`."""
    busy: float
    """The part of the last moments in which it worked."""
    memory_used: int
    """Bytes, by whatever program."""
    memory_total: int


class _Utilization(ctypes.Structure):
    _fields_ = (("gpu", ctypes.c_uint), ("memory", ctypes.c_uint))


class _Memory(ctypes.Structure):
    _fields_ = (("total", ctypes.c_ulonglong), ("free", ctypes.c_ulonglong), ("used", ctypes.c_ulonglong))


class Gpus:
    """Those of this machine. Making it and reading may block for some milliseconds."""

    def __init__(self, nvml: str = _NVML, cards: Path = _CARDS) -> None:
        self._nvml = _opened(nvml)
        self._cards = sorted(cards.glob("card*/device/gpu_busy_percent"))

    def read(self) -> tuple[Gpu, ...]:
        """Return how each fares now; one that does not answer is left out."""
        return (*self._nvidia(), *self._amd())

    def _nvidia(self) -> Iterator[Gpu]:
        nvml, count = self._nvml, ctypes.c_uint()
        if nvml is None or nvml.nvmlDeviceGetCount_v2(ctypes.byref(count)):
            return
        for place in range(count.value):
            device, name = ctypes.c_void_p(), ctypes.create_string_buffer(_NAME)
            busy, memory = _Utilization(), _Memory()
            failed = (
                nvml.nvmlDeviceGetHandleByIndex_v2(ctypes.c_uint(place), ctypes.byref(device))
                or nvml.nvmlDeviceGetName(device, name, ctypes.c_uint(_NAME))
                or nvml.nvmlDeviceGetMemoryInfo(device, ctypes.byref(memory))
            )
            if failed:
                continue
            nvml.nvmlDeviceGetUtilizationRates(device, ctypes.byref(busy))  # a partitioned one does not know
            label = f"{place} {name.value.decode(errors='replace')}"
            yield Gpu(label, busy.gpu / 100, memory.used, memory.total)

    def _amd(self) -> Iterator[Gpu]:
        for path in self._cards:
            with contextlib.suppress(OSError, ValueError):
                device = path.parent
                used, total = (int((device / f"mem_info_vram_{what}").read_text()) for what in ("used", "total"))
                yield Gpu(f"{device.parent.name} AMD", int(path.read_text()) / 100, used, total)


def _opened(library: str) -> ctypes.CDLL | None:
    """The driver's library, ready to be asked; None where there is no such driver."""
    try:
        nvml = ctypes.CDLL(library)
        return nvml if nvml.nvmlInit_v2() == 0 else None
    except (OSError, AttributeError):
        return None
