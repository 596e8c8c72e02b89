"""Which documents are drawn."""

import numpy as np
import pytest

from camembert.tokens.corpora import (
    CorpusError,
    DocumentSampler,
    Shard,
    TokenizedCorpus,
    find_corpora,
    write_shard,
)

UNIFORM = np.random.default_rng(0).random((3, 20_000))


@pytest.fixture
def parallel(corpus):
    return TokenizedCorpus({language: Shard(folder) for language, folder in corpus.items()})


@pytest.fixture
def articles(lines, words, tmp_path):
    """Text that is not parallel, in one language that the parallel corpus has and in one that it lacks."""
    shards = {}
    for language, text, count in (("en", "en", 100), ("es", "fr", 40)):
        write_shard(tmp_path / language, lines[text][:count], words, {"parallel": False})
        shards[language] = Shard(tmp_path / language)
    return shards


def shares(documents: DocumentSampler, which: int = 0) -> list[float]:
    """How often each shard was drawn, as a text or as a translation."""
    drawn = documents.draw(*UNIFORM)[0][:, which]
    return (np.bincount(drawn[drawn >= 0], minlength=len(documents.shards)) / len(drawn)).tolist()


@pytest.mark.parametrize("exponent", [0.0, 0.5, 1.0])
def test_languages_are_drawn_by_their_tokens_smoothed_by_the_exponent(articles, exponent):
    tokens = np.array([shard.facts["tokens"] for shard in articles.values()]) ** exponent
    assert shares(DocumentSampler([TokenizedCorpus(articles)], exponent)) == pytest.approx(
        tokens / tokens.sum(), abs=0.01
    )


def test_each_corpus_gives_its_share_of_the_documents(parallel, articles):
    documents = DocumentSampler([TokenizedCorpus(parallel.shards, 3.0), TokenizedCorpus(articles, 1.0)], 0.0)
    assert shares(documents) == pytest.approx([0.25, 0.25, 0.25, 0.125, 0.125], abs=0.01)
    assert shares(documents, 1) == pytest.approx([0.25, 0.25, 0.25, 0, 0], abs=0.01), "articles have no translation"


def test_a_translation_is_in_another_language_of_the_same_corpus(parallel, articles):
    drawn, _ = DocumentSampler([TokenizedCorpus(articles), parallel], 1.0).draw(*UNIFORM)
    pairs = drawn[drawn[:, 1] >= 0]
    assert {tuple(pair) for pair in pairs.tolist()} == {(i, j) for i in (2, 3, 4) for j in (2, 3, 4) if i != j}


def test_documents_are_drawn_uniformly(articles):
    drawn, document = DocumentSampler([TokenizedCorpus(articles)], 0.0).draw(*UNIFORM)
    counts = np.bincount(document[drawn[:, 0] == 1])
    assert len(counts) == 39, "the last of 40 is held out"
    assert counts.min() > 0.7 * counts.mean()
    assert counts.max() < 1.3 * counts.mean()


def test_a_uniform_number_of_almost_one_draws_the_last_that_may_be_drawn(parallel, articles):
    last = np.full(3, np.nextafter(1, 0))
    drawn, document = DocumentSampler([TokenizedCorpus(articles), parallel], 0.7).draw(*last)
    assert drawn.tolist() == [4, 3]
    assert document == len(parallel.shards["de"]) - 2 - 1


def test_the_identity_of_a_corpus_is_that_of_its_shards_and_its_share(articles):
    identity = TokenizedCorpus(articles).identity
    assert TokenizedCorpus(articles).identity == identity
    assert TokenizedCorpus(articles, 2.0).identity != identity
    assert TokenizedCorpus({"en": articles["en"]}).identity != identity


def test_parallel_shards_of_different_lengths_are_refused(lines, words, tmp_path):
    for language, count in (("en", 10), ("fr", 9)):
        write_shard(tmp_path / language, lines[language][:count], words, {"parallel": True})
    with pytest.raises(CorpusError, match="different numbers of documents"):
        TokenizedCorpus({name: Shard(tmp_path / name) for name in ("en", "fr")})


def test_shard_folders_are_grouped_into_corpora_with_their_shares(lines, words, tmp_path):
    folders = [tmp_path / name for name in ("articles/en", "articles/fr", "sentences/fr")]
    for folder in folders:
        write_shard(folder, lines["fr"][:9], words, {"parallel": False})
    corpora = find_corpora(folders, {"sentences": 0.5, "articles": 2.0})
    assert [(list(corpus.shards), corpus.share) for corpus in corpora] == [(["en", "fr"], 2.0), (["fr"], 0.5)]
    opened = [corpus.open() for corpus in corpora]
    assert [(corpus.share, len(corpus.shards["fr"])) for corpus in opened] == [(2.0, 9), (0.5, 9)]
