"""Distil an encoder by hand, without the workflow, and compare its sentence vectors with the teacher's.

    python examples/distill_by_hand.py TEACHER TEXT STUDENT LAYERS STEPS

TEACHER is the folder of a model (docs/your-own-teacher.md#1-the-teacher), no name on the hub. From there it comes by
    hf download intfloat/multilingual-e5-small config.json model.safetensors tokenizer{,_config}.json --local-dir e5
A tiny one needs no download; this leaves it in the folder that it names, in half a minute:
    snakemake --cores 1 --configfile tests/config/smallest.yaml -- results/smallest/encoders/teacher/3/r0
TEXT is a folder of XX.txt or XX.txt.gz, a file a language, a sentence a line. The last 2 % are never trained on, the
last 50 compared. STUDENT is a new folder, which `AutoModel` loads and which can teach the next. 0 STEPS copy alone.
"""

import argparse
import logging
import sys
from collections import deque
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scripts"))

from camembert.data.text import read_documents
from camembert.evaluation.retrieval import compute_cosines, retrieval_accuracy
from camembert.evaluation.sentence_vectors import embed_sentences
from camembert.models.encoder import load_encoder
from camembert.models.teacher import import_checkpoint
from camembert.plan.losses import Recipe
from camembert.tokens.corpora import CorpusFolders, write_shard
from camembert.tokens.tokenizer import load_tokenizer
from camembert.training.distillation import distill
from camembert.training.loop import Schedule
from camembert.training.packed_text import TrainingText

RECIPE = Recipe(  # change here: docs/method.md#one-hop says what each loss compares
    loss="toplayer",  # "logits", which predicts masked tokens, also needs mlm_probability=0.15
    weights={"hidden": 1.0, "attention": 0.0, "sentence": 1.0},  # one for each part of the loss; 0 leaves it out
    initialisation="strided",  # or "bottom", or the teacher's layers to start from, such as [1, 3]
    fit_layer_norm=True,
    normalise=True,  # errors are shares of the teacher's variance: 1 is as good as a constant
)
parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
for name, kind in {"teacher": Path, "text": Path, "student": Path, "layers": int, "steps": int}.items():
    parser.add_argument(name, type=kind)
asked = parser.parse_args()
files = [path for path in sorted(asked.text.glob("*")) if path.name.endswith((".txt", ".txt.gz"))]
if not files:
    parser.error(f"{asked.text} has no text, expected XX.txt or XX.txt.gz, a file a language; correct the path")
if asked.student.exists():
    parser.error(f"{asked.student} is there already, expected a new folder for the student; name another")
logging.basicConfig(level=logging.INFO, format="%(message)s")

with TemporaryDirectory() as scratch:
    import_checkpoint(asked.teacher, teacher := Path(scratch, "teacher"))
    tokenizer, shards = load_tokenizer(teacher), {path.name: Path(scratch, path.name) for path in files}
    for path in files:
        write_shard(shards[path.name], read_documents([path]), tokenizer, {"parallel": False})
    text = TrainingText([CorpusFolders(shards)], batch_size=16, sequence_length=64, sampling_exponent=0.7)
    schedule = Schedule(asked.steps, learning_rate=2e-3)
    run = distill(teacher, asked.student, layers=asked.layers, text=text, schedule=schedule, recipe=RECIPE)

    sentences = list(dict.fromkeys(line for path in files for line in deque(read_documents([path]), maxlen=50)))
    learned, taught = (
        embed_sentences(each, tokenizer, sentences, [each.config.num_hidden_layers], ["mean"], batch_tokens=4096)[0, 0]
        for each in (load_encoder(asked.student), load_encoder(teacher))
    )
cosines = compute_cosines(learned, taught, (learned.mean(0), taught.mean(0)))  # without what all sentences share
for whose, losses in {"copied layers": run.held_out_copied, "student": run.held_out_end}.items():
    print(f"held-out losses of the {whose}: " + ", ".join(f"{part} {loss:.3g}" for part, loss in losses.items()))
print(f"mean cosine of the student's and the teacher's centred vector of a sentence: {cosines.diagonal().mean():.3f}")
print(f"sentences whose own vector is the nearest of the teacher's: {retrieval_accuracy(cosines.argmax(axis=1)):.1%}")
