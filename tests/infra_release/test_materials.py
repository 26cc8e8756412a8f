"""The bill of materials of an image, read from its layers."""

import json
import re
from pathlib import Path

import pytest

from infra.release.errors import ReleaseError
from infra.release.images import TARGETS
from infra.release.materials import write_materials
from tests.infra_release.oci import write_image

REPOSITORY = Path(__file__).resolve().parents[2]


def test_an_image_names_debians_packages_pythons_and_its_jars_as_its_last_layer_has_them(tmp_path: Path) -> None:
    write_image(tmp_path / "images")
    path = write_materials(tmp_path / "images", "serving", "sha256:1", tmp_path / "materials")
    document = json.loads(path.read_text(encoding="utf-8"))
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    assert document["metadata"]["component"] == {"type": "container", "name": "marquee-serving", "version": "sha256:1"}
    assert [component["purl"] for component in document["components"]] == [
        "pkg:deb/debian/bash@5.2.15-2?arch=amd64",
        "pkg:deb/debian/libssl3@3.0.17-1~deb12u2%2Bb1?arch=amd64",
        "pkg:generic/broken@2.0?path=opt/jars/broken-2.0.jar",
        "pkg:generic/mystery@1.0?path=opt/jars/mystery-1.0.jar",
        "pkg:maven/org.apache.logging.log4j/log4j-core@2.17.1",
        "pkg:pypi/flask@3.1.3",
        "pkg:pypi/jinja2@3.1.6",
    ]
    asked = {
        component["name"]: [each["value"] for each in component["properties"]] for component in document["components"]
    }
    # Debian's advisories are about the source package and its version.
    assert asked["libssl3"] == ["Debian:12", "openssl", "3.0.17-1~deb12u2"]
    assert asked["log4j-core"] == ["Maven", "org.apache.logging.log4j:log4j-core", "2.17.1"]
    assert asked["mystery"] == ["", "", "1.0"]
    (jar,) = [component for component in document["components"] if component["name"] == "log4j-core"]
    assert re.fullmatch("[0-9a-f]{64}", jar["hashes"][0]["content"])


def test_the_same_image_gives_the_same_bytes(tmp_path: Path) -> None:
    written = []
    for name in ("one", "two"):
        write_image(tmp_path / name)
        written.append(write_materials(tmp_path / name, "serving", "sha256:1", tmp_path / f"{name}-materials"))
    assert written[0].read_bytes() == written[1].read_bytes()


def test_an_image_that_another_build_left_without_its_name_is_passed_over(tmp_path: Path) -> None:
    write_image(tmp_path / "images")
    index = tmp_path / "images" / "index.json"
    listed = json.loads(index.read_text(encoding="utf-8"))
    listed["manifests"].insert(0, {"digest": "sha256:0", "size": 1})
    index.write_text(json.dumps(listed), encoding="utf-8")
    path = write_materials(tmp_path / "images", "serving", "sha256:1", tmp_path)
    assert "flask" in path.read_text(encoding="utf-8")


def test_an_image_that_is_away_or_broken_is_named(tmp_path: Path) -> None:
    layout = tmp_path / "images"
    with pytest.raises(ReleaseError, match=r"index\.json can't be read as part of an image.*Run `make images` again"):
        write_materials(layout, "serving", "sha256:1", tmp_path)
    write_image(layout)
    with pytest.raises(ReleaseError, match="has no image accounts"):
        write_materials(layout, "accounts", "sha256:1", tmp_path)
    for blob in (layout / "blobs" / "sha256").iterdir():
        if blob.read_bytes()[:2] == b"\x1f\x8b":
            blob.write_bytes(blob.read_bytes()[:60])
    with pytest.raises(ReleaseError, match=r"The layer sha256:.* of serving can't be read"):
        write_materials(layout, "serving", "sha256:1", tmp_path)


def test_every_image_of_the_compose_file_and_that_of_sparks_pods_is_built() -> None:
    text = (REPOSITORY / "infra/deploy/images/Dockerfile").read_text(encoding="utf-8")
    (named,) = re.findall(r"^# The images of docker-compose\.yml, by target: (.*)\.$", text, re.MULTILINE)
    assert (*named.split(", "), "spark") == TARGETS
