"""From a corpus directory to a fine-tuned Mixtral. Today it reads the corpus; training is next."""
