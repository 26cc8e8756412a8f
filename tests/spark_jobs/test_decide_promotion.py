import json
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


def test_the_program_prints_and_writes_one_decision(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    evaluation, result = tmp_path / "evaluation.json", tmp_path / "out" / "result.json"
    evaluation.write_text(json.dumps(record()))
    main(["--evaluation", str(evaluation), "--result", str(result)])
    printed = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (printed["verdict"], printed["promoted"], printed["applied"]) == ("promote", True, False)
    assert json.loads(result.read_text()) == printed
