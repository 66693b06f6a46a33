import pytest

from runner.model.change import FileChange
from runner.model.text import shown
from testing.builders import a_file


@pytest.mark.parametrize("name", [b"src/a.py", "größe".encode(), b"caf\xe9", b"a\\xe9", b"new\nline"])
def test_a_name_survives_a_file_of_json_byte_for_byte(name: bytes) -> None:
    file = a_file("x").model_copy(update={"name": name, "path": shown(name)})
    again = FileChange.model_validate_json(file.model_dump_json())
    assert again == file
    assert again.spelling.encode("utf-8", "surrogateescape") == name
    assert again.utf8 == (name != b"caf\xe9")
