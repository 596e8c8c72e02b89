"""Does the answer survive another CPU? The embedded experiment with other arithmetic kernels, model by model.

    python benchmarks/other_cpu.py            # results/embedded against results/embedded-other-kernels, which is made

Processors differ in the last digits of a sum, and training amplifies them. Here the kernels are other ones on the same
machine: MKL's compatible code path, PyTorch's and oneDNN's AVX2 instead of AVX-512. A table in Markdown is printed:
each model's numbers in both, and whether the second lies in the first one's 95 % interval.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).parents[1]
OTHER_KERNELS = {"MKL_CBWR": "COMPATIBLE", "ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2"}
COLUMNS = {"english": "English", "zero_shot": "Zero-shot", "average": "Average", "retrieval": "Retrieval"}


def repeat(config: Path, experiment: str, cores: int) -> None:
    """Runs a finished experiment with other kernels, under another name.

    Args:
        config: the finished one's, as the workflow keeps it.
        experiment: the other name.
        cores: for the workflow.
    """
    command = [sys.executable, "-m", "snakemake", "--cores", str(cores), "--configfile", str(config)]
    command += ["--config", f"experiment={experiment}"]
    subprocess.run([*command, "--", "tables"], cwd=ROOT, env=os.environ | OTHER_KERNELS, check=True)


def differences(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """One row a model and number: both values, and whether the second lies in the interval of the first (shares)."""
    both = first.merge(second, on=["recipe", "chain", "label"], suffixes=("", "_other"), validate="one_to_one")
    rows = []
    for row in both.to_dict("records"):
        for column, title in COLUMNS.items():
            if column not in row or pd.isna(row[column]) or pd.isna(row[f"{column}_low"]):
                continue
            value, other, low, high = (float(row[f"{column}{end}"]) for end in ("", "_other", "_low", "_high"))
            found = {"model": row["label"], "number": title, "value": value, "other": other, "low": low, "high": high}
            rows.append(found | {"inside": low <= other <= high})
    return pd.DataFrame(rows)


def format_differences(rows: pd.DataFrame) -> str:
    """The table in Markdown, percent with one decimal, and a line that counts."""
    shown = pd.DataFrame(
        {
            "Model": rows["model"],
            "Number": rows["number"],
            "This machine": (100 * rows["value"]).map("{:.1f}".format),
            "Other kernels": (100 * rows["other"]).map("{:.1f}".format),
            "Difference": (100 * (rows["other"] - rows["value"])).map("{:+.1f}".format),
            "95 % interval": [
                f"{100 * low:.1f} to {100 * high:.1f}" for low, high in zip(rows["low"], rows["high"], strict=True)
            ],
            "Inside": rows["inside"].map({True: "yes", False: "**no**"}),
        }
    )
    body = shown.to_markdown(index=False, disable_numparse=True)
    return f"{body}\n\n{rows['inside'].sum()} of {len(rows)} numbers lie in the interval of the first.\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--first", type=Path, default=ROOT / "results" / "embedded", help="a finished run")
    other = ROOT / "results" / "embedded-other-kernels"
    parser.add_argument("--second", type=Path, default=other, help="its repetition")
    parser.add_argument("--cores", type=int, default=os.cpu_count(), help="of the repetition, where it is made")
    options = parser.parse_args()
    tables = [folder / "tables" / "summary.csv" for folder in (options.first, options.second)]
    if not tables[0].is_file():
        parser.error(f"{tables[0]} does not exist; run the experiment first (make run), or name another with --first")
    if not tables[1].is_file():
        repeat(options.first / "config.json", options.second.name, options.cores)
    print(format_differences(differences(*(pd.read_csv(table, dtype={"chain": str}) for table in tables))))


if __name__ == "__main__":
    main()
