"""Does the answer survive another CPU? The toy experiment with other arithmetic kernels, model by model.

    PYTHONPATH=scripts python benchmarks/other_cpu.py     # results/toy against its repetition, which is made

Processors differ in the last digits of a sum, and training amplifies them. Here the kernels are other ones on the same
machine: MKL's compatible code path, PyTorch's and oneDNN's AVX2 instead of AVX-512. A table in Markdown is printed:
each model's numbers in both, and whether the second lies in the first one's 95 % interval. A record (docs/results/NAME)
can stand for either.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd

from camembert.paper.record import ExperimentRecord
from camembert.paper.tables.accuracy import compute_summary

ROOT = Path(__file__).parents[1]
OTHER_KERNELS = {"MKL_CBWR": "COMPATIBLE", "ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2"}
COLUMNS = {"english": "English", "zero_shot": "Zero-shot", "average": "Average", "retrieval": "Retrieval"}


def summary_of(folder: Path) -> pd.DataFrame:
    """The summary of a finished run or of a record."""
    return compute_summary(ExperimentRecord.read(folder))


def differences(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """A row a model and number, in percent: both values, and whether the second lies in the interval of the first."""
    both = first.merge(second, on=["recipe", "chain", "label"], suffixes=("", "_other"), validate="one_to_one")
    rows = []
    for row in both.to_dict("records"):
        for column, title in COLUMNS.items():
            if pd.isna(row.get(f"{column}_low")):
                continue
            value, other, low, high = (100 * row[f"{column}{end}"] for end in ("", "_other", "_low", "_high"))
            numbers = {"This machine": f"{value:.1f}", "Other kernels": f"{other:.1f}"}
            numbers |= {"Difference": f"{other - value:+.1f}", "95 % interval": f"{low:.1f} to {high:.1f}"}
            inside = "yes" if low <= other <= high else "**no**"
            rows.append({"Model": row["label"], "Number": title} | numbers | {"Inside": inside})
    return pd.DataFrame(rows)


def main() -> None:
    """Repeats a run, unless its repetition is there, and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--first", type=Path, default=ROOT / "results" / "toy", help="a finished run")
    other = ROOT / "results" / "toy-other-kernels"
    parser.add_argument("--second", type=Path, default=other, help="its repetition")
    options = parser.parse_args()
    if not (options.first / "answers.parquet").is_file():
        parser.error(f"{options.first} holds no finished run; run the experiment first (make run), or name another")
    if not (options.second / "answers.parquet").is_file():
        if options.second.resolve().parent != ROOT / "results":
            parser.error(
                f"{options.second} holds no finished run; to make one there, name a folder of {ROOT / 'results'}"
            )
        command = [sys.executable, "-m", "snakemake", "--cores", "all", "--configfile", options.first / "config.json"]
        command += ["--config", f"experiment={options.second.name}", "--", "tables"]
        subprocess.run(command, cwd=ROOT, env=os.environ | OTHER_KERNELS, check=True)
    rows = differences(summary_of(options.first), summary_of(options.second))
    print(rows.to_markdown(index=False, disable_numparse=True))
    print(f"\n{(rows['Inside'] == 'yes').sum()} of {len(rows)} numbers lie in the interval of the first.")


if __name__ == "__main__":
    main()
