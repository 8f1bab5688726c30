"""Deduplication by other tools, each as its documentation does it, set up for Chinese.

Scripts that need nothing of this project, because they run in a process, and perhaps an
environment, of their own:

    python SCRIPT FOLDER THRESHOLD WORKERS

FOLDER/texts/*.jsonl holds `{"id": "NUMBER", "text": TEXT}` a line, as many files as workers; the
script writes the numbers of the rows it would drop to FOLDER/dropped.json.
"""
