"""The kernel reads and writes nothing it may not, and does nothing that C leaves undefined."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from services.embedding.engines.building import compiler
from services.embedding.engines.compiling import SOURCES, VARIANTS
from services.embedding.port import EngineMissing

pytestmark = pytest.mark.timeout(300)  # the kernel is compiled with its checks

FUZZ = Path(__file__).with_name("fuzz.c")
CHECKS = {"memory": ("-fsanitize=address,undefined", "-fno-sanitize-recover=all"), "threads": ("-fsanitize=thread",)}


def compiles(command: list[str], checks: tuple[str, ...], folder: Path) -> bool:
    (folder / "nothing.c").write_text("int main(void) { return 0; }")
    done = subprocess.run(
        [*command, *checks, str(folder / "nothing.c"), "-o", str(folder / "nothing")], capture_output=True, check=False
    )
    return done.returncode == 0 and subprocess.run([str(folder / "nothing")], check=False).returncode == 0


@pytest.fixture(scope="module", params=CHECKS)
def fuzz(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The kernel with the fuzzer; with the sanitisers where the compiler has them (GCC and Clang do)."""
    folder, command, checks = tmp_path_factory.mktemp("fuzz"), compiler(), CHECKS[request.param]
    checks = checks if compiles(command, checks, folder) else ()
    flags = [*command, "-O1", "-std=gnu11", "-ffp-contract=off", "-pthread", "-Wno-psabi", f"-I{SOURCES}", *checks]
    objects, made = [], []
    for name, own in VARIANTS.items():
        output = folder / f"{name}.o"
        if subprocess.run([*flags, *own, "-c", f"{SOURCES}/{name}.c", "-o", output], check=False).returncode == 0:
            objects.append(output)
            made.append(f"-DHAVE_{name.upper()}")
    rest = [*(str(SOURCES / f"{name}.c") for name in ("plain", "int8", "crew", "dispatch")), str(FUZZ)]
    subprocess.run([*flags, *made, *rest, *objects, "-lm", "-o", folder / "fuzz"], check=True)
    return folder / "fuzz"


@pytest.mark.slow
@pytest.mark.parametrize("seed", ["1", "2"])
def test_models_and_texts_of_any_size_harm_nothing(fuzz: Path, seed: str, steps: int) -> None:
    """At every level, alone and in a batch with the same bits, lengths 1 to 512, wrong ids and lengths refused."""
    done = subprocess.run([fuzz, str(steps // 5000), seed], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    good, _, all_ = done.stdout.split()
    assert good == all_ != "0"


def test_a_compiler_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    with pytest.raises(EngineMissing, match="no C compiler"):
        compiler()
