"""Batches for the tests of stages."""

import pyarrow as pa

from curation.stages.batch import INPUT


def batch_of(*conversations, **columns):
    """A batch of conversations, each a list of texts: user, assistant, user, …

    A text may be (role, text). Further columns are set by keyword.
    """
    messages = [
        [
            {"role": t[0], "content": t[1]}
            if isinstance(t, tuple)
            else {"role": ("user", "assistant")[i % 2], "content": t}
            for i, t in enumerate(conversation)
        ]
        for conversation in conversations
    ]
    n = len(messages)
    values = {
        "id": [f"s-{i}" for i in range(n)],
        "position": list(range(n)),
        "messages": messages,
        "source_id": [None] * n,
        "source_category": [None] * n,
    }
    arrays = {f.name: pa.array(values[f.name], f.type) for f in INPUT}
    arrays |= {name: pa.array(column) for name, column in columns.items()}
    return pa.record_batch(arrays)
