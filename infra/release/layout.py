"""Files of an image in an OCI layout, read from its layers; nothing of it is run."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, TypeVar

from infra.release.errors import ReleaseError

Read = TypeVar("Read")
_NAME = "org.opencontainers.image.ref.name"
_REMOVED, _EMPTIED = ".wh.", ".wh..wh..opq"


def _blob(layout: Path, digest: str) -> Path:
    return layout / "blobs" / Path(*digest.split(":", 1))


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ReleaseError(f"{path} can't be read as part of an image: {error}. Run `make images` again.") from error


def read_files(layout: Path, image: str, read: Callable[[str, IO[bytes]], Read | None]) -> dict[str, Read]:
    """Return what `read` gives for the files of an image, by their path.

    A file for which it gives None is left out. Later layers replace and remove files of earlier ones. Raises ReleaseError.
    """
    # An image that was built again with another digest stays, without its name.
    images = _json(layout / "index.json")["manifests"]
    entries = [each for each in images if each.get("annotations", {}).get(_NAME) == image]
    if not entries:
        raise ReleaseError(f"{layout} has no image {image}. Run `make images` again.")
    found: dict[str, Read] = {}
    for layer in _json(_blob(layout, entries[-1]["digest"]))["layers"]:
        try:
            with tarfile.open(_blob(layout, layer["digest"]), "r|*") as tar:
                _add_layer(found, tar, read)
        except (OSError, tarfile.TarError) as error:
            raise ReleaseError(
                f"The layer {layer['digest']} of {image} can't be read: {error}. Run `make images` again."
            ) from error
    return found


def _add_layer(found: dict[str, Read], tar: tarfile.TarFile, read: Callable[[str, IO[bytes]], Read | None]) -> None:
    # What a layer removes is of the layers before it, wherever in the layer it is said.
    earlier = set(found)
    for member in tar:
        path = _path(member.name)
        if path.name.startswith(_REMOVED):
            gone = path.parent if path.name == _EMPTIED else path.with_name(path.name.removeprefix(_REMOVED))
            for name in [name for name in earlier if gone in (Path(name), *Path(name).parents)]:
                found.pop(name, None)
            continue
        earlier.discard(path.as_posix())
        before = found.pop(path.as_posix(), None)
        if member.islnk():
            # Another name of a file that is in the layer.
            value = found.get(_path(member.linkname).as_posix(), before)
        else:
            content = tar.extractfile(member) if member.isreg() else None
            value = None if content is None else read(path.as_posix(), content)
        if value is not None:
            found[path.as_posix()] = value


def _path(name: str) -> Path:
    return Path(name.removeprefix("./").lstrip("/"))
