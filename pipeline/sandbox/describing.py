"""Words about pictures and about words: what `describe` sees in a picture, and what `shorten` keeps of a prompt."""

from __future__ import annotations

import re
from collections.abc import Iterable
from random import Random

from pipeline.sandbox.figures import FIGURES
from pipeline.sandbox.looking import GREYS, Look, look
from pipeline.sandbox.scenery import HINTED, lots
from pipeline.sandbox.tasks import Upload

KEYCAPS = ("1️⃣", "2️⃣", "3️⃣", "4️⃣", "5️⃣")
_SUBJECTS = {
    "blue navy indigo steel teal turquoise ice": ("a quiet sea under an open sky", "distant mountains above a lake"),
    "sky": ("clouds over a wide sea", "a boat far out on calm water"),
    "green forest sage mint lime olive": ("a forest clearing in the morning", "rolling meadow hills"),
    "orange gold yellow ochre sand beige": ("desert dunes at sunset", "late sun over dry hills"),
    "red crimson coral": ("a low sun behind a ridge", "autumn hills on fire with colour"),
    "pink rose magenta lavender": ("a garden in blossom", "flowers drifting on the wind"),
    "purple plum": ("a planet seen from its moon", "mountains at dusk"),
    "brown chocolate": ("an old map on a wooden table", "a cave lit from within"),
    "black charcoal slate": ("a city at night", "stars above a dark skyline"),
    "grey silver": ("mountains in the fog", "a street in the rain"),
    "white cream": ("a mountain under fresh snow", "layers of cut paper"),
}
_FILLING = """
    a an and as at be by for from in into is it its my of on or that the their this to very was were which with you
    beautiful best create detailed draw extremely generate gorgeous highly hyper image incredibly make masterpiece nice
    photo picture please quality quite really render some stunning ultra 4k 8k hd uhd resolution"""
_FILLERS = frozenset(_FILLING.split())
_FLAG = re.compile(r"(?:^|\s)--\w")


def describe(upload: Upload) -> tuple[str, str, str, str]:
    """Four prompts for a picture like this one, from its size, its colours, its light and its texture."""
    seen, rng = look(upload), lots(upload.sha256, "describe")
    subjects = rng.sample(_subjects(seen), 4)
    colours, light, texture = _listed(seen.colours[:3]), _light(seen), _texture(seen)
    ground = seen.top if seen.top == seen.bottom else f"{seen.top} above {seen.bottom}"
    accent = "" if seen.accent in (*seen.colours[:1], *GREYS) else f", {seen.accent} accents"
    prompts = (
        f"{subjects[0]}, {light}, mostly {colours}, {texture}",
        f"{_shape(seen)} illustration of {subjects[1]}, {ground}{accent}, {_contrast(seen)}, {_medium(seen, rng)}",
        f"{_article(seen.colours[0])} composition of {subjects[2]}, palette of {colours}, {_contrast(seen)}, {light}",
        f"{subjects[3]} in {colours}{accent}, {texture}, {_mood(seen)}, {seen.width} by {seen.height} pixels",
    )
    return (*(f"{prompt} --ar {seen.ratio}" for prompt in prompts),)  # type: ignore[return-value]


def shorten(prompt: str) -> str:
    """Markdown: the words of a prompt by weight (bold strong, struck through weak), and five shorter prompts."""
    words, _ = _parted(prompt)
    tokens = " ".join(_weighed(word) for word in words)
    lines = (f"{keycap} {text}" for keycap, text in zip(KEYCAPS, shortened(prompt), strict=True))
    return f"## Important tokens\n{tokens}\n\n## Shortened prompts\n" + "\n\n".join(lines)


def shortened(prompt: str) -> tuple[str, str, str, str, str]:
    """Five versions, each of words of the prompt and none longer than the one before. Flags stay at their end."""
    words, flags = _parted(prompt)
    kept = [word for word in words if _weight(word) > 0] or words
    strong = [word for word in kept if _weight(word) > 1] or kept
    cut = max(1, (len(kept) + 1) // 2)
    versions = (
        kept,
        kept[: max(1, len(kept) - len(kept) // 4)],
        [word for n, word in enumerate(kept) if n < cut or word in strong[:1]],
        strong[:4],
        strong[:2],
    )
    ordered = sorted(versions, key=lambda version: -len(version))
    first, second, third, fourth, fifth = (f"{_text(version)} {flags}".strip() for version in ordered)
    return first, second, third, fourth, fifth


def _parted(prompt: str) -> tuple[list[str], str]:
    """The words without Markdown's signs, and the flags as they were written."""
    flag = _FLAG.search(prompt)
    said, flags = (prompt[: flag.start()], prompt[flag.start() :]) if flag else (prompt, "")
    words = [word for word in re.sub(r"[*~_`#]+", " ", said).split() if _plain(word)]
    return words or ["picture"], " ".join(flags.split())


def _plain(word: str) -> str:
    return word.strip(".,;:!?()[]\"'").lower()


def _weight(word: str) -> int:
    """0 weak, 1 some, 2 strong."""
    plain = _plain(word)
    if plain in _FILLERS:
        return 0
    one = plain.removesuffix("s")
    return 2 if {plain, one} & (HINTED | FIGURES.keys()) or len(plain) > 6 or not plain.isascii() else 1


def _weighed(word: str) -> str:
    return (f"~~{word}~~", word, f"**{word}**")[_weight(word)]


def _text(words: Iterable[str]) -> str:
    return " ".join(words).strip(" ,;:.")


def _subjects(seen: Look) -> list[str]:
    """Scenes that have such colours, the most likely first; always four or more."""
    names = " ".join((*seen.colours, seen.top, seen.bottom, seen.accent, "white", "grey")).split()
    tags = [tag for name in names for tag in _SUBJECTS if name in tag.split()]
    return [subject for tag in list(dict.fromkeys(tags))[:2] for subject in _SUBJECTS[tag]]


def _light(seen: Look) -> str:
    if seen.brightness > 0.7:
        return "bright, airy light"
    if seen.brightness > 0.45:
        return "even daylight"
    return "dim, low light" if seen.brightness > 0.22 else "deep shadow, hardly any light"


def _contrast(seen: Look) -> str:
    if seen.contrast > 0.6:
        return "high contrast"
    return "balanced contrast" if seen.contrast > 0.25 else "low contrast, soft tones"


def _texture(seen: Look) -> str:
    if seen.detail > 0.6:
        return "intricate fine texture"
    return "clear shapes with crisp edges" if seen.detail > 0.2 else "smooth flat surfaces"


def _mood(seen: Look) -> str:
    if seen.colourfulness > 0.55:
        return "vivid, saturated colours"
    return "muted colours" if seen.colourfulness > 0.15 else "almost monochrome"


def _medium(seen: Look, rng: Random) -> str:
    if seen.detail > 0.6:
        return rng.choice(("etching with fine lines", "richly textured oil painting"))
    return rng.choice(("gouache poster", "paper cut-out", "flat screen print", "woodblock print"))


def _shape(seen: Look) -> str:
    ratio = seen.width / seen.height
    if ratio > 1.9:
        return "panoramic"
    if ratio > 1.1:
        return "wide"
    return "square" if ratio > 0.9 else "tall"


def _article(colour: str) -> str:
    return f"{'an' if colour[0] in 'aeiou' else 'a'} {colour}"


def _listed(names: tuple[str, ...]) -> str:
    *rest, last = names
    return f"{', '.join(rest)} and {last}" if rest else last
