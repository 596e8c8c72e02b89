"""Data, table and figure jobs start fast: none of them loads torch or transformers."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"
LIGHT = [
    "make_cldr_nli", "make_cldr_text", "import_inference_data", "train_tokenizer", "tokenize_text",
    "tabulate_accuracy", "tabulate_summary", "tabulate_comparisons", "tabulate_ablation", "tabulate_languages",
    "tabulate_cost", "draw_accuracy", "draw_training",
]  # fmt: skip


@pytest.mark.parametrize("script", LIGHT)
def test_a_light_script_loads_no_model_library(script):
    code = f"import sys, {script}; print([name for name in ('torch', 'transformers') if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=SCRIPTS)
    assert run.stdout.strip() == "[]"


def test_planning_loads_nothing_heavy():
    code = (
        "import sys, camembert.experiment, camembert.config, camembert.provenance, camembert.questions;"
        "print([name for name in ('torch', 'transformers', 'pandas', 'pyarrow') if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=SCRIPTS)
    assert run.stdout.strip() == "[]"
