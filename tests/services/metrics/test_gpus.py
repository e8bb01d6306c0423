"""Figures of graphics processors: from a library that answers as the driver does, and from files as the kernel's."""

from __future__ import annotations

import subprocess
from pathlib import Path

from services.metrics.gpus import Gpu, Gpus

DRIVER = """
#include <string.h>
struct busy { unsigned gpu, memory; };
struct memory { unsigned long long total, free, used; };
static int devices[3] = {0, 1, 2};
int nvmlInit_v2(void) { return 0; }
int nvmlDeviceGetCount_v2(unsigned *count) { *count = 3; return 0; }
int nvmlDeviceGetHandleByIndex_v2(unsigned place, void **device) { *device = &devices[place]; return 0; }
int nvmlDeviceGetName(void *device, char *name, unsigned length) { strncpy(name, "NVIDIA H200", length); return 0; }
int nvmlDeviceGetUtilizationRates(void *device, struct busy *busy) {
    if (device == &devices[1]) return 3; /* not supported: it is partitioned */
    busy->gpu = 37; busy->memory = 5; return 0;
}
int nvmlDeviceGetMemoryInfo(void *device, struct memory *memory) {
    if (device == &devices[2]) return 15; /* lost */
    memory->total = 150754820096ULL; memory->used = 5000000000ULL; memory->free = 0; return 0;
}
"""


def test_each_processor_of_the_driver_is_read(tmp_path: Path) -> None:
    """One that does not say how busy it is counts as idle, one that was lost is left out."""
    (tmp_path / "driver.c").write_text(DRIVER)
    library = tmp_path / "driver.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, tmp_path / "driver.c"], check=True, timeout=60)
    assert Gpus(str(library), tmp_path).read() == (
        Gpu("0 NVIDIA H200", 0.37, 5_000_000_000, 150_754_820_096),
        Gpu("1 NVIDIA H200", 0.0, 5_000_000_000, 150_754_820_096),
    )


def test_each_card_that_the_kernel_knows_is_read(tmp_path: Path) -> None:
    """One that went to sleep does not answer and is left out."""
    for card, busy in (("card0", "12\n"), ("card1", "")):
        device = tmp_path / card / "device"
        device.mkdir(parents=True)
        (device / "gpu_busy_percent").write_text(busy)
        (device / "mem_info_vram_used").write_text("1000\n")
        (device / "mem_info_vram_total").write_text("4000\n")
    assert Gpus("no-such-driver.so", tmp_path).read() == (Gpu("card0 AMD", 0.12, 1000, 4000),)


def test_where_there_is_none_nothing_is_read(tmp_path: Path) -> None:
    assert Gpus("no-such-driver.so", tmp_path).read() == ()
