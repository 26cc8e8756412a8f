import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import pytest
from decide_promotion import main

SCORERS = {"candidate": 0.2, "popularity": 0.1, "recent_popularity": 0.1}


def record() -> dict[str, object]:
    noise = np.random.default_rng(1).normal(0, 0.01, 100)
    return {
        "ndcg_per_user": {name: (mean + noise).tolist() for name, mean in SCORERS.items()},
        "ndcg_user_ids": list(range(100)),
        "windows": [{"scorer": name, "metrics": {"coverage": 0.1}} for name in SCORERS],
        "ratings": 1000,
        "largest_user_share": 0.02,
    }


@pytest.fixture
def address() -> Iterator[str]:
    """Where the record is served over HTTP, as WebHDFS does."""

    class Files(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/webhdfs/v1/evaluation.json?op=OPEN&user.name=m" else 404)
            self.end_headers()
            self.wfile.write(json.dumps(record()).encode())

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Files) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/webhdfs/v1/evaluation.json?op=OPEN&user.name=m"
        server.shutdown()
        thread.join()


def test_the_program_prints_and_writes_one_decision(
    address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = tmp_path / "out" / "result.json"
    main(["--evaluation", address, "--result", str(result)])
    printed = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (printed["verdict"], printed["promoted"], printed["applied"]) == ("promote", True, False)
    assert json.loads(result.read_text()) == printed


@pytest.mark.parametrize("source", ["evaluation.json", "runs:/1/evaluation.json", "{}", "hdfs:///evaluation.json"])
def test_an_evaluation_that_is_no_web_address_is_refused(source: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--evaluation", source])
    assert f"{source} is not an http(s) URL. Give the WebHDFS address" in capsys.readouterr().err
