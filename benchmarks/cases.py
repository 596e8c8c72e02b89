"""What is measured: sizes of a distillation step and the contestants. It imports no torch, for the command's sake."""

from __future__ import annotations

from dataclasses import dataclass, replace

from camembert.plan.flops import Shape


@dataclass(frozen=True)
class Case:
    """One hop at one size: layers of teacher and student, width, and the rows of a step."""

    name: str
    teacher: int
    student: int
    hidden: int
    heads: int
    intermediate: int
    vocabulary: int
    batch: int
    row: int

    @property
    def tokens(self) -> int:
        """Tokens a step, all rows full."""
        return self.batch * self.row

    @property
    def shape(self) -> Shape:
        return Shape(self.hidden, self.intermediate, self.vocabulary)

    @property
    def flops(self) -> float:
        """FLOPs per token that the objective needs."""
        return self.shape.distillation_step(self.teacher, self.student, self.row)

    @property
    def title(self) -> str:
        rows = f"{self.batch} x {self.row} tokens"
        return f"{self.teacher} to {self.student} layers, {self.hidden} wide, vocabulary {self.vocabulary:,}, {rows}"

    def resized(self, **sizes: int) -> Case:
        """The same case with some sizes changed."""
        return replace(self, **sizes)  # type: ignore[arg-type]


DEFAULT = Case("default", 6, 3, 128, 4, 512, 6_000, batch=64, row=32)
MBERT = Case("mbert", 12, 6, 768, 12, 3_072, 119_547, batch=8, row=128)
TOY = Case("toy", 3, 2, 16, 2, 32, 500, batch=4, row=32)
CASES = {case.name: case for case in (DEFAULT, MBERT, TOY)}

ONE_DOCUMENT = "one document a row"
PACKED = "several documents a row, masked from each other"


@dataclass(frozen=True)
class Contestant:
    """A way to do the same step."""

    name: str
    label: str
    rows: str = ONE_DOCUMENT
    """What it trains on; contestants on the same rows have the same losses at the first step."""
    heads: bool = False
    """Whether it computes the masked-language-model head of both models, which no loss reads."""
    embeddings: bool = False
    """Whether it trains the embeddings too."""
    maps: bool = False
    """Whether it computes the attention maps and keeps the hidden states of all layers, of which one is read."""
    package: str | None = None
    """That must be installed."""

    def flops(self, case: Case) -> float:
        """FLOPs per token that it computes."""
        return case.flops + self.head_flops(case)

    def head_flops(self, case: Case) -> float:
        """FLOPs per token of heads that no loss reads."""
        return 2 * case.shape.mlm_head_forward() if self.heads else 0.0

    def thrown_away(self, case: Case) -> str:
        """What it computes and no loss reads."""
        heads = f"two masked-LM heads ({self.head_flops(case) / self.flops(case):.0%} of its FLOPs)"
        return ", ".join([heads] * self.heads + ["attention maps below the top"] * self.maps) or "nothing"


CEILING = "ceiling"
OURS = Contestant("ours", "this library, one document a row")
PACKED_ROWS = Contestant("packed", "this library, packed rows", PACKED)
PACKING = Contestant("packing", "this library, packing rows as it trains", PACKED)
PLAIN = Contestant("plain", "plain Hugging Face loop", heads=True, embeddings=True, maps=True)
TEXTBREWER_MLM = Contestant(
    "textbrewer_mlm",
    "TextBrewer, two `BertForMaskedLM`",
    heads=True,
    embeddings=True,
    maps=True,
    package="textbrewer",
)
TEXTBREWER_BARE = Contestant(
    "textbrewer_bare", "TextBrewer, bare encoders", embeddings=True, maps=True, package="textbrewer"
)
TEXTBREWER_FROZEN = Contestant(
    "textbrewer_frozen", "TextBrewer, bare encoders, embeddings frozen", maps=True, package="textbrewer"
)
THIS_LIBRARY = (OURS, PACKED_ROWS, PACKING)
PEERS = (PLAIN, TEXTBREWER_MLM, TEXTBREWER_BARE, TEXTBREWER_FROZEN)
