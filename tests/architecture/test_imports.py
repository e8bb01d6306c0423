"""Who may import whom, and what is not imported before it is needed."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from pathlib import Path

from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

NATIVE = (
    *("av", "ctranslate2", "faster_whisper", "livekit", "llama_cpp", "onnxruntime", "pocketsphinx", "piper"),
    *("pymicro_wakeword", "sounddevice", "soundfile", "soxr", "espeakng_loader", "huggingface_hub", "torch"),
)


def loaded_by(root: Path, *modules: str) -> set[str]:
    """What a fresh interpreter has loaded after it imported these."""
    code = f"import sys, {', '.join(modules)}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_each_part_imports_only_what_it_may(root, monkeypatch, capsys):
    """The contracts of .importlinter, which say what ARCHITECTURE.md says."""
    monkeypatch.chdir(root)
    status = lint_imports(config_filename=".importlinter", no_cache=True)
    assert status == EXIT_STATUS_SUCCESS, capsys.readouterr().out


def test_the_contracts_name_every_part(root):
    """A folder of Python at the root that no contract knows would escape them."""
    known = (root / ".importlinter").read_text()
    parts = {path.parent.name for path in root.glob("*/__init__.py")} - {"tests"}
    assert [part for part in sorted(parts) if f"\n    {part}\n" not in known] == []


def test_native_engines_are_imported_when_they_are_made(root):
    """Importing the whole assistant loads none of them: that is most of a cold start, and one may be missing."""
    loaded = loaded_by(root, "services.app.assistant", "ui.cli.main")
    assert sorted(loaded & set(NATIVE)) == []


def test_the_command_line_starts_without_any_service(root):
    """`sotto --help` and completion must not wait for what they do not use."""
    loaded = loaded_by(root, "ui.cli.main")
    parts = {name.partition(".")[0] for name in loaded}
    assert parts.isdisjoint({"services", "bus", "numpy", "llama_cpp", "chromadb", "streamlit", "fastapi"})
    assert loaded.isdisjoint({"asyncio", "pydantic", "structlog", "shared.events"})


def test_logs_bring_nothing_to_paint_them_with(root):
    """structlog takes rich along where it is installed, which it is; whoever needs that itself still gets it."""
    assert loaded_by(root, "services.app.assistant").isdisjoint({"attr", "greenlet", "pygments", "rich"})
    assert "pygments" not in loaded_by(root, "ui.cli.main", "shared.logs")
    assert "rich.traceback" in loaded_by(root, "shared.logs", "rich.traceback")


def test_structlog_is_imported_in_one_place(root):
    """Else it would come with all that `shared.logs` leaves out."""
    paths = [path for part in ("bus", "services", "shared", "sotto", "ui") for path in root.glob(f"{part}/**/*.py")]
    imports = re.compile(r"^\s*(import|from) structlog\b", re.MULTILINE)
    assert [path.relative_to(root).as_posix() for path in paths if imports.search(path.read_text("utf-8"))] == [
        "shared/logs.py"
    ]


def test_the_settings_come_without_the_services(root):
    """A process reads its settings before it knows what it needs: they must not bring every service with them."""
    loaded = loaded_by(root, "services.settings")
    assert {name for name in loaded if name.startswith("services.") and name.count(".") > 1} == {
        f"services.{folder.parent.name}.settings" for folder in root.glob("services/*/settings.py")
    }
    assert {name.partition(".")[0] for name in loaded}.isdisjoint({"bus", "numpy", "structlog"})


def test_a_server_of_vectors_loads_what_it_runs(root):
    """No other service; no numpy, web framework or tokeniser either, of which its usual answers need nothing."""
    loaded = loaded_by(
        root,
        *("ui.cli.processes", "services.app.server", "services.embedding.web", "services.embedding.engines.native"),
        *("services.gateway.server", "services.gateway.later"),
    )
    assert {name for name in loaded if name.endswith(".service")} == {
        f"services.{name}.service" for name in ("embedding", "gateway", "models")
    }
    assert loaded.isdisjoint({"numpy", "fastapi", "tokenizers", "bus.journal", "chromadb", "jinja2"})


def test_what_packages_import_late_is_what_the_type_checker_sees(root):
    """`lazily` is told by strings; the imports beside it that only the type checker reads say the same."""
    late = [path for path in sorted(root.glob("services/*/__init__.py")) if "lazily(" in path.read_text()]
    assert late
    for path in late:
        package = importlib.import_module(f"services.{path.parent.name}")
        [checked] = [node for node in ast.parse(path.read_text()).body if isinstance(node, ast.If)]
        seen = {alias.name: node.module for node in checked.body for alias in node.names}
        assert sorted(seen) == sorted(package.__all__)
        for name, module in seen.items():
            assert getattr(package, name) is getattr(importlib.import_module(module), name)
            assert not (path.parent / f"{name}.py").exists(), f"{name} would be hidden by the module of that name"
