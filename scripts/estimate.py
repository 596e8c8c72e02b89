"""Prints what an experiment will cost, stage by stage, before any of it runs:

    python scripts/estimate.py --configfile experiments/paper.yaml --tflops 312 --utilisation 0.4 --text-gb 65

The defaults are an NVIDIA A100's dense peaks in bfloat16 and float32. That encoders and evaluation keep up 40 % of
them, and small batches of fine-tuning 10 %, are assumptions. So are 65 GB of text for Wikipedia in 15 languages.
"""

import argparse
from pathlib import Path

from snakemake.utils import update_config

from camembert.plan.config import ConfigError, check_config, load_yaml
from tools.estimate import FINETUNING, IN_FP32, estimate

ROOT = Path(__file__).parents[1]

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--configfile", type=Path, nargs="*", default=[], help="overlays on config.yaml")
    parser.add_argument("--tflops", type=float, default=312.0, help="the GPU's peak in bfloat16, 10^12 operations/s")
    parser.add_argument("--tflops-fp32", type=float, default=19.5, help="the same in float32, which evaluation is in")
    parser.add_argument("--utilisation", type=float, default=0.4, help="share of the peak that is kept up")
    parser.add_argument("--finetuning-utilisation", type=float, default=0.1, help="the same of fine-tuning")
    parser.add_argument("--text-gb", type=float, default=65.0, help="text on the hub in 10^9 bytes of UTF-8")
    arguments = parser.parse_args()
    config = load_yaml(ROOT / "config.yaml")
    try:
        for overlay in arguments.configfile:
            update_config(config, load_yaml(overlay))
        check_config(config)
    except ConfigError as error:
        parser.error(str(error))
    training_peak = arguments.tflops_fp32 if config["precision"] == "fp32" else arguments.tflops
    speeds = dict.fromkeys(IN_FP32, arguments.tflops_fp32 * arguments.utilisation)
    speeds[FINETUNING] = training_peak * arguments.finetuning_utilisation
    stages = estimate(config, 1e9 * arguments.text_gb)
    hours = {
        stage.stage: stage.gpu_hours(1e12 * speeds.get(stage.stage, training_peak * arguments.utilisation))
        for stage in stages
    }
    print(f"{'Stage':<14}{'Jobs':>6}{'PFLOP':>14}{'GPU hours':>12}{'Disk (GB)':>12}")
    for stage in stages:
        shown = f"{stage.jobs:>6}{stage.flops / 1e15:>14,.0f}{hours[stage.stage]:>12.1f}{stage.disk / 1e9:>12.1f}"
        print(f"{stage.stage:<14}{shown}")
    print(f"{'All':<14}{'':>20}{sum(hours.values()):>12.1f}{sum(stage.disk for stage in stages) / 1e9:>12.1f}")
    print(
        f"Estimated at {arguments.utilisation:.0%} of {training_peak:g} TFLOP/s, fine-tuning at"
        f" {arguments.finetuning_utilisation:.0%}, evaluation at {arguments.utilisation:.0%} of"
        f" {arguments.tflops_fp32:g}."
    )
