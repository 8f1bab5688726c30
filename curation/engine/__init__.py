"""The engine: which work a run consists of, where its results are kept, and who does it.

plan → benchmarks (their index) → read (a task per file) → batches (a task per chunk) → over the
corpus: clusters (who shares a band) → duplicates (who stays) → split.
Every result is a checkpoint under a key of all it depends on, so that an interrupted run resumes
and a changed recipe recomputes only what depends on the change.
"""
