"""From a corpus directory to a fine-tuned model: render, train, evaluate, chat, merge."""
