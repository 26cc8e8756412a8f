from pathlib import Path

import pytest
from cluster.claim import check_claim
from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark


def test_a_try_whose_claim_is_gone_registers_no_model(spark: SparkSession, tmp_path: Path) -> None:
    claim = tmp_path / "claim-1"
    claim.mkdir()
    check_claim(spark, claim.as_uri())
    claim.rmdir()
    with pytest.raises(SystemExit, match=r"claim-1 is gone: .*\. No model is registered\. "):
        check_claim(spark, claim.as_uri())
    check_claim(spark, "")
