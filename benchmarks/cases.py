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


EMBEDDED = Case("embedded", 6, 3, 128, 4, 512, 6_000, batch=64, row=32)
MBERT = Case("mbert", 12, 6, 768, 12, 3_072, 119_547, batch=8, row=128)


@dataclass(frozen=True)
class Contestant:
    """A way to do the same step."""

    name: str
    label: str
    heads: bool = False
    """Whether it computes the masked-language-model head of both models."""

    def flops(self, case: Case) -> float:
        """FLOPs per token that it computes."""
        return case.flops + (2 * case.shape.mlm_head_forward() if self.heads else 0)


CEILING = "ceiling"
OURS = Contestant("ours", "this library")
PLAIN = Contestant("plain", "plain Hugging Face loop", heads=True)
TEXTBREWER_MLM = Contestant("textbrewer_mlm", "TextBrewer, two `BertForMaskedLM`", heads=True)
TEXTBREWER_BARE = Contestant("textbrewer_bare", "TextBrewer, bare encoders")
TEXTBREWER_FROZEN = Contestant("textbrewer_frozen", "TextBrewer, bare encoders, embeddings frozen")
CONTESTANTS = (OURS, PLAIN, TEXTBREWER_MLM, TEXTBREWER_BARE, TEXTBREWER_FROZEN)
