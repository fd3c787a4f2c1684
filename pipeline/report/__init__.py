"""What happened, for people: the gallery beside the pictures and the summary at the end of a run."""

from __future__ import annotations

from pipeline.report.gallery import write_gallery
from pipeline.report.page import duration
from pipeline.report.rows import GalleryBatch, GalleryInput, GalleryRow, GalleryTask
from pipeline.report.summary import Failure, RunSummary, print_summary

__all__ = [
    "Failure",
    "GalleryBatch",
    "GalleryInput",
    "GalleryRow",
    "GalleryTask",
    "RunSummary",
    "duration",
    "print_summary",
    "write_gallery",
]
