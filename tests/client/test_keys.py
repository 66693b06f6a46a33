"""Keys: the same thing in the same job has the same one, and nothing else has."""

import pytest

from runner.client.keys import after, job, key

GITHUB = {"GITHUB_REPOSITORY": "o/r", "GITHUB_RUN_ID": "1", "GITHUB_RUN_ATTEMPT": "1", "GITHUB_JOB": "check"}
GITLAB = {"CI_SERVER_URL": "https://gitlab.example", "CI_JOB_ID": "77"}


@pytest.mark.parametrize("env", [GITHUB, GITLAB, {"BUILD_TAG": "jenkins-a-1"}, {"BUILDKITE_JOB_ID": "x"}, {"CIRCLE_WORKFLOW_JOB_ID": "y"}])
def test_the_same_thing_in_the_same_job_has_the_same_key(env: dict[str, str]) -> None:
    first = key([b"a", b"b"], env)
    assert first == key([b"a", b"b"], dict(env))
    others = [
        key([b"ab", b""], env),
        key([b"a"], env),
        key([b"b", b"a"], env),
        *(key([b"a", b"b"], {**env, name: "other"}) for name in env),
    ]
    assert first not in others
    assert len({*others}) == len(others)
    assert 1 <= len(first) <= 255


@pytest.mark.parametrize("env", [{}, {"GITHUB_RUN_ID": "1"}, {"CI": "true"}, {"BUILD_TAG": ""}])
def test_without_a_known_job_every_key_is_new(env: dict[str, str]) -> None:
    assert job(env) == ""
    assert key([b"a"], env) != key([b"a"], env)


def test_the_key_of_another_attempt_is_another_one_and_can_be_made_again() -> None:
    assert after("k", "abc") == after("k", "abc")
    assert len({"k", after("k", "abc"), after("k", "abd"), after("l", "abc")}) == 4
