"""One distillation without the workflow, with the values of config.yaml. In the root of the repository:

    PYTHONPATH=scripts python examples/distill_by_hand.py TEACHER TEXT STUDENT LAYERS STEPS

TEACHER is the folder of an encoder with its tokenizer; TEXT holds XX.txt a language, a sentence a line.
"""

import logging
import sys
from pathlib import Path

from camembert.data.text import read_documents
from camembert.plan.config import load_yaml
from camembert.plan.losses import Recipe
from camembert.tokens.corpora import CorpusFolders, write_shard
from camembert.tokens.tokenizer import load_tokenizer
from camembert.training.distillation import distill
from camembert.training.loop import Schedule
from camembert.training.packed_text import TrainingText

teacher, text, student, layers, steps = sys.argv[1:]
logging.basicConfig(level=logging.INFO, format="%(message)s")
config, shards = load_yaml("config.yaml"), {}
for path in sorted(Path(text).glob("*.txt")):
    shards[path.stem] = Path(f"{student}-text", path.stem)
    write_shard(shards[path.stem], read_documents([path]), load_tokenizer(teacher), {"parallel": False})
packed = TrainingText([CorpusFolders(shards)], **config["text"])
schedule = Schedule.of(int(steps), config["distillation"])
recipe = Recipe(**config["distillation"]["recipes"]["sentence"])
distill(teacher, student, layers=int(layers), text=packed, schedule=schedule, recipe=recipe)
