"""The tables. Migrations are written by hand; a test holds the two equal."""

from pipeline.store.schema.base import Base, one_of
from pipeline.store.schema.batches import Account, Batch, BatchPicture, Picture
from pipeline.store.schema.tasks import HOLDS_ROOM, Artifact, Attempt, Task, TaskEvent

__all__ = [
    "HOLDS_ROOM",
    "Account",
    "Artifact",
    "Attempt",
    "Base",
    "Batch",
    "BatchPicture",
    "Picture",
    "Task",
    "TaskEvent",
    "one_of",
]
