"""The forms of a release: which model, with which vocabulary, in which files. The rules read them here too."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

ENCODER, CLASSIFIER = "encoder", "classifier"
PYTORCH, ONNX, INT8 = "pytorch", "onnx", "onnx-int8"
TEACHER = "teacher"
FORMATS = {PYTORCH: "PyTorch", ONNX: "ONNX", INT8: "ONNX, 8-bit integers"}
"""Formats, and what tables call them."""


@dataclass(frozen=True)
class Form:
    """One form of a released model, or of the teacher's classifier that it is compared with.

    Attributes:
        model: encoder or classifier.
        trimmed: whether the vocabulary is that of `release.vocabulary` and `release.languages` only.
        format: pytorch, onnx (both in float32) or onnx-int8.
        of_teacher: whether it is measured beside the release and not part of it.
    """

    model: str
    trimmed: bool = False
    format: str = PYTORCH
    of_teacher: bool = False

    @property
    def name(self) -> str:
        """Its folder: ``classifier-trimmed-onnx-int8``; of the teacher ``teacher-onnx-int8``."""
        parts = [TEACHER if self.of_teacher else self.model, "trimmed" * self.trimmed]
        return "-".join(filter(None, [*parts, "" if self.format == PYTORCH else self.format]))

    @property
    def label(self) -> str:
        """What tables and model cards call it."""
        whose = "Teacher" if self.of_teacher else "Student" if self.model == CLASSIFIER else "Encoder"
        return ", ".join([whose, FORMATS[self.format], *(["trimmed vocabulary"] if self.trimmed else [])])


_ALL = [Form(*each) for each in product((ENCODER, CLASSIFIER), (False, True), FORMATS)]
_ALL += [Form(CLASSIFIER, format=each, of_teacher=True) for each in FORMATS]
FORMS = {form.name: form for form in _ALL}
"""All forms, by their names."""


def forms_measured(released: list[str], with_teacher: bool) -> list[str]:
    """The forms that are tabulated: the teacher's in the formats of the released classifiers, and what is released.

    The classifier as it was trained is always among them, since the others are compared with it.

    Args:
        released: names of forms, `release.forms` in the config.
        with_teacher: whether the teacher has a classifier.
    """
    own = [name for name, form in FORMS.items() if not form.of_teacher and (name in released or name == CLASSIFIER)]
    formats = {FORMS[name].format for name in own if FORMS[name].model == CLASSIFIER}
    teachers = [name for name, form in FORMS.items() if form.of_teacher and form.format in formats]
    return [*(teachers if with_teacher else []), *own]
