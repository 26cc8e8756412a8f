import pytest
from recommender.settings import TrainingSettings


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("rank", 8.5, r"rank is 8\.5\. It must be a whole number\."),
        ("rank", "8", r"rank is '8'\. It must be a whole number\."),
        ("max_iter", True, r"max-iter is True\. It must be a whole number\."),
        ("alpha", None, r"alpha is None\. It must be a number\."),
        ("reg_param", float("nan"), r"reg-param is nan\. It must be finite\."),
        ("first_visit_days", float("inf"), r"first-visit-days is inf\. It must be finite\."),
    ],
)
def test_settings_that_are_no_number_of_their_kind_are_refused(name: str, value: object, sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{sentence}$"):
        TrainingSettings(**{name: value})  # type: ignore[arg-type]


def test_a_whole_number_will_do_for_a_fraction() -> None:
    assert TrainingSettings(alpha=2).alpha == 2
