"""Rows of files in the forms people keep them in: exact texts, whatever they look like."""

import codecs
import csv
import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest

from camembert.data.records import DataError, records

SCRIPTS = Path(__file__).parents[3] / "scripts"


def rows_of(path, columns, header=None):
    return [tuple(row.values()) for _, row in records(path, columns, header)]


def write(path, text, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return path


def test_quotes_and_separators_inside_a_tab_separated_field_are_kept(tmp_path):
    path = write(tmp_path / "x.tsv", 'a "quoted\tb\u2028c\x85d\u0085\tneutral\n"\t"\tentailment\n')
    expected = [('a "quoted', "b\u2028c\x85d\u0085", "neutral"), ('"', '"', "entailment")]
    assert rows_of(path, "abc", "abc") == expected


def test_a_file_quoted_as_csv_is_unquoted_and_no_other(tmp_path):
    rows = [('He said "no"', "b, c", "neutral"), ('"', 'e""f', "entailment"), ("plain", "'g'", "neutral")]
    with open(tmp_path / "x.tsv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file, delimiter="\t").writerows(rows)
    assert rows_of(tmp_path / "x.tsv", "abc", "abc") == rows
    for text in ('"quoted"\tb\tneutral\n', '"a ""b"" c"\tan inch is 1"\tneutral\n'):
        path = write(tmp_path / "x.tsv", text)
        assert "\t".join(rows_of(path, "abc", "abc")[0]) + "\n" == text


def test_both_line_ends_read_alike_and_a_byte_order_mark_is_no_part_of_the_text(tmp_path):
    unix = write(tmp_path / "a.tsv", "p\th\nq\ti\n")
    windows = write(tmp_path / "b.tsv", "\ufeffp\th\r\nq\ti\r\n")
    assert rows_of(unix, "xy", "xy") == rows_of(windows, "xy", "xy") == [("p", "h"), ("q", "i")]
    (tmp_path / "c.tsv.gz").write_bytes(gzip.compress(codecs.BOM_UTF8 + b"x\ty\np\th\nq\ti\n"))
    assert rows_of(tmp_path / "c.tsv.gz", "xy") == [("p", "h"), ("q", "i")]


TEXTS = ["2020-01-01 00:00:00", "1", "null", "NA", "", "true", "1e5"]


def test_texts_that_look_like_something_else_stay_texts(tmp_path):
    write(tmp_path / "x.jsonl", "".join(json.dumps({"a": text, "n": n}) + "\n" for n, text in enumerate(TEXTS)))
    write(tmp_path / "x.csv", "a,n\n" + "".join(f"{text},{n}\n" for n, text in enumerate(TEXTS)))
    write(tmp_path / "x.tsv", "a\tn\n" + "".join(f"{text}\t{n}\n" for n, text in enumerate(TEXTS)))
    for form in ("jsonl", "csv", "tsv"):
        assert rows_of(tmp_path / f"x.{form}", ["a"]) == [(text,) for text in TEXTS], form


def test_fields_that_come_late_or_are_of_several_types_are_no_matter(tmp_path):
    lines = [{"a": "x", "b": {"c": 1}}, {"a": "y", "d": [1]}, {"a": "z", "b": "w"}]
    write(tmp_path / "x.jsonl", "\n\n".join(map(json.dumps, lines)))
    assert list(records(tmp_path / "x.jsonl", ["a"])) == [
        (f"{tmp_path}/x.jsonl:{number}", {"a": text}) for number, text in ((1, "x"), (3, "y"), (5, "z"))
    ]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.tsv", b"a\tb\n1\t2\n3\n", r"x\.tsv:3 has 1 tab-separated columns; expected a, b"),
        ("x.csv", b"a,b\n1,2,3\n", r"x\.csv:2 has 3 comma-separated columns; expected a, b"),
        ("x.csv", b'a,b\n1,"2\n', r"x\.csv:\d is not CSV \(unexpected end of data\); correct it"),
        ("x.csv", b"b,c\n1,2\n", r"x\.csv:1 has no column a, only b, c; correct the file or the column's name"),
        ("x.tsv", b"", r"x\.tsv is empty; expected rows of a, tab-separated"),
        ("x.csv", b"", r"x\.csv is empty; expected rows of a, comma-separated"),
        ("x.jsonl", "{'é': 1}".encode("latin-1"), r"x\.jsonl is not UTF-8"),
        ("x.tsv.gz", b"no gzip", r"x\.tsv\.gz is not a whole gzip file"),
        ("x.xlsx", b"PK", r"x\.xlsx is of no known form; expected a name that ends in \.parquet, \.jsonl"),
    ],
)
def test_what_is_wrong_is_named_by_file_and_line(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        rows_of(tmp_path / name, ["a"])
    with pytest.raises(DataError, match="does not exist"):
        rows_of(tmp_path / "other", ["a"])


def test_names_with_the_letters_of_patterns_are_names(tmp_path):
    assert rows_of(write(tmp_path / "a[b]*.tsv", "x\ty\n"), "ab", "ab") == [("x", "y")]


def test_reading_leaves_no_cache_behind_and_loads_no_torch(tmp_path):
    write(tmp_path / "x.tsv", "a\tb\n1\t2\n")
    code = (
        "import sys; from camembert.data.records import records;"
        "print(len(list(records(sys.argv[1], ['a']))), 'torch' in sys.modules)"
    )
    environment = {"PATH": "", "HOME": str(tmp_path / "home"), "TMPDIR": str(tmp_path / "tmp")}
    for name in environment.values():
        Path(name or tmp_path).mkdir(exist_ok=True)
    command = [sys.executable, "-c", code, str(tmp_path / "x.tsv")]
    run = subprocess.run(command, capture_output=True, text=True, cwd=SCRIPTS, env=environment, check=True)
    assert run.stdout.strip() == "1 False"
    assert not [path for path in tmp_path.rglob("*") if path.name not in ("x.tsv", "home", "tmp")]
