"""Scoring a base model and its adapter on the same questions, and whether the gain is real."""
