"""Prompts as Midjourney reads them: made tidy, their flags checked before money is spent. Pure."""

from __future__ import annotations

from pipeline.prompt.problems import Problem
from pipeline.prompt.tidy import Linted, aspect, lint, parameters, tidied

__all__ = ["Linted", "Problem", "aspect", "lint", "parameters", "tidied"]
