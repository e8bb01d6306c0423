"""Sound in and out: the capture clock, playback to the sample, devices, files and pipes, echo cancellation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.lazily import lazily

if TYPE_CHECKING:
    from services.audio.devices import DeviceBusy, DeviceInfo, DeviceNotFound, NoSoundSystem, SoundDevices
    from services.audio.engines.portaudio import PortAudio, list_devices
    from services.audio.engines.soundfiles import UnreadableSound
    from services.audio.engines.webrtc import CleanerUnavailable, cleaner
    from services.audio.opening import check
    from services.audio.ports import OutputFailed
    from services.audio.service import AudioService
    from services.audio.settings import AudioSettings
else:
    __getattr__ = lazily(
        __name__,
        {
            ".devices": "DeviceBusy DeviceInfo DeviceNotFound NoSoundSystem SoundDevices",
            ".engines.portaudio": "PortAudio list_devices",
            ".engines.soundfiles": "UnreadableSound",
            ".engines.webrtc": "CleanerUnavailable cleaner",
            ".opening": "check",
            ".ports": "OutputFailed",
            ".service": "AudioService",
            ".settings": "AudioSettings",
        },
    )

__all__ = [
    "AudioService",
    "AudioSettings",
    "CleanerUnavailable",
    "DeviceBusy",
    "DeviceInfo",
    "DeviceNotFound",
    "NoSoundSystem",
    "OutputFailed",
    "PortAudio",
    "SoundDevices",
    "UnreadableSound",
    "check",
    "cleaner",
    "list_devices",
]
