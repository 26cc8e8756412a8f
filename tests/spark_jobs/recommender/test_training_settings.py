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
        ("seed", 2**70, r"seed is 1180591620717411303424\. It must be 0 or more, and at most 4,294,967,295\."),
        ("seed", -1, r"seed is -1\. It must be 0 or more, and at most 4,294,967,295\."),
        ("rank", 10**400, rf"rank is {10**400}\. It must be 1 or more, and at most 512\."),
        ("alpha", 0, r"alpha is 0\. It must be more than 0, and at most 1,000\."),
        ("gain_power", 1e308, r"gain-power is 1e\+308\. It must be 0 or more, and at most 10\."),
        ("first_visit_days", float("inf"), r"first-visit-days is inf\. It must be finite\."),
    ],
)
def test_settings_that_are_no_number_of_their_kind_are_refused(name: str, value: object, sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{sentence}$"):
        TrainingSettings(**{name: value})  # type: ignore[arg-type]


def test_a_whole_number_will_do_for_a_fraction() -> None:
    assert TrainingSettings(alpha=2).alpha == 2
