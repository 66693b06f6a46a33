import pytest

from harbour.book import Book


@pytest.fixture
def book(tmp_path):
    return Book(str(tmp_path / "book.db"))


def test_an_arrival_is_counted(book):
    assert book.arrive("Meteor", 79) == "B"
    assert book.count() == 1


def test_a_ship_that_is_too_long_is_written_down_without_a_berth(book):
    assert book.arrive("Leviathan", 400) is None
    assert book.count() == 1


def test_the_book_is_kept(book):
    book.arrive("Meteor", 79)
    assert Book(book.path).count() == 1
