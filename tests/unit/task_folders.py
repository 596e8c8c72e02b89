"""Folders of task files for tests, and how the workflow reads them."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from snakemake.utils import update_config

from camembert.data.task_files import read_task
from camembert.plan import sources
from camembert.plan.config import load_yaml

ROOT = Path(__file__).parents[2]


def write(path, text, encoding="utf-8"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode(encoding))
    return path


def task_of(preset, **change):
    """data.task of config.yaml with a preset over it."""
    config = load_yaml(ROOT / "config.yaml")
    update_config(config, load_yaml(ROOT / "experiments" / "tasks" / f"{preset}.yaml"))
    task = config["data"]["task"]
    update_config(task, {"source": "folder"} | change)
    return task


def task_in(folder, languages, preset="xnli", **change):
    """What the workflow reads from a folder, after the checks of its plan."""
    task = task_of(preset, folder=str(folder), **change)
    sources.check_task(task, languages)
    return read_files(task, dict.fromkeys(sources.list_splits(task), folder), languages)


def read_files(task, folders, languages):
    """What a task's files in some folders, by split, are read as."""
    files = sources.find_task_files(folders, task["files"], task["locales"], languages, task["train_languages"])
    return read_task(files, task)


def splits_of(folder, languages, preset="xnli", **change):
    """Its examples and labels."""
    task = task_in(folder, languages, preset, **change)
    return task.splits, task.labels


def parquet(path, names=None, **columns):
    table = pa.table({"premise": ["a", "b"], "hypothesis": ["c", "d"], "label": [2, -1]} | columns)
    if names:
        features = {"info": {"features": {"label": {"names": names, "_type": "ClassLabel"}}}}
        table = table.replace_schema_metadata({"huggingface": json.dumps(features)})
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path)
    return path
