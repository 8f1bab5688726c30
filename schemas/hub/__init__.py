"""The one way to write to the Hub, for corpora and adapters: whole versions, in one commit or none.

A push is an attempt that may be repeated: it reads the branch's head, compares it with what should
be there, stores large files, and makes one commit on top of just that head. Whatever goes wrong, a
lost answer too, the next attempt begins with what the Hub has then. So nothing is committed twice,
and at every moment the repository holds an old version or a new one.
"""

from schemas.hub.changes import Change, Wanted
from schemas.hub.push import Preview, Pushed, preview, push
from schemas.hub.repository import Remote, RemoteFile, Target, check_name
from schemas.hub.told import told

__all__ = [
    "Change",
    "Preview",
    "Pushed",
    "Remote",
    "RemoteFile",
    "Target",
    "Wanted",
    "check_name",
    "preview",
    "push",
    "told",
]
