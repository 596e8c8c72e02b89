"""Students as the tests need them."""

from transformers import BertModel

from camembert.models.encoder import init_student
from camembert.plan.losses import LOSSES, Recipe

RECIPES = {
    name: Recipe(name, dict.fromkeys(loss.parts, 1.0), mlm_probability=0.3 if loss.predicts_words else None)
    for name, loss in LOSSES.items()
}
"""Of every loss, by its name, with weights of 1."""


def bottom_layers(teacher: BertModel, layers: int) -> BertModel:
    """A student of its teacher's bottom layers (LightMBERT, Jiao et al. 2021)."""
    return init_student(teacher, range(1, layers + 1))
