"""docs/architecture.md shows the table of packages as it is, and names only files that exist."""

import re

from infra.audit.architecture import PAGE, drawn, picture
from infra.audit.packages import REPOSITORY


def test_the_pictures_are_those_of_the_table() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert re.findall(r"<!-- packages of (\w+) -->", page) == ["serving", "spark_jobs", "dags", "infra"]
    assert page == drawn(page), "run `python3 -m infra.audit.architecture`"


def test_a_picture_leaves_out_what_longer_ways_imply() -> None:
    serving = picture("serving")
    assert "serving_recommendations_api --> serving_recommendations_answers" in serving
    assert "serving_recommendations_answers --> serving_publications" in serving
    assert "serving_recommendations_api --> serving_publications" not in serving


def test_the_page_names_only_files_that_exist() -> None:
    named = re.findall(
        r"`((?:dags|docs|expectations|hql|infra|mr_jobs|serving|spark_jobs|tests)/[^`\s<>*]*)`", PAGE.read_text()
    )
    assert len(named) > 30
    assert [name for name in named if not (REPOSITORY / name.partition(":")[0]).exists()] == []
