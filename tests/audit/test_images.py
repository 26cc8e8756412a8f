"""What is known of an image's packages, with made-up advisories for a Debian package, a jar and a Python package."""

import json
import os
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.audit import images
from infra.audit.advisories import Package, concerns
from infra.control.settings import REPOSITORY
from infra.release.git import commit_of
from infra.release.materials import write_materials
from infra.release.package import MATERIALS, folder_of
from tests.infra_release.oci import write_image


def record(name: str, ecosystem: str, package: str, fixed: str, **more: Any) -> dict[str, Any]:
    events = [{"introduced": "0"}, {"fixed": fixed}]
    affected = {
        "package": {"name": package, "ecosystem": ecosystem},
        "ranges": [{"type": "ECOSYSTEM", "events": events}],
    }
    return {"id": name, "summary": f"{package} can be left.", "affected": [affected | more]}


LOG4J = "org.apache.logging.log4j:log4j-core"
# Debian's has been fixed in the version with a higher revision, which text alone would sort the other way.
ADVISORIES = [
    record("DSA-0001-1", "Debian:12", "openssl", "3.0.17-1~deb12u10"),
    record("DSA-0002-1", "Debian:12", "bash", "5.2.15-2"),
    record("DSA-0003-1", "Debian:11", "bash", "9"),
    record("PYSEC-0000-1", "PyPI", "jinja2", "3.9.1"),
    record("PYSEC-0000-2", "PyPI", "flask", "3.1.3"),
    record("GHSA-aaaa", "Maven", LOG4J, "2.18.0", versions=["2.17.0", "2.17.1"]),
    record("GHSA-bbbb", "Maven", LOG4J, "2.15.0", versions=["2.14.0", "2.14.1"]),
    {**record("PYSEC-0000-3", "PyPI", "jinja2", "9"), "withdrawn": "2026-01-01T00:00:00Z"},
]
FOUND = [
    "audit: jinja2 3.1.6 has PYSEC-0000-1: upgrade to 3.9.1, or give a reason",
    "audit: openssl 3.0.17-1~deb12u2 has DSA-0001-1: upgrade to 3.0.17-1~deb12u10, or give a reason",
    f"audit: {LOG4J} 2.17.1 has GHSA-aaaa: upgrade to 2.18.0, or give a reason",
]


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a state folder with an image of this commit."""
    monkeypatch.setenv("MARQUEE_STATE", str(tmp_path))
    folder = folder_of(tmp_path, commit_of(REPOSITORY, "HEAD"))
    write_image(folder / "images")
    write_materials(folder / "images", "serving", "sha256:1", folder / MATERIALS)
    return tmp_path


def offline(folder: Path, records: list[dict[str, Any]]) -> str:
    """Write OSV's offline databases."""
    for ecosystem in ("Debian", "PyPI", "Maven"):
        (folder / ecosystem).mkdir(parents=True)
        with zipfile.ZipFile(folder / ecosystem / "all.zip", "w") as out:
            for each in records:
                if each["affected"][0]["package"]["ecosystem"].startswith(ecosystem):
                    out.writestr(f"{each['id']}.json", json.dumps(each))
    return str(folder)


@contextmanager
def service(answer_of: Any) -> Iterator[str]:
    """Serve OSV's protocol, with a page for each advisory."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self._send(answer_of(body["queries"]))

        def do_GET(self) -> None:
            self._send(next(each for each in ADVISORIES if each["id"] == self.path.rpartition("/")[2]))

        def _send(self, answer: Any) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *_: object) -> None:
            """Stay quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def run(monkeypatch: pytest.MonkeyPatch, source: str, *arguments: str) -> int:
    monkeypatch.setenv("MARQUEE_ADVISORIES", source)
    monkeypatch.setattr("sys.argv", ["images", *arguments])
    return images.main()


def shown(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [line.partition(" in requirements/")[0] for line in capsys.readouterr().err.splitlines()]


def test_offline_databases_give_what_is_known_of_a_debian_package_a_jar_and_a_python_package(
    built: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    source = offline(built / "osv", ADVISORIES)
    assert run(monkeypatch, source) == 1
    assert sorted(shown(capsys)) == sorted(FOUND)
    monkeypatch.setattr(images, "_KNOWN", built / "known.toml")
    reasons = [
        f'[[known]]\nid = "{name}"\npackage = "{package}"\nreason = "r"\nlook_again = 2999-01-01\n'
        for name, package in (("DSA-0001-1", "openssl"), ("PYSEC-0000-1", "jinja2"), ("GHSA-aaaa", LOG4J))
    ]
    (built / "known.toml").write_text("".join(reasons), encoding="ascii")
    assert run(monkeypatch, source) == 0


def test_a_service_that_speaks_osvs_protocol_is_asked_page_by_page(
    built: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    known = {"openssl": "DSA-0001-1", "jinja2": "PYSEC-0000-1", LOG4J: "GHSA-aaaa"}

    def answer(queries: list[dict[str, Any]]) -> dict[str, Any]:
        results = []
        for query in queries:
            found = [{"id": known[query["package"]["name"]]}] if query["package"]["name"] in known else []
            # The second page has it.
            later = bool(found) and "page_token" not in query
            results.append({"next_page_token": "more"} if later else {"vulns": found} if found else {})
        return {"results": results}

    with service(answer) as address:
        assert run(monkeypatch, address) == 1
    assert sorted(shown(capsys)) == sorted(FOUND)


def test_no_advisories_are_75_or_a_warning_and_no_images_are_1(
    built: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for source in ("http://127.0.0.1:1", str(built / "nowhere")):
        assert run(monkeypatch, source) == os.EX_TEMPFAIL == 75
        assert run(monkeypatch, source, "--unreachable", "warn") == 0
        assert "audit: vulnerabilities of images were not looked for." in capsys.readouterr().err
    with service(lambda _: {"hello": "world"}) as address:
        assert run(monkeypatch, address) == 75
    assert "does not speak OSV's protocol" in capsys.readouterr().err
    assert run(monkeypatch, offline(built / "empty", [])) == 0
    for path in built.glob(f"packages/*/{MATERIALS}/*"):
        path.unlink()
    assert run(monkeypatch, "http://127.0.0.1:1") == 1
    assert "Build them with `make images VERSION=" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("ecosystem", "version", "events", "concerned"),
    [
        ("PyPI", "1.10", [{"introduced": "1.9"}, {"fixed": "1.11"}], True),
        ("PyPI", "1.8", [{"introduced": "1.9"}, {"fixed": "1.11"}], False),
        ("PyPI", "1.11", [{"introduced": "1.9"}, {"last_affected": "1.11"}], True),
        ("PyPI", "2.0", [{"introduced": "0"}, {"fixed": "1.0"}, {"introduced": "2.0"}], True),
        ("PyPI", "1.5", [{"introduced": "0"}, {"fixed": "1.0"}, {"introduced": "2.0"}], False),
        ("Debian:12", "1:1.0-1", [{"introduced": "0"}, {"fixed": "9.0-1"}], False),
        ("Debian:12", "1.0~rc1-1", [{"introduced": "0"}, {"fixed": "1.0-1"}], True),
        # Nothing here compares Maven's: an advisory without a list of versions counts.
        ("Maven", "1.0", [{"introduced": "0"}, {"fixed": "0.5"}], True),
    ],
)
def test_a_version_is_compared_as_its_ecosystem_does(
    ecosystem: str, version: str, events: list[dict[str, str]], concerned: bool
) -> None:
    affected = {"ranges": [{"type": "GIT", "events": [{"introduced": "0"}]}, {"type": "ECOSYSTEM", "events": events}]}
    assert concerns(affected, Package(ecosystem, "x", version)) is concerned


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=4), st.integers(0, 19))
def test_a_version_is_concerned_exactly_from_an_introduction_to_its_fix(spans: list[tuple[int, int]], at: int) -> None:
    start, ranges = 0, []
    for gap, length in spans:
        ranges.append((start + gap, start + gap + length + 1))
        start = ranges[-1][1] + 1
    events = [event for first, end in ranges for event in ({"introduced": f"{first}.0"}, {"fixed": f"{end}.0"})]
    affected = {"ranges": [{"type": "ECOSYSTEM", "events": events}]}
    assert concerns(affected, Package("PyPI", "x", f"{at}.0")) is any(first <= at < end for first, end in ranges)
