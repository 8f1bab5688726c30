"""An adapter added to its base: a plain bf16 checkpoint, made row by row in bounded memory."""

from finetune.merging.merge import Merged, merge_adapter

__all__ = ["Merged", "merge_adapter"]
