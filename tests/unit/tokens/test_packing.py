"""The packed batches drawn from shards."""

import numpy as np
import pytest

from camembert.tokens.corpora import Shard, TokenizedCorpus, write_shard
from camembert.tokens.packing import PackedRows, TextBatches

ROWS, TOKENS = 6, 32


@pytest.fixture
def shards(corpus):
    return {language: Shard(path) for language, path in corpus.items()}


@pytest.fixture
def single(lines, words, special, tmp_path):
    """Batches of two languages that are not parallel and differ in length, seed 0."""
    for language, count in (("en", 100), ("fr", 40)):
        write_shard(tmp_path / language, lines[language][:count], words, {"parallel": False})
    return batches_of({name: Shard(tmp_path / name) for name in ("en", "fr")}, special)


def batches_of(shards, special, seed=0, exponent=0.7) -> TextBatches:
    return TextBatches([TokenizedCorpus(shards)], special, ROWS, TOKENS, exponent, seed)


def same_rows(one, other) -> bool:
    return all(
        np.array_equal(getattr(one, name), getattr(other, name))
        for name in ("token", "segment", "position", "document")
    )


# --- batches --------------------------------------------------------------------------------------------------


def test_a_batch_depends_on_the_seed_and_its_number_alone(corpus, special):
    def fresh(seed: int) -> TextBatches:
        return batches_of({language: Shard(path) for language, path in corpus.items()}, special, seed)

    batches = fresh(0)
    in_order = [batches.batch(step) for step in range(4)]
    assert same_rows(fresh(0).batch(3), in_order[3])
    assert same_rows(batches.batch(1), in_order[1])
    assert not same_rows(in_order[0], in_order[1])
    assert not same_rows(fresh(1).batch(0), in_order[0])
    assert not same_rows(batches.held_out().batch(0), in_order[0])


def test_held_out_batches_are_the_same_whatever_the_seed(shards, special):
    """So that held-out losses of several seeds compare."""
    one, other = (batches_of(shards, special, seed).held_out() for seed in (1, 2))
    assert same_rows(one.batch(3), other.batch(3))
    assert not same_rows(one.batch(3), one.batch(4))


# --- rows of a batch ------------------------------------------------------------------------------------------------


def one_by_one(batches: TextBatches, step: int) -> PackedRows:
    """The batch of a step, packed document by document as the class describes it, from the same random numbers."""
    numbers = batches.rng(step).random((4, batches.rows, batches.DRAWS_TO_FILL_A_ROW))
    rows = PackedRows(*(np.zeros((batches.rows, batches.tokens), dtype=np.int64) for _ in range(4)))
    rows.token[:], rows.document[:] = batches.special.pad, -1
    for row in range(batches.rows):
        start = number = 0
        for draw in range(batches.DRAWS_TO_FILL_A_ROW):
            *for_document, for_window = numbers[:, row, draw]
            drawn, document = batches.documents.draw(*(np.array(value) for value in for_document))
            segments = [batches.shards[shard][int(document)] for shard in drawn.tolist() if shard >= 0]
            room = batches.tokens - start - 1 - len(segments)
            if sum(map(len, segments)) > room:
                if len(segments) == 2 and start:
                    continue
                if room < 1 + len(segments):
                    break
                size = room // len(segments)
                first = int(for_window * (len(segments[0]) - size + 1)) if len(segments) == 1 else 0
                segments = [ids[first : first + size] for ids in segments]
            ids, kinds = [batches.special.cls], [0]
            for kind, segment in enumerate(segments):
                ids += [*segment.tolist(), batches.special.sep]
                kinds += [kind] * (len(segment) + 1)
            here = slice(start, start + len(ids))
            rows.token[row, here], rows.segment[row, here] = ids, kinds
            rows.position[row, here], rows.document[row, here] = range(len(ids)), number
            start, number = start + len(ids), number + 1
    return rows


@pytest.fixture
def mixed(single, shards, special) -> TextBatches:
    """Batches of parallel and other text."""
    corpora = [TokenizedCorpus(shards, share=2.0), *single.documents.corpora]
    return TextBatches(corpora, special, 20, TOKENS, 0.7, seed=0)


@pytest.fixture
def long(lines, words, special, tmp_path) -> TextBatches:
    """Batches of texts, and of pairs, that are longer than a row."""
    corpora = []
    for parallel in (True, False):
        folders = {language: tmp_path / str(parallel) / language for language in ("en", "de")}
        for language, folder in folders.items():
            write_shard(folder, [" ".join(lines[language])] * 3, words, {"parallel": parallel})
        corpora.append(TokenizedCorpus({language: Shard(folder) for language, folder in folders.items()}))
    return TextBatches(corpora, special, 20, TOKENS, 0.7, seed=0)


def test_packing_all_rows_at_once_packs_what_packing_one_by_one_does(shards, single, mixed, long, special):
    alone = batches_of({"en": shards["en"]}, special)  # without a translation
    for batches in (batches_of(shards, special), single, mixed, mixed.held_out(), long, alone):
        for step in range(5):
            assert same_rows(batches.batch(step), one_by_one(batches, step))


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_processes_that_share_a_batch_assemble_the_rows_that_one_does(mixed, processes):
    for step in range(3):
        whole = mixed.batch(step)
        for rank in range(processes):
            own = slice(rank, None, processes)
            part = mixed.batch(step, own)
            expected = PackedRows(
                *(array[own] for array in (whole.token, whole.segment, whole.position, whole.document))
            )
            assert same_rows(part, expected)
            assert part.token.flags.c_contiguous
            assert part.counts == whole.counts, "losses divide by the numbers of the whole batch"


def test_the_counts_of_a_batch_are_those_of_its_rows(mixed, long):
    texts = TextBatches(long.documents.corpora[1:], long.special, 20, TOKENS, 0.7, seed=0)
    for batches, one_document in ((mixed, False), (texts, True)):
        rows = batches.batch(0)
        assert rows.counts == PackedRows(rows.token, rows.segment, rows.position, rows.document).counts
        assert rows.counts.real_tokens == rows.real.sum()
        same = rows.real[:, :, None] & (rows.document[:, :, None] == rows.document[:, None, :])
        assert rows.counts.pairs == same.sum()
        assert rows.counts.one_document == one_document


def test_the_text_of_rows_is_what_is_neither_special_nor_padding(mixed, special):
    layout = mixed.layout(mixed.rng(0))
    rows = mixed.assemble(layout)
    assert np.array_equal(rows.text, ~np.isin(rows.token, (special.cls, special.sep, special.pad)))
    assert np.array_equal(rows.text.sum(axis=1), layout.text_tokens)


def test_documents_of_several_corpora_lie_side_by_side(mixed):
    rows = mixed.batch(0)
    pairs = [{int(n) for n in rows.document[row][rows.segment[row] == 1]} for row in range(mixed.rows)]
    both = [row for row in range(mixed.rows) if 0 < len(pairs[row]) < rows.document[row].max() + 1]
    assert len(both) > mixed.rows // 4
