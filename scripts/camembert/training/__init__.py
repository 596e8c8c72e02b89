"""The one training loop and its three uses: pre-training, distillation, fine-tuning."""
