"""When a batch recurs: the times that a cron line names, what is made of them, and the values of a manifest. Pure."""

from pipeline.schedule.calendar import Calendar, Per
from pipeline.schedule.due import GRACE, Due, due
from pipeline.schedule.rules import MOST_CAUGHT_UP, CatchUp, FireOutcome, Overlap, Rules, duration, in_short, rules_of
from pipeline.schedule.values import NAMES, batch_names, values

__all__ = [
    "GRACE",
    "MOST_CAUGHT_UP",
    "NAMES",
    "Calendar",
    "CatchUp",
    "Due",
    "FireOutcome",
    "Overlap",
    "Per",
    "Rules",
    "batch_names",
    "due",
    "duration",
    "in_short",
    "rules_of",
    "values",
]
