"""Models: a catalogue of known ones, a store of those on disk, and pulls that are verified to the byte."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.lazily import lazily

if TYPE_CHECKING:
    from services.models.catalogue import Catalogue, Entry, ListedFile, MachineClass
    from services.models.errors import (
        DiskFull,
        FolderUnusable,
        HashConflict,
        LockUnreadable,
        NoSource,
        PullCancelled,
        PullUnderWay,
        SizeConflict,
        SourceFailed,
        UnknownModel,
        WrongHash,
    )
    from services.models.machine import Machine, detect
    from services.models.pull import Progress
    from services.models.service import ModelsService
    from services.models.settings import ModelsSettings
    from services.models.sources import hub_address
    from services.models.store import FileCheck, Listing, Store
else:
    __getattr__ = lazily(
        __name__,
        {
            ".catalogue": "Catalogue Entry ListedFile MachineClass",
            ".errors": "DiskFull FolderUnusable HashConflict LockUnreadable NoSource PullCancelled "
            "PullUnderWay SizeConflict SourceFailed UnknownModel WrongHash",
            ".machine": "Machine detect",
            ".pull": "Progress",
            ".service": "ModelsService",
            ".settings": "ModelsSettings",
            ".sources": "hub_address",
            ".store": "FileCheck Listing Store",
        },
    )

__all__ = [
    "Catalogue",
    "DiskFull",
    "Entry",
    "FileCheck",
    "FolderUnusable",
    "HashConflict",
    "ListedFile",
    "Listing",
    "LockUnreadable",
    "Machine",
    "MachineClass",
    "ModelsService",
    "ModelsSettings",
    "NoSource",
    "Progress",
    "PullCancelled",
    "PullUnderWay",
    "SizeConflict",
    "SourceFailed",
    "Store",
    "UnknownModel",
    "WrongHash",
    "detect",
    "hub_address",
]
