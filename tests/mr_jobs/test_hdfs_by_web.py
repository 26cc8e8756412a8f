"""What HDFS holds is WebHDFS's answer; what programs write to standard error decides nothing."""

import json
import urllib.parse
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from hdfs_by_web import WebHdfs
from mr_clean_ratings import MRCleanRatings

from tests.local_server import local_server

FILES = {"/clean/a b/part-00000": 7, "/clean/a b/deep/part-1%": 5, "/raw/ratings.csv": 600 << 20} | {
    "/joined/ratings.csv": 10,
    "/joined/feedback-ratings.csv": 4,
}

WRITTEN: dict[str, bytes] = {}
DELETED: list[str] = []


class NameNode(BaseHTTPRequestHandler):
    """The answers of WebHDFS for the files above, in the form of Hadoop 3.4."""

    def do_GET(self) -> None:
        address = urllib.parse.urlparse(self.path)
        path = urllib.parse.unquote(address.path).removeprefix("/webhdfs/v1").rstrip("/")
        query = urllib.parse.parse_qs(address.query)
        below = {name: size for name, size in FILES.items() if name == path or name.startswith(f"{path}/")}
        if path == "/forbidden":
            self.answer(403, {"RemoteException": {"exception": "AccessControlException"}})
        elif not below:
            self.answer(404, {"RemoteException": {"exception": "FileNotFoundException"}})
        elif query["op"] == ["GETCONTENTSUMMARY"]:
            self.answer(200, {"ContentSummary": {"length": sum(below.values())}})
        elif query["op"] == ["GETFILESTATUS"]:
            self.answer(200, {"FileStatus": {"type": "FILE" if path in FILES else "DIRECTORY", "pathSuffix": ""}})
        else:
            names = {name[len(path) + 1 :].partition("/")[0]: name for name in below}
            entries = [
                {"pathSuffix": name, "type": "FILE" if not name or f"{path}/{name}" in FILES else "DIRECTORY"}
                for name in names
            ]
            self.answer(200, {"FileStatuses": {"FileStatus": entries}})

    def do_PUT(self) -> None:
        """Write as HDFS does: the NameNode names a DataNode, which gets the content."""
        address = urllib.parse.urlparse(self.path)
        path = urllib.parse.unquote(address.path).removeprefix("/webhdfs/v1")
        query = urllib.parse.parse_qs(address.query)
        if path.startswith("/datanode"):
            WRITTEN[path.removeprefix("/datanode")] = self.rfile.read(int(self.headers["Content-Length"]))
            self.answer(201, {})
        elif query["op"] == ["MKDIRS"]:
            WRITTEN[f"{path}/"] = b""
            self.answer(200, {"boolean": True})
        else:
            assert query["noredirect"] == query["overwrite"] == ["true"]
            self.answer(200, {"Location": f"http://{self.headers['Host']}/datanode{urllib.parse.quote(path)}"})

    def do_DELETE(self) -> None:
        address = urllib.parse.urlparse(self.path)
        assert urllib.parse.parse_qs(address.query)["recursive"] == ["true"]
        DELETED.append(urllib.parse.unquote(address.path).removeprefix("/webhdfs/v1"))
        self.answer(200, {"boolean": True})

    def answer(self, status: int, content: object) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(content).encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def namenode() -> Iterator[str]:
    with local_server(NameNode) as address:
        yield address


def test_a_path_exists_or_does_not(namenode: str) -> None:
    found = WebHdfs(namenode)
    assert found.exists("hdfs:///raw/ratings.csv")
    assert found.exists("hdfs://localhost:9000/clean/a b")
    assert not found.exists("hdfs:///raw/none.csv")


def test_the_files_below_a_directory_are_listed_and_none_below_a_missing_one(namenode: str) -> None:
    found = WebHdfs(namenode)
    assert sorted(found.ls("hdfs:///clean/")) == [
        "hdfs:///clean/a b/deep/part-1%",
        "hdfs:///clean/a b/part-00000",
    ]
    assert list(found.ls("hdfs:///raw/ratings.csv")) == ["hdfs:///raw/ratings.csv"]
    assert list(found.ls("hdfs:///none")) == []


def test_a_pattern_names_the_files_that_hadoop_would_read(namenode: str) -> None:
    found = WebHdfs(namenode)
    assert found.exists("hdfs:///joined/*ratings.csv")
    assert list(found.ls("hdfs:///joined/*ratings.csv")) == [
        "hdfs:///joined/feedback-ratings.csv",
        "hdfs:///joined/ratings.csv",
    ]
    assert found.du("hdfs:///joined/*ratings.csv") == 14
    assert list(found.ls("hdfs:///joined/ratings.cs?")) == ["hdfs:///joined/ratings.csv"]
    assert list(found.ls("hdfs:///joined/?ratings.csv")) == []
    # A dot is a dot, and a pattern below a missing folder names nothing.
    assert not found.exists("hdfs:///joined/*ratings?tsv")
    assert not found.exists("hdfs:///none/*ratings.csv")


def test_sizes_are_the_namenodes(namenode: str) -> None:
    found = WebHdfs(namenode)
    assert (found.du("hdfs:///clean"), found.du("hdfs:///none")) == (12, 0)


def test_an_error_is_no_missing_path(namenode: str) -> None:
    with pytest.raises(OSError, match="WebHDFS answers 403 for hdfs:///forbidden"):
        WebHdfs(namenode).exists("hdfs:///forbidden")
    with pytest.raises(OSError, match=r"can't be asked about hdfs:///raw \(.*\). See `make status`\."):
        WebHdfs("http://127.0.0.1:9").du("hdfs:///raw")


def test_a_file_is_written_where_a_datanode_takes_it_and_is_deleted_with_its_folder(
    namenode: str, tmp_path: Path
) -> None:
    local = tmp_path / "job.py"
    for content in (b"print('job')\n", b""):
        local.write_bytes(content)
        hdfs = WebHdfs(namenode)
        hdfs.mkdir("hdfs:///tmp/a b")
        hdfs.put(str(local), "hdfs:///tmp/a b/job 1%.py")
        assert (WRITTEN["/tmp/a b/"], WRITTEN["/tmp/a b/job 1%.py"]) == (b"", content)
    hdfs.rm("hdfs:///tmp/a b")
    hdfs.rm("hdfs:///joined/*ratings.csv")
    hdfs.rm("hdfs:///none/*ratings.csv")
    assert DELETED == ["/tmp/a b", "/joined/feedback-ratings.csv", "/joined/ratings.csv"]


def test_the_version_is_that_of_the_jars_and_else_what_the_command_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    command = tmp_path / "hadoop"
    command.write_text("#!/bin/sh\necho Hadoop 3.3.6\n", encoding="ascii")
    command.chmod(0o755)
    monkeypatch.setenv("HADOOP_HOME", str(tmp_path))
    assert WebHdfs("http://127.0.0.1:9", [str(command)]).get_hadoop_version() == "3.3.6"
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "hadoop-common-3.4.2.jar").touch()
    (tmp_path / "lib" / "hadoop-common-extra.txt").touch()
    assert WebHdfs("http://127.0.0.1:9", ["no such program"]).get_hadoop_version() == "3.4.2"


def test_a_job_submits_although_each_program_writes_a_line_to_standard_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, namenode: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """The hadoop command fails as FsShell does for a missing path, after bash's line about a locale."""
    hadoop = tmp_path / "bin" / "hadoop"
    hadoop.parent.mkdir()
    hadoop.write_text(
        "#!/bin/sh\necho 'bash: warning: setlocale: LC_ALL: cannot change locale (ko_KR.UTF-8)' >&2\n"
        f'echo "$@" >>{tmp_path}/asked\n'
        'case "$1 $2" in version*) echo Hadoop 3.4.2 ;; "fs -ls") echo "ls: \'$4\': No such file or directory" >&2; exit 1 ;; esac\n',
        encoding="ascii",
    )
    hadoop.chmod(0o755)
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "hadoop-common-3.4.2.jar").touch()
    monkeypatch.setenv("HADOOP_HOME", str(tmp_path))
    monkeypatch.setenv("MARQUEE_WEBHDFS_URL", namenode)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    job = MRCleanRatings(
        ["hdfs:///raw/ratings.csv", "-r", "hadoop", "--output-dir", "hdfs:///clean/new", "--no-output"]
    )
    job.sandbox()
    job.run_job()
    printed = capfd.readouterr().out
    assert json.loads(printed.splitlines()[-1])["output_dir"] == "hdfs:///clean/new"
    asked = (tmp_path / "asked").read_text(encoding="ascii")
    # Each command is a JVM of a second or more.
    assert asked.startswith("jar ")
    assert asked.count("hadoop-streaming") == 1
    assert "mapreduce.job.reduces=3" in asked
