"""Writes the released classifier as ONNX, in float32 and with eight-bit integers."""

from pathlib import Path

from camembert.models.classifier import load_classifier
from camembert.release.onnx_export import export, quantize
from camembert.runtime.job import logged

if __name__ == "__main__":
    job = snakemake  # type: ignore[name-defined]  # noqa: F821
    with logged(job.log[0]):
        source = Path(job.input.classifier[0]).parent
        full, small = (Path(files[0]).parent for files in (job.output.fp32, job.output.int8))
        export(load_classifier(source), full, source)
        quantize(full, small)
