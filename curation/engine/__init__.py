"""The engine: which work a run consists of, where its results are kept, and who does it.

plan → read (a task per file) → batches (a task per chunk) → duplicates (whole corpus).
Every result is a checkpoint under a key of all it depends on, so that an interrupted run resumes
and a changed recipe recomputes only what depends on the change.
"""
