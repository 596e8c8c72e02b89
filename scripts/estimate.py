"""Prints what an experiment will cost, stage by stage, before any of it runs:

    python scripts/estimate.py --configfile experiments/paper.yaml --tflops 312 --utilisation 0.4 --text-gb 65

The defaults are an NVIDIA A100's dense bfloat16 peak, 40 % of it kept up, and some 65 GB of text. All are estimates.
"""

import argparse
from pathlib import Path

from snakemake.utils import update_config

from camembert.plan.config import ConfigError, check_config, load_yaml
from tools.estimate import estimate

ROOT = Path(__file__).parents[1]

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--configfile", type=Path, nargs="*", default=[], help="overlays on config.yaml")
    parser.add_argument("--tflops", type=float, default=312.0, help="peak of the GPU, 10^12 operations a second")
    parser.add_argument("--utilisation", type=float, default=0.4, help="share of the peak that training keeps up")
    parser.add_argument("--text-gb", type=float, default=65.0, help="text of all languages in 10^9 bytes of UTF-8")
    arguments = parser.parse_args()
    config = load_yaml(ROOT / "config.yaml")
    try:
        for overlay in arguments.configfile:
            update_config(config, load_yaml(overlay))
        check_config(config)
    except ConfigError as error:
        parser.error(str(error))
    speed = 1e12 * arguments.tflops * arguments.utilisation
    stages = estimate(config, 1e9 * arguments.text_gb)
    print(f"{'Stage':<14}{'Jobs':>6}{'PFLOP':>14}{'GPU hours':>12}{'Disk (GB)':>12}")
    for stage in stages:
        shown = f"{stage.jobs:>6}{stage.flops / 1e15:>14,.0f}{stage.gpu_hours(speed):>12.1f}{stage.disk / 1e9:>12.1f}"
        print(f"{stage.stage:<14}{shown}")
    hours, disk = sum(stage.gpu_hours(speed) for stage in stages), sum(stage.disk for stage in stages) / 1e9
    print(f"{'All':<14}{'':>20}{hours:>12.1f}{disk:>12.1f}")
    print(f"Estimated at {arguments.utilisation:.0%} of {arguments.tflops:g} TFLOP/s.")
