"""Who may import whom, and what is not imported before it is needed."""

from __future__ import annotations

import subprocess
import sys

from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

NATIVE = (
    *("av", "ctranslate2", "faster_whisper", "livekit", "llama_cpp", "onnxruntime", "pocketsphinx", "piper"),
    *("pymicro_wakeword", "sounddevice", "soundfile", "soxr", "espeakng_loader", "huggingface_hub", "torch"),
)


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
    code = f"import sys, services.app, ui.cli.main; print(*sorted(set({NATIVE!r}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_the_command_line_starts_without_any_service(root):
    """`sotto --help` and completion must not wait for what they do not use."""
    code = "import sys, ui.cli.main; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert loaded.isdisjoint({"services", "bus", "numpy", "llama_cpp", "chromadb", "streamlit", "fastapi"})
