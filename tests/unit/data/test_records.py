"""Rows of files in the forms people keep them in: exact texts, whatever they look like."""

import codecs
import csv
import gzip
import io
import json
import re
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from camembert.data.records import DataError, read_lines, read_rows
from camembert.data.text import read_documents
from camembert.plan.sources import SourceError, refuse_unusable

SCRIPTS = Path(__file__).parents[3] / "scripts"


def rows_of(path, columns, header=None):
    return [tuple(row.values()) for _, row in read_rows(path, columns, header)]


def parquet(**columns) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


def write(path, text, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return path


def test_quotes_and_separators_inside_a_tab_separated_field_are_kept(tmp_path):
    path = write(tmp_path / "x.tsv", 'a "quoted\tb\u2028c\x85d\u0085\tneutral\n"\t"\tentailment\n')
    expected = [('a "quoted', "b\u2028c\x85d\u0085", "neutral"), ('"', '"', "entailment")]
    assert rows_of(path, "abc", "abc") == expected


QUOTED_BY_PEOPLE = [
    '"quoted"\tb\tneutral\n',
    '"a ""b"" c"\tan inch is 1"\tneutral\n',
    'He said "no", then.\tb\tneutral\n"Yes."\t"No."\tneutral\n',
    '"Well, no."\tfirst, second\tneutral\n',
    '"an open quote\tb\tneutral\n"another\tb\tneutral\n',
]
ROWS = [('He said "no"', "b, c", "neutral"), ('"', 'e""f', "entailment"), ("plain", "'g'", "1.5"), ("a\tb", "c\nd", "")]


@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC])
@pytest.mark.parametrize("header", [None, "abc"])
def test_a_tab_separated_file_that_a_csv_writer_wrote_is_read_by_its_rules(tmp_path, quoting, header, caplog):
    with open(tmp_path / "x.tsv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file, delimiter="\t", quoting=quoting).writerows(([] if header else [tuple("abc")]) + ROWS)
    with caplog.at_level("INFO", "camembert"):
        assert rows_of(tmp_path / "x.tsv", "abc", header) == ROWS
        assert rows_of(tmp_path / "x.tsv", "abc", header) == ROWS
    assert caplog.text.count("fields are quoted as a CSV writer does it, and were unquoted") == 1


def test_excel_quotes_fields_with_commas_too(tmp_path):
    write(tmp_path / "x.tsv", '"He said ""no"", twice"\tb\t1\n"c, d"\te\t2\n')
    assert rows_of(tmp_path / "x.tsv", "abc", "abc") == [('He said "no", twice', "b", "1"), ("c, d", "e", "2")]


@pytest.mark.parametrize("text", QUOTED_BY_PEOPLE)
def test_quotes_that_no_csv_writer_writes_are_text(tmp_path, text):
    path = write(tmp_path / "x.tsv", text)
    assert "".join("\t".join(row) + "\n" for row in rows_of(path, "abc", "abc")) == text


def test_only_the_rows_that_are_wanted_are_looked_at(tmp_path):
    write(tmp_path / "x.jsonl", '{"part": 1, "a": "x"}\n{"part": 2, "a": "\\ud83d"}\n{"part": 2}\n')
    write(tmp_path / "x.tsv", "part\ta\n1\tx\n2\ty\tz\n")
    write(tmp_path / "x.csv", "part,a\n2\n1,x\n")
    (tmp_path / "x.parquet").write_bytes(parquet(part=[1, 2], a=["x", "y"]))
    for form in ("jsonl", "tsv", "csv", "parquet"):
        assert [row for _, row in read_rows(tmp_path / f"x.{form}", ["a"], only={"part": "1"})] == [{"a": "x"}], form


@pytest.mark.parametrize(
    ("content", "fetch"),
    [
        ("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n", "git lfs pull"),
        ("/annex/objects/SHA256E-s123--4d7a.txt\n", "git annex get"),
    ],
)
def test_a_pointer_to_data_is_not_taken_for_them(tmp_path, content, fetch):
    for name in ("fr.txt", "fr.txt.gz", "fr.jsonl", "fr.tsv", "fr.parquet"):
        path = write(tmp_path / name, content)
        with pytest.raises(SourceError, match=rf"{re.escape(name)} is a pointer of git-\w+, not the data; .*`{fetch}`"):
            list(read_documents([path]))
        path.unlink()
        path.symlink_to(tmp_path / "nothing")
        with pytest.raises(SourceError, match=rf"{re.escape(name)} is a link to .*nothing, which is not there"):
            refuse_unusable([path])


def test_half_of_a_character_in_a_column_that_is_not_read_is_no_matter(tmp_path):
    path = write(tmp_path / "x.jsonl", '{"a": "\\ud83d\\ude00", "b": "\\ud83d"}\n')
    assert rows_of(path, ["a"]) == [("\U0001f600",)]


def test_what_is_not_utf_8_is_named_by_its_line(tmp_path):
    (tmp_path / "x.txt.gz").write_bytes(gzip.compress(b"a\n" * 100_000 + b"caf\xe9\nb\n"))
    with pytest.raises(DataError, match=r"x\.txt\.gz:100001 is not UTF-8 .* 0xe9 in position 3"):
        list(read_lines(tmp_path / "x.txt.gz"))


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
    assert list(read_rows(tmp_path / "x.jsonl", ["a"])) == [
        (f"{tmp_path}/x.jsonl:{number}", {"a": text}) for number, text in ((1, "x"), (3, "y"), (5, "z"))
    ]


WHOLE_GZIP = gzip.compress(b"".join(b"line %d\n" % i for i in range(99)))
PARQUET = parquet(b=[1], c=["x"])


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.csv", b"a,b\n1,2,3\n", r"x\.csv:2 has 3 comma-separated columns; expected 'a', 'b'"),
        ("x.csv", b'a,b\n1,"2\n', r"x\.csv:\d is not CSV \(unexpected end of data\); correct it"),
        ("x.csv", b"b,c\n1,2\n", r"x\.csv:1 has no column 'a', only 'b', 'c'; correct the file or the column's name"),
        ("x.tsv", b"", r"x\.tsv is empty; expected rows of a, tab-separated"),
        ("x.csv", b"", r"x\.csv is empty; expected rows of a, comma-separated"),
        ("x.jsonl", b"[1]\n", r"x\.jsonl:1 is list, not an object; expected an object a line"),
        ("x.tsv.gz", b"no gzip", r"x\.tsv\.gz is not a whole gzip file \(.*\); copy it again"),
        ("x.tsv.gz", WHOLE_GZIP[:11] + b"\xff" * 4 + WHOLE_GZIP[15:], r"x\.tsv\.gz is not a whole gzip file"),
        ("x.parquet", PARQUET[: len(PARQUET) // 2], r"x\.parquet is no whole parquet file .*; copy or download it"),
        ("x.parquet", PARQUET, r"x\.parquet has no column 'a', only 'b', 'c'; correct the file or the column's name"),
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


def test_parquet_is_read_without_torch_and_leaves_no_cache_behind(tmp_path):
    (tmp_path / "x.parquet").write_bytes(parquet(a=[1]))
    code = (
        "import sys; from camembert.data.records import read_rows;"
        "print(len(list(read_rows(sys.argv[1], ['a']))), 'torch' in sys.modules)"
    )
    environment = {"PATH": "", "HOME": str(tmp_path), "TMPDIR": str(tmp_path)}
    command = [sys.executable, "-c", code, str(tmp_path / "x.parquet")]
    run = subprocess.run(command, capture_output=True, text=True, cwd=SCRIPTS, env=environment, check=True)
    assert run.stdout.strip() == "1 False"
    assert [path.name for path in tmp_path.iterdir()] == ["x.parquet"]


def test_of_a_downloaded_folder_every_form_but_its_manifest_is_read(tmp_path):
    write(tmp_path / "manifest.json", '{"files": {}}')
    with gzip.open(tmp_path / "a.json.gz", "wt") as file:
        file.write('{"text": "one"}\n')
    write(tmp_path / "b.csv", "text,more\ntwo,x\n")
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "d.parquet").write_bytes(parquet(text=["three"]))
    assert rows_of(tmp_path, ["text"]) == [("one",), ("two",), ("three",)]
