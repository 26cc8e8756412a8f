"""Everything that is installed is pinned to a version and to its content."""

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
REQUIREMENTS = REPOSITORY / "requirements"
SOURCES = sorted(REQUIREMENTS.glob("*.in"))
POMS = sorted(pom for folder in ("infra", "tests") for pom in (REPOSITORY / folder).rglob("pom.xml"))
POM = {"": "http://maven.apache.org/POM/4.0.0"}


@pytest.mark.parametrize("source", SOURCES, ids=[source.stem for source in SOURCES])
def test_each_locked_package_has_one_version_and_its_hashes(source: Path) -> None:
    text = source.with_suffix(".txt").read_text(encoding="utf-8").replace("\\\n", "")
    packages = [line for line in text.splitlines() if line.strip() and not line.strip().startswith("#")]
    assert packages
    for package in packages:
        assert re.match(r"[a-z0-9.-]+(\[[a-z0-9,-]+\])?==\S+( ; .*?)?(\s+--hash=sha256:[0-9a-f]{64})+$", package), (
            package
        )


def test_make_lock_writes_each_lock_and_no_recipe_installs_without_hashes() -> None:
    recipes = (REPOSITORY / "Makefile").read_text(encoding="utf-8").replace("\\\n", "").splitlines()
    for source in SOURCES:
        assert any(f"requirements/{source.name} -o requirements/{source.stem}.txt" in line for line in recipes), source
    installing = [line for line in recipes if re.search(r"pip (install|sync)", line)]
    assert len(installing) == 2
    assert all("$(LOCKED)" in line for line in installing)
    assert "LOCKED := --require-hashes --build-constraints requirements/build.txt" in recipes


def test_each_package_of_npm_has_its_hash_and_runs_no_script_when_installed() -> None:
    folder = REPOSITORY / "tests" / "postman"
    packages = json.loads((folder / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    assert len(packages) > 100
    assert all(package["integrity"].startswith("sha512-") for name, package in packages.items() if name)
    assert "ignore-scripts=true" in (folder / ".npmrc").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("pom", POMS, ids=[str(pom.relative_to(REPOSITORY).parent) for pom in POMS])
def test_each_dependency_and_plugin_of_maven_has_one_version(pom: Path) -> None:
    root = ET.parse(pom).getroot()
    managed = {
        plugin.findtext("artifactId", namespaces=POM)
        for parent in (REPOSITORY / "infra" / "services" / "pom.xml", pom)
        for plugin in ET.parse(parent).getroot().findall(".//pluginManagement/plugins/plugin", POM)
    }
    for kind in ("dependency", "plugin", "artifactItem"):
        for element in root.findall(f".//{kind}", POM):
            name = element.findtext("artifactId", namespaces=POM)
            version = element.findtext("version", "", POM)
            assert re.fullmatch(r"\d[\w.-]*|\$\{\w+\.version\}", version) or (not version and name in managed), name
            assert "SNAPSHOT" not in version, name


def test_each_folder_of_jars_is_locked() -> None:
    lines = (REQUIREMENTS / "jars.sha256").read_text(encoding="utf-8").splitlines()
    names = [line.partition("  ")[2] for line in lines]
    assert all(re.fullmatch(r"[0-9a-f]{64}  \S.*", line) for line in lines)
    assert names == sorted(set(names))
    folders = {"/".join(name.split("/")[:2]) for name in names if not name.startswith("monitoring/")}
    assert folders == {"hadoop/lib", "hadoop/web", "hive/beeline", "hive/lib", "hive/metastore"}
    assert [name for name in names if name.startswith("monitoring/")] == ["monitoring/jmx_prometheus_javaagent.jar"]
