"""Talking to an adapter: prompts from the renderer of training, answers token by token."""
