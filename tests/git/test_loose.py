from collections.abc import Callable
from pathlib import Path

import pytest

from runner.git.objects import PrivateObjects

GitIn = Callable[..., str]


@pytest.mark.parametrize("content", [b"", b"x", b"a\r\n\0", b"long" * 100_000])
def test_a_blob_has_the_id_that_git_gives_it_and_is_read_back_by_git(
    objects: PrivateObjects, repository: Path, git_in: GitIn, content: bytes
) -> None:
    before = sorted(path for path in (repository / ".git").rglob("*"))
    name = objects.write_blob(content)
    assert name == objects.write_blob(content) == objects.blob_id((content[:3], content[3:]), len(content))
    assert name == git_in(repository, "hash-object", "--stdin", "--no-filters", stdin=content)
    assert objects.blobs([name]) == {name: content}
    assert sorted(path for path in (repository / ".git").rglob("*")) == before, "the repository's own objects stay as they are"
