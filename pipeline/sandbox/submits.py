"""The bodies of the submit routes: from a submission to an order, or to a refusal in the server's own words."""

from __future__ import annotations

import re
from collections.abc import Callable

from pipeline.sandbox.results import RefusedError
from pipeline.sandbox.submission import Submission
from pipeline.sandbox.tasks import Action, Order

Reader = Callable[[Submission], Order]

BANNED = re.compile(r"\b(nude|naked|nsfw|gore)\b", re.IGNORECASE)
DIMENSIONS = frozenset({"PORTRAIT", "SQUARE", "LANDSCAPE"})
MOTIONS = frozenset({"low", "high"})


def imagine(asked: Submission) -> Order:
    prompt, bot = _prompt(asked), asked.bot()
    common = asked.common()
    images = asked.pictures_of("base64Array")
    if single := asked.text("base64"):
        images = (*images, asked.picture(single))
    named = [asked.pictures[word] for word in prompt.split() if word in asked.pictures] if asked.pictures else []
    images = (*images, *(image for image in named if image is not None))
    return Order(action=Action.IMAGINE, prompt=prompt, bot_type=bot, images=images, **common)


def shorten(asked: Submission) -> Order:
    prompt = _prompt(asked)
    return Order(action=Action.SHORTEN, prompt=prompt, bot_type=asked.bot(), **asked.common())


def blend(asked: Submission) -> Order:
    values = asked.body.get("base64Array")
    if not isinstance(values, list) or not 2 <= len(values) <= 5:
        raise RefusedError(4, asked.dialect.words.blend)
    if "dimensions" in asked.body and asked.body["dimensions"] is None:
        raise RefusedError(4, "dimensions参数错误")
    variant = asked.choice("dimensions", DIMENSIONS, "SQUARE")
    images = asked.pictures_of("base64Array")
    return Order(action=Action.BLEND, prompt="", images=images, variant=variant, bot_type=asked.bot(), **asked.common())


def describe(asked: Submission) -> Order:
    loose = asked.dialect.loose_pictures
    given = (asked.text("link") if loose else "") or asked.required("base64")
    image = asked.picture(given)
    return Order(action=Action.DESCRIBE, prompt="", images=(image,), bot_type=asked.bot(), **asked.common())


def swap(asked: Submission) -> Order:
    """The face, and then the picture that receives it."""
    names = [("sourceBase64", "sourceUrl"), ("targetBase64", "targetUrl")]
    images = []
    for name, link in names:
        given = (asked.text(link) if asked.dialect.loose_pictures else "") or asked.required(name)
        images.append(asked.picture(given))
    if asked.dialect.loose_pictures and images[0] == images[1]:
        raise RefusedError(4, "图片不能相同")
    return Order(action=Action.SWAP_FACE, prompt="", images=tuple(images), **asked.common())


def edits(asked: Submission) -> Order:
    prompt = _prompt(asked)
    mask = asked.text("maskBase64")
    return Order(
        action=Action.EDIT,
        prompt=prompt,
        images=(asked.picture(asked.required("image")),),
        mask=asked.picture(mask) if mask else None,
        **asked.common(),
    )


def video(asked: Submission) -> Order:
    """A film of a picture, or of one of the films of another task (`action: extend`)."""
    motion = asked.choice("motion", MOTIONS, "low")
    if asked.text("action") == "extend":
        parent = asked.parent(asked.required("taskId"))
        index = asked.number("index") or 0
        if parent.order.action is not Action.VIDEO or not 0 <= index <= 3:
            raise RefusedError(4, "关联任务不允许执行变化")
        prompt = asked.text("prompt").strip() or parent.order.prompt
        which = index + 1
        return Order(action=Action.VIDEO, prompt=prompt, parent=parent, index=which, variant=motion, **asked.common())
    prompt = _prompt(asked)
    given = [text for name in ("image", "endImage") if (text := asked.text(name))]
    images = tuple(asked.picture(text) for text in given)
    return Order(action=Action.VIDEO, prompt=prompt, images=images, variant=motion, **asked.common())


def _prompt(asked: Submission) -> str:
    prompt = asked.required("prompt").strip()
    if (banned := BANNED.search(prompt)) and not asked.dialect.bans_late:
        raise RefusedError(24, "可能包含敏感词", promptEn=prompt, bannedWord=banned.group())
    return prompt
