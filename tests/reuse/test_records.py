"""The canonical text of records, and what must not be in it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_ml.reuse.addresses import stable_address
from airflow_ml.reuse.model import Record
from airflow_ml.reuse.records import canonical, is_secret_word, seal, secret

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
records = st.builds(Record, st.text(max_size=3), st.text(max_size=3), json_values)


@given(st.lists(records, max_size=5), st.randoms())
def test_the_order_of_records(given_records, random):
    """Records may come in any order."""
    shuffled = list(given_records)
    random.shuffle(shuffled)

    assert seal(shuffled).digest == seal(given_records).digest


@given(st.lists(records, max_size=3), records)
def test_one_more_record(given_records, more):
    """One more record, also one that is there already, makes another fingerprint."""
    assert seal([*given_records, more]).digest != seal(given_records).digest


@given(st.lists(st.tuples(st.text(), st.text(), st.text()), min_size=1, max_size=3))
def test_where_a_text_stands(texts):
    """The same characters spread in another way over tags, names and values are something else."""
    one = [Record(*text) for text in texts]
    other = [Record("".join(text), "", "") for text in texts]

    assert seal(one).digest != seal(other).digest or [record.to_data() for record in one] == [
        record.to_data() for record in other
    ]


def test_a_note():
    """A note does not count, and is kept."""
    noted = Record("a", "b", 1, {"files": 2})

    assert seal([noted]).digest == seal([Record("a", "b", 1)]).digest
    assert seal([noted]).records[0].to_data() == ["a", "b", 1, {"files": 2}]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"b": 1, "a": [True, None]}, '{"a":[true,null],"b":1}'),
        ("ä\n\ud800", r'"\u00e4\n\ud800"'),
        ([1, 1.0, 0.1, 1e300], "[1,1.0,0.1,1e+300]"),
    ],
)
def test_canonical_text(value, text):
    """A value has one text: keys sorted, no blanks, ASCII alone, numbers as Python writes them."""
    assert canonical(value) == text


@pytest.mark.parametrize(
    ("before", "word"),
    [
        ("", "--password=x"),
        ("--password", "x"),
        ("--api-key", "x"),
        ("-e", "DB_TOKEN=x"),
        ("", "https://user:x@host/"),
        ("", "https://host/a?sig=x"),
        ("--function", "https://host/api/a?b=c&code=x"),
        ("--store", "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=x=="),
        ("--database", "Server=tcp:host;User ID=a;Password=x"),
        ("--config", '{"user": "a", "password": "x"}'),
        ("-H", "Authorization: Bearer x"),
        ("--channel", "https://conda.host/t/x/name"),
    ],
)
def test_secret_words(before, word):
    """Values of options that are called like secrets, and what has credentials in it, are secret."""
    assert is_secret_word(word, before)


@pytest.mark.parametrize(
    ("before", "word"),
    [
        ("", "--lr=0.1"),
        ("--lr", "0.1"),
        ("--password", "--verbose"),
        ("", "password"),
        ("x", "y"),
        ("--config", '{"author": "a", "code": 1}'),
        ("--query", "token == 'a'"),
    ],
)
def test_other_words(before, word):
    """Other words are shown as they are."""
    assert not is_secret_word(word, before)


def test_secrets():
    """Equal secrets have equal digests, which do not show them."""
    assert secret("hidden") == secret("hidden") != secret("other")
    assert "hidden" not in str(secret("hidden"))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://h/a?sv=1&se=2&sig=x", "https://h/a?sv=2&se=3&sig=y"),
        ("https://u:p@h/a", "https://h/a"),
        ("https://h/a?X-Amz-Signature=1&X-Amz-Date=2", "https://h/a?x-amz-signature=3"),
        ("https://h/a?snapshot=1&sig=x&sp=r", "https://h/a?snapshot=1&sig=y&sp=rl"),
    ],
)
def test_equal_addresses(one, other):
    """What lets an address be read does not count."""
    assert stable_address(one) == stable_address(other)


@pytest.mark.parametrize(
    "other", ["https://h/b", "https://h/a?file=2", "https://h/a", "https://h/a?sp=r", "http://h/a"]
)
def test_addresses_that_differ(other):
    """What names a file counts, and no parameter is shown."""
    address = "https://h/a?file=1"

    assert stable_address(address) != stable_address(other)
    assert "file" not in stable_address(address)
