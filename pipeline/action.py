"""What a task asks the API to make, and what comes of it."""

from __future__ import annotations

from enum import StrEnum


class Action(StrEnum):
    """What a task asks the API to make."""

    IMAGINE = "imagine"
    BLEND = "blend"
    SWAP_FACE = "swap_face"
    EDIT = "edit"
    VIDEO = "video"
    DESCRIBE = "describe"
    SHORTEN = "shorten"
    UPLOAD = "upload"
    UPSCALE = "upscale"
    VARIATION = "variation"
    REROLL = "reroll"
    ZOOM = "zoom"
    PAN = "pan"
    SEED = "seed"
    BOOKMARK = "bookmark"


class Makes(StrEnum):
    """What comes of a task. It decides what may follow, and how the result is brought home."""

    GRID = "grid"
    """Four pictures in one."""
    PICTURE = "picture"
    """One picture of a grid, with buttons of its own."""
    PLAIN_PICTURE = "plain_picture"
    """One picture without buttons."""
    FILM = "film"
    PROMPTS = "prompts"
    """Four prompts for a picture."""
    SHORTENED = "shortened"
    """Five shorter prompts for a prompt."""
    TEXT = "text"
    """A line of text: a seed, a link."""


MADE_OF = {
    Action.IMAGINE: Makes.GRID,
    Action.BLEND: Makes.GRID,
    Action.EDIT: Makes.GRID,
    Action.SWAP_FACE: Makes.PLAIN_PICTURE,
    Action.VIDEO: Makes.FILM,
    Action.DESCRIBE: Makes.PROMPTS,
    Action.SHORTEN: Makes.SHORTENED,
    Action.UPLOAD: Makes.TEXT,
}
"""The actions that a row can start with. What a follow-up makes stands with its words."""

TEXTS = (Action.DESCRIBE, Action.SHORTEN, Action.UPLOAD, Action.SEED, Action.BOOKMARK)
"""Actions whose result is text: there is nothing to download."""
