"""The tables. Migrations are written by hand; a test holds the two equal."""

from pipeline.store.schema.base import Base
from pipeline.store.schema.batches import Account, Batch, BatchPicture, Picture, Process
from pipeline.store.schema.schedules import Schedule, ScheduleFire, SchedulePicture
from pipeline.store.schema.tasks import Artifact, Attempt, LoggedMoves, Task, TaskEvent

__all__ = [
    "Account",
    "Artifact",
    "Attempt",
    "Base",
    "Batch",
    "BatchPicture",
    "LoggedMoves",
    "Picture",
    "Process",
    "Schedule",
    "ScheduleFire",
    "SchedulePicture",
    "Task",
    "TaskEvent",
]
