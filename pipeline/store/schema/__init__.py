"""The tables. Migrations are written by hand; a test holds the two equal."""

from pipeline.store.schema.base import Base, one_of
from pipeline.store.schema.batches import Account, Batch, BatchPicture, Picture, Process
from pipeline.store.schema.tasks import HOLDS_ROOM, TO_ASK_FOR, TO_LOOK_FOR, Artifact, Attempt, Task, TaskEvent

__all__ = [
    "HOLDS_ROOM",
    "TO_ASK_FOR",
    "TO_LOOK_FOR",
    "Account",
    "Artifact",
    "Attempt",
    "Base",
    "Batch",
    "BatchPicture",
    "Picture",
    "Process",
    "Task",
    "TaskEvent",
    "one_of",
]
