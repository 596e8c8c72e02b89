"""What a job reads and how it trains, as functions of its wildcards: encoders, classifiers, forms of the release.

Snakemake calls them once the plan of jobs is known; the rules that use them stand in the files after this one.
"""

from camembert.plan.losses import COPY, LOSSES
from camembert.release import choice


def training_steps(wildcards):
    """Optimiser steps of an encoder; 0 leaves it as it was cut or drawn."""
    chain = encoder_at(wildcards).chain
    if chain.is_teacher:
        return config["pretraining"]["steps"]
    return round(chain.budget * config["distillation"]["steps"])


def data_seed(wildcards):
    """Seed of an encoder's text and, where it starts from random weights, of those; each hop reads other text."""
    chain = encoder_at(wildcards).chain
    if chain.is_teacher:
        return config["pretraining"]["seed"]
    return 1000 * int(wildcards.run) + len(chain.hops)


def distillation_recipe(wildcards):
    """How a student is made; one that predicts masked tokens gets the share of them too."""
    recipe = config["distillation"]["recipes"].get(wildcards.recipe, vars(COPY))
    return recipe | (
        {"mlm_probability": config["pretraining"]["mlm_probability"]} if LOSSES[recipe["loss"]].predicts_words else {}
    )


def encoder_checkpoints(wildcards, output):
    """Where the encoder that is evaluated or fine-tuned was trained, which is over; no parameter that is recorded."""
    return result(f"checkpoints/encoders/{encoder_at(wildcards).path}")


def finetuned_encoder(wildcards):
    """The encoder that a classifier is fine-tuned from."""
    return encoder_folder(encoder_at(wildcards))


def finetuning_seed(wildcards):
    """Seed of a fine-tuning (head, order of the examples, dropout); no two runs share one."""
    return 1000 * int(wildcards.run) + int(wildcards.finetuning)


def finetuning_settings(wildcards):
    """How a classifier is fine-tuned; what its soft labels count, if it learns any."""
    settings = config["finetuning"]
    soft = {"temperature": settings["temperature"], "weight": settings["soft_weight"]}
    own = without(settings, "teacher", "temperature", "soft_weight", "unlabelled")
    return own | ({"soft_labels": soft} if soft_labels_of_job(wildcards) else {})


def taught_by(classifier):
    """The classifier whose soft labels one learns, if any."""
    return classifier.teacher(config["finetuning"]["teacher"])


def soft_labels_of_job(wildcards):
    """The soft labels that a job's classifier learns, if any."""
    teacher = taught_by(ModelId.read(wildcards))
    return [result(f"soft_labels/{teacher.path}.safetensors")] if teacher else []


def unlabelled_of_job(wildcards):
    """The sentences that have soft labels alone; without these there are none."""
    return UNLABELLED if soft_labels_of_job(wildcards) else []


def classifier_checkpoints(wildcards, output):
    """The same of a classifier."""
    return result(f"checkpoints/classifiers/{ModelId.read(wildcards).path}")


def training_text_of(readings):
    """The corpus, if its means are taken off in one of some readings of retrieval."""
    return CORPUS if any(each.similarity is Similarity.CENTRED_ON_TRAINING for each in readings) else []


def layers_of_all_encoders(wildcards):
    """The metrics of every encoder's layers."""
    if not RETRIEVAL_DATA:
        raise WorkflowError(
            "layers are compared by retrieval, but data.retrieval.source is none or English is the only language; bring"
            " sentences that say the same in several languages: data.retrieval.source: folder"
        )
    return of_all_encoders("metrics/layers/{}.json")


def classifier_metrics(classifiers):
    """What fine-tuning found of some classifiers."""
    return [result(f"metrics/classifiers/{each.path}.json") for each in classifiers]


def training_metrics(classifiers):
    """What training found of some classifiers, and of all encoders on the way to them."""
    encoders = dict.fromkeys(encoder for each in classifiers for encoder in choice.find_lineage(each.encoder))
    return [*(result(f"metrics/encoders/{each.path}.json") for each in encoders), *classifier_metrics(classifiers)]


def candidates():
    """The classifiers that the released one is chosen among."""
    try:
        return choice.find_candidates(EXPERIMENT, config["release"], config["teacher"]["num_hidden_layers"])
    except choice.ReleaseError as error:
        raise WorkflowError(str(error)) from None


def teachers_of_release():
    """The teacher's classifiers that the release is compared with."""
    return choice.find_teachers(EXPERIMENT, candidates())


def measured_forms():
    """The forms in the table: those of the release, and the teacher's."""
    return choice.list_measured(config["release"]["forms"], bool(teachers_of_release()))


def kept_languages():
    """Languages whose tokens a trimmed vocabulary keeps."""
    try:
        return choice.check_languages(config["release"], config["languages"])
    except choice.ReleaseError as error:
        raise WorkflowError(str(error)) from None


def models_of_form(wildcards):
    """Folders that a form may be made of, by the paths of the classifiers of which one is chosen."""
    form = choice.FORMS[wildcards.form]
    among = teachers_of_release() if form.of_teacher else candidates()
    if form.model == choice.ENCODER:
        return {each.path: encoder_folder(each.encoder) for each in among}
    return {each.path: result(f"classifiers/{each.path}") for each in among}


def corpus_of_form(wildcards):
    """The text whose tokens a trimmed vocabulary keeps."""
    return shards_of(kept_languages()) if choice.FORMS[wildcards.form].trimmed else []


def examples_of_form(wildcards):
    """The examples whose tokens a trimmed vocabulary keeps; sentences without labels are of all languages."""
    dev = expand(result("data/task/dev-{language}.parquet"), language=kept_languages())
    unlabelled = [] if config["release"]["languages"] else UNLABELLED
    return [*TASK_DATA["train"], *unlabelled, *dev] if choice.FORMS[wildcards.form].trimmed else []


def vocabulary_of_form(wildcards):
    """What a trimmed vocabulary keeps; nothing of a whole one, which is not made again where this changes."""
    return config["release"]["vocabulary"] if choice.FORMS[wildcards.form].trimmed else None


def dev_of_form(wildcards):
    """The examples by which eight bits are measured before they are released."""
    form = choice.FORMS[wildcards.form]
    return TASK_DATA["dev"] if form.format == choice.INT8 and not form.of_teacher else []
