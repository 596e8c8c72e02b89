"""Makes one form of a model out of it: its vocabulary trimmed, as ONNX, in eight bits."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from camembert.core.files import CONFIG, MODEL_FILES, atomic_write, read_json, write_json
from camembert.release.forms import ENCODER, FORMS, INT8, PYTORCH, TEACHER, Form
from camembert.release.sentence_transformers import write_modules
from camembert.release.vocabulary import tokens_to_keep, trim
from camembert.runtime.job import log, logged


def make_form(
    form: Form,
    source: Path,
    corpus: Sequence[Path],
    examples: Sequence[Path],
    vocabulary: str | int,
    pooling: str,
    dev: Sequence[Path],
    evaluation: Mapping[str, int],
    output: Path,
) -> dict[str, Any]:
    """Writes the folder of a form, and says how many tokens it knows and what eight bits lose on dev.

    Args:
        form: what is made.
        source: folder of the model.
        corpus: shards whose tokens a trimmed vocabulary keeps.
        examples: files of the task, the same.
        vocabulary: used, or at most so many tokens.
        pooling: of an encoder's states to a sentence vector, mean or cls.
        dev: development examples, by which eight bits are measured; none to do without.
        evaluation: max_length, batch_tokens and threads of that.
        output: folder that is written.
    """
    loss = None
    with TemporaryDirectory(dir=output.parent) as temporary:
        work = Path(temporary)
        if form.trimmed:
            trim(source, tokens_to_keep(source, corpus, examples, vocabulary), work / "trimmed")
            source = work / "trimmed"
        if form.format == PYTORCH:
            copy_model(source, output, pooling if form.model == ENCODER else None)
        else:
            from camembert.release.onnx_export import export, quantize  # loads PyTorch

            full = work / "full" if form.format == INT8 else output
            export(source, full, pooling if form.model == ENCODER else None)
            if form.format == INT8:
                quantize(full, output)
                loss = loss_on_dev(form, full, output, dev, evaluation) if dev else None
    return {"vocabulary": read_json(output / CONFIG)["vocab_size"], "loss_of_eight_bits": loss}


def copy_model(source: Path, output: Path, pooling: str | None) -> None:
    """Copies a model's folder; one of an encoder gets what sentence-transformers reads."""
    with atomic_write(output) as partial:
        partial.mkdir()
        for name in MODEL_FILES:
            shutil.copyfile(source / name, partial / name)
        if pooling:
            write_modules(partial, pooling)


def loss_on_dev(form: Form, full: Path, small: Path, dev: Sequence[Path], evaluation: Mapping[str, int]) -> float:
    """What eight bits lose on the development examples, with a warning where that is much."""
    from camembert.release.quantisation import LARGEST_LOSS, loss_of_eight_bits

    loss = loss_of_eight_bits(form.model, full, small, dev, **evaluation)
    if loss > LARGEST_LOSS:
        log.warning(
            "%s: eight bits lose %.1f points on the development examples; take the form without them",
            form.name,
            100 * loss,
        )
    return loss


if __name__ == "__main__":
    job = snakemake  # type: ignore[name-defined]  # noqa: F821
    with logged(job.log[0]):
        form, params = FORMS[job.wildcards.form], job.params
        chosen = read_json(job.input.choice)[TEACHER if form.of_teacher else "student"]["path"]
        facts = make_form(
            form,
            Path(params.folders[chosen]),
            job.input.corpus,
            job.input.examples,
            params.vocabulary,
            params.pooling,
            job.input.dev,
            params.evaluation,
            Path(job.output.folder),
        )
        write_json(job.output.facts, facts)
