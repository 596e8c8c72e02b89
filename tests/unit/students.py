"""Students as the tests need them."""

from transformers import BertModel

from camembert.models.encoder import init_student


def bottom_layers(teacher: BertModel, layers: int) -> BertModel:
    """A student of its teacher's bottom layers (LightMBERT, Jiao et al. 2021)."""
    return init_student(teacher, range(1, layers + 1))
