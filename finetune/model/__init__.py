"""The base model in 4 bits, its adapter, and the guard over both."""
