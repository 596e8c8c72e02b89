"""The model card of a released folder: Markdown with the header that the Hugging Face hub reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from camembert.core.files import read_json
from camembert.paper.answers import name_languages
from camembert.plan.experiment import ModelId
from camembert.plan.sources import ENGLISH
from camembert.release.choice import CLASSIFIER, PYTORCH, ReleaseForm, find_lineage
from camembert.release.table import describe_loss

CARD = "README.md"
"""The file of a model card, by which the hub finds it."""
CARD_TEMPLATES = Path(__file__).parent / "templates"
ARCHITECTURE_NAMES = {"bert": "BERT", "roberta": "RoBERTa", "xlm-roberta": "XLM-R", "camembert": "CamemBERT"}
"""Names of architectures by the `model_type` of their configs."""
LABELS_SHOWN = 20


def training_rows(classifier: ModelId, metrics: Iterable[Path]) -> list[dict[str, Any]]:
    """What was trained on the way to a classifier, in order: what, steps, tokens, seconds and FLOPs.

    Args:
        classifier: the end of the way.
        metrics: JSON files of encoders and of classifiers, of these and of others.
    """
    facts = {ModelId.read(one).path: one for one in map(read_json, metrics)}
    rows = []
    for encoder in find_lineage(classifier.encoder):
        one = facts[encoder.path]
        what = f"distilled from {encoder.parent.chain}" if encoder.parent else "pre-trained from random weights"
        if source := given(one):
            what = f"given: {source}"
        elif not one["steps"]:
            what = "not trained"
        rows.append({"model": str(encoder.chain), "what": what, **_cost(one)})
    one = facts[classifier.path]
    labelled, unlabelled = one.get("trained_on", [ENGLISH]), one.get("unlabelled")
    what = f"fine-tuned on {name_languages(labelled)}"
    if unlabelled:  # whose languages are known where files are named by them
        what += ", and on soft labels of sentences without labels"
        what += f" in {', '.join(unlabelled)}" if unlabelled != labelled else ""
    last = _cost(one | {"steps": one["kept_step"], "training_flops": None})
    return [*rows, {"model": "classifier", "what": what, **last}]


def given(facts: Mapping[str, Any]) -> str | None:
    """Where a teacher came from, by the metrics of its import: repository, package or folder; None if trained here."""
    source = facts.get("source")
    if not isinstance(source, dict):
        return source and Path(source).name
    return source.get("repository") or f"{source['name']} {source['version']} ({source['weights']})"


def _cost(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {key: facts[key] for key in ("steps", "tokens", "seconds", "training_flops")}


def model_card(
    form: ReleaseForm,
    choice: Mapping[str, Any],
    metrics: Sequence[Path],
    measured: Mapping[str, Any],
    classifier: Mapping[str, Any],
    *,
    experiment: str,
    kept: Sequence[str],
    pooling: str,
    max_length: int,
    task: Mapping[str, Any],
    labels: Sequence[str],
    citation: Path,
) -> str:
    """Writes the card of one released folder.

    Args:
        form: of the model in it.
        choice: what was chosen (`student`, as `choose_best` returned it), and whether its chain was `named`.
        metrics: JSON files of all encoders and classifiers the choice was made among.
        measured: what measuring the form found.
        classifier: the same of the classifier as it was trained, whose accuracies the card of an encoder tells.
        experiment: the experiment's name.
        kept: languages whose tokens a trimmed vocabulary keeps.
        pooling: of an encoder's states to a sentence vector, mean or cls.
        max_length: tokens at which a classifier's texts were cut.
        task: name, source ("cldr" where its examples are made from the CLDR), and pairs (of sentences, or not).
        labels: names of its labels.
        citation: CITATION.cff of this software.
    """
    student = choice["student"]
    source = yaml.safe_load(citation.read_text(encoding="utf-8"))
    classifies = form.model == CLASSIFIER
    facts = measured if classifies else classifier
    root: dict[str, Any] = next((facts for facts in map(read_json, metrics) if given(facts)), {})
    library = "transformers" if classifies else "sentence-transformers"
    header = {
        "license": "other" if root else source["license"].lower(),
        "language": list(kept) if form.trimmed else list(facts["accuracy"]),
        "library_name": library if form.format == PYTORCH else "onnx",
        "pipeline_tag": "text-classification" if classifies else "sentence-similarity",
        "tags": [measured["model_type"], "multilingual", "knowledge-distillation"],
    }
    if isinstance(root.get("source"), dict) and root["source"].get("repository"):
        header["base_model"] = root["source"]["repository"]
    title = task["name"] if classifies else "multilingual encoder"
    environment = Environment(
        loader=FileSystemLoader(CARD_TEMPLATES), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    loss = measured.get("loss_of_eight_bits")
    return environment.get_template("model_card.md").render(
        header=yaml.safe_dump(header, sort_keys=False, default_flow_style=None).strip(),
        title=f"CAMeMBERT {student['chain']}, {title} ({form.label.partition(', ')[2]})",
        form=form,
        architecture=ARCHITECTURE_NAMES[measured["model_type"]],
        choice=student,
        named=choice["named"],
        facts=facts,
        vocabulary=measured["vocabulary"],
        loss="" if loss is None else describe_loss(form.name, loss),
        average=sum(facts["accuracy"].values()) / len(facts["accuracy"]),
        training=training_rows(ModelId.read(student), metrics),
        experiment=experiment,
        kept=kept,
        pooling=pooling,
        max_length=max_length,
        task=task,
        labels=labels[:LABELS_SHOWN],
        more_labels=max(0, len(labels) - LABELS_SHOWN),
        teacher=given(root),
        source=source,
    )
