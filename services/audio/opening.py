"""Opening what the settings name, and saying beforehand what is wrong with it."""

from __future__ import annotations

from services.audio.address import Address, Device, Nothing, RawPipe, SoundFile, address
from services.audio.engines.pipes import PipeInput, PipeOutput
from services.audio.engines.soundfiles import FileInput, require_readable
from services.audio.engines.wavfiles import FlacOutput, WavOutput, require_writable
from services.audio.ports import Input, Output
from services.audio.settings import AudioSettings
from shared.errors import ConfigError

__all__ = ["check", "input_of", "output_of"]


def check(settings: AudioSettings) -> None:
    """Raise what would go wrong with the files that the settings name: UnreadableSound, OutputFailed, ConfigError.

    Devices are not looked at: the service waits for those.
    """
    source, sink = address(settings.input), address(settings.output)
    if settings.pace == "fast" and (isinstance(source, Device) or isinstance(sink, Device)):
        raise ConfigError(
            "A sound device keeps its own time and cannot go fast.",
            remedy="With `pace = fast`, give a file as input and a file or `null` as output.",
        )
    if isinstance(source, SoundFile):
        require_readable(source.path)
    if isinstance(sink, SoundFile):
        require_writable(sink.path)


def input_of(source: Address, *, from_s: float = 0.0) -> Input | None:
    """Open an input that is no device, a file from `from_s` on; None for silence. Blocks; raises UnreadableSound."""
    match source:
        case SoundFile(path):
            return FileInput(path, from_s=from_s)
        case RawPipe(path):
            return PipeInput(path)
        case Nothing() | Device():
            return None


def output_of(sink: Address, rate: int, *, more: bool = False) -> Output | None:
    """Open an output that is no device; None for nowhere. Blocks; raises OutputFailed.

    Files are written at `rate`; with `more` a WAV file is gone on with.
    """
    match sink:
        case SoundFile(path) if path.suffix.lower() == ".flac":
            return FlacOutput(path, rate)
        case SoundFile(path):
            return WavOutput(path, rate, more=more)
        case RawPipe(path):
            return PipeOutput(path)
        case Nothing() | Device():
            return None
