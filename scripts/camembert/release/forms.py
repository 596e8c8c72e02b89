"""The folders of a release: what each holds, and what tables and model cards call it. The rules read them here too."""

from __future__ import annotations

from dataclasses import dataclass

from camembert.core.model_files import MODEL, ONNX_MODEL


@dataclass(frozen=True)
class Form:
    """One form of the released classifier.

    Attributes:
        label: its row in the table.
        title: its part of a model card's title; {task} stands for the task's name.
        files: names of its folder's files, without the model card.
    """

    label: str
    title: str
    files: tuple[str, ...]


ENCODER_FOLDER = "encoder"
"""The folder of the encoder that the classifier was made from."""
FORMS = {
    "classifier": Form("PyTorch, float32", "{task}", MODEL),
    "classifier-trimmed": Form("PyTorch, trimmed vocabulary", "{task}, trimmed vocabulary", MODEL),
    "onnx-fp32": Form("ONNX, float32", "{task}, ONNX", ONNX_MODEL),
    "onnx-int8": Form("ONNX, 8-bit integers", "{task}, ONNX with 8-bit integers", ONNX_MODEL),
}
"""The forms of the classifier, by the names of their folders."""
