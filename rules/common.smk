"""What the other files share: the plan of the experiment, paths, inputs.

Needs the merged config; refuses a wrong one in one sentence before anything runs.
"""

import os
import re

from camembert.plan import paper
from camembert.plan.config import ConfigError, check_config, load_yaml, sort_keys
from camembert.plan.experiment import TEACHER as TEACHER_RECIPE
from camembert.plan.experiment import ModelId, list_masking, plan_experiment
from camembert.plan.readings import Similarity

try:
    for path in workflow.configfiles:
        load_yaml(path)  # Snakemake has read it already, but takes the last of two equal keys
    check_config(config)
    EXPERIMENT = plan_experiment(config)
except ConfigError as error:
    raise WorkflowError(str(error)) from None

sort_keys(config)
RESULTS = f"results/{config['experiment']}"
ENCODER = "{recipe}/{chain}/r{run}"
CLASSIFIER = f"{ENCODER}-f{{finetuning}}"

there = next(folder for folder in (Path(RESULTS), *Path(RESULTS).parents) if folder.exists())
if not there.is_dir() or not os.access(there, os.W_OK):
    raise WorkflowError(f"{there.resolve()} cannot be written to; results go there: choose another --directory")


def one_of(values):
    """A regular expression for a wildcard that is one of some values."""
    return "|".join(re.escape(str(value)) for value in sorted(set(values), key=str)) or "(?!)"


wildcard_constraints:
    language=one_of(config["languages"]),
    recipe=one_of(encoder.recipe for encoder in EXPERIMENT.encoders),
    chain=one_of(encoder.chain for encoder in EXPERIMENT.encoders),
    run=one_of([0, *config["runs"]]),
    finetuning=one_of(range(1, config["finetunings"] + 1)),


def result(path):
    """A path inside the experiment's results folder; wildcards stay as they are."""
    return f"{RESULTS}/{path}"


def without(section, *keys):
    """A section of the config without some of its keys."""
    return {key: value for key, value in section.items() if key not in keys}


def not_a_trigger(value):
    """A parameter that does not change what a job makes: Snakemake does not record functions of the output."""
    return lambda wildcards, output: value


def device_of(stage):
    """Where the jobs of a stage may compute: `auto` without a reserved GPU is the CPU, and no other parameter."""
    if config["device"] == "auto" and not config["resources"][stage]["gpu"]:
        return "cpu"
    return config["device"]


def encoder_folder(encoder):
    """The folder of an encoder."""
    return result(f"encoders/{encoder.path}")


def encoder_at(wildcards):
    """The encoder that a job's wildcards name; of a classifier, the one it is fine-tuned from."""
    return ModelId.read(wildcards).encoder


def in_report(path, category, title):
    """An output that the report shows under its title, with the caption of its name."""
    caption = Path(workflow.basedir) / "captions" / f"{Path(path).stem}.rst"
    return report(result(path), caption=caption, category=category, labels={category.rstrip("s"): title})


def table(name, title):
    """The forms of a table; the report shows the page."""
    others = multiext(result(f"tables/{name}"), ".csv", ".md", ".tex")
    return [*others, in_report(f"tables/{name}.html", "Tables", title)]


def figure(name, title):
    """The forms of a figure; the report shows the picture."""
    return [result(f"figures/{name}.pdf"), in_report(f"figures/{name}.png", "Figures", title)]


def of_all_classifiers(pattern):
    """A path for every classifier; `{}` stands for the classifier."""
    return [result(pattern.format(classifier.path)) for classifier in EXPERIMENT.classifiers]


def of_all_encoders(pattern):
    """A path for every encoder; `{}` stands for the encoder."""
    return [result(pattern.format(encoder.path)) for encoder in EXPERIMENT.encoders]


def published_rows():
    """The file of published accuracies, where they can stand beside ours."""
    return [Path(workflow.basedir) / "docs" / "published.csv"] if paper.shows_published_rows(config) else []


def every_core(wildcards):
    """All cores of this machine, so that nothing runs beside a measurement; on a cluster, those it computes with."""
    return workflow.cores if workflow.local_exec else config["threads"]["efficiency"]


def asked_cores():
    """Cores that the command line gives this machine; None where it does not, or where jobs may run elsewhere.

    In a dry run Snakemake knows neither while it reads the rules.
    """
    asked = set(sys.argv)
    elsewhere = asked & {"--workflow-profile", "--profile", "--executor", "-e"}
    return workflow.cores if asked & {"--cores", "-c"} and not elsewhere else None


def show_plan(cores):
    """Prints what is made and, on cores of this machine, how long it may take; and which optional text is not there."""
    from tools.estimate import announcement  # slow to import, as it reads parquet

    print(announcement(config, cores))
    for sentence in corpora.describe_left_out(config):
        print(sentence)


def show_results():
    """Prints a table, a sentence and where all is; says nothing where there is no table."""
    from camembert.paper.tables.conclusion import summarise_run  # slow to import

    if said := summarise_run(Path(RESULTS)):
        print(f"\n{said}")
