"""What may have been meant by a name."""

import pytest

from runner.model.choices import choices


@pytest.mark.parametrize(
    ("name", "known", "said"),
    [
        ("app-mian", {"web", "app-main"}, "did you mean 'app-main'? There are: app-main, web"),
        ("zzz", {"web", "app-main"}, "there are: app-main, web"),
        ("x", set(), "there are none"),
    ],
)
def test_the_nearest_name_comes_first_and_then_all(name: str, known: set[str], said: str) -> None:
    assert choices(name, known) == said


def test_many_names_are_cut_and_counted() -> None:
    said = choices("x" * 10**6, [f"target-{number:03}" for number in range(500)])
    assert said.endswith("target-019 and 480 more")
