"""Names of the files of a model's folder, as Hugging Face has them."""

CONFIG = "config.json"
TOKENIZER = "tokenizer.json"
TOKENIZER_SETTINGS = "tokenizer_config.json"
WEIGHTS = "model.safetensors"
ONNX_WEIGHTS = "model.onnx"

BESIDE_WEIGHTS = (CONFIG, TOKENIZER, TOKENIZER_SETTINGS)
MODEL = (WEIGHTS, *BESIDE_WEIGHTS)
"""Files of a whole folder, as this workflow writes it."""
