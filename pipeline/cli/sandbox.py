"""`pipeline sandbox`: the emulated server, on its own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.errors import ServiceError, UsageError
from pipeline.sandbox.options import DialectName, Options
from pipeline.sandbox.script import STATUSES, ScriptError
from pipeline.sandbox.server import serve

_DEFAULT = Options()
_FAULTS = "Faults"
_HABITS = "Habits of some servers"


def _rate(text: str) -> Any:
    return typer.Option(min=0, max=1, help=text, rich_help_panel=_FAULTS)


def _fault(text: str, *names: str, **more: Any) -> Any:
    return typer.Option(*names, help=text, rich_help_panel=_FAULTS, **more)


def _habit(text: str, *names: str, **more: Any) -> Any:
    return typer.Option(*names, help=text, rich_help_panel=_HABITS, **more)


Host = Annotated[str, typer.Option(help="Address to listen on.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="0: any free port.")]
Dialect = Annotated[DialectName, typer.Option(help="Which server of the family it is.")]
Key = Annotated[str, typer.Option(help="What callers must show; empty lets everybody in.")]
Slots = Annotated[int, typer.Option(min=1, help="Tasks that are made at once.")]
Queue = Annotated[int, typer.Option(min=1, help="Tasks that may wait.")]
ImagineSeconds = Annotated[float, typer.Option(min=0, help="For an imagine, and whatever makes four pictures.")]
UpscaleSeconds = Annotated[float, typer.Option(min=0, help="For an upscale, a describe, a shorten, a face swap.")]
Jitter = Annotated[float, typer.Option(min=0, max=1, help="Share by which times vary, both ways.")]
PictureSize = Annotated[int, typer.Option(min=16, max=2048, help="Side of a square grid in pixels.")]
PublicUrl = Annotated[str, typer.Option(help="Where picture links point; empty: the address that is served.")]
JournalPath = Annotated[Path | None, typer.Option(help="File in which accepted tasks survive a restart.")]
Seed = Annotated[int, typer.Option(help="The same seed meets the same faults.")]

Remix = Annotated[bool, _habit("Reroll, variation and pan ask for a prompt first.", "--remix")]
AsInteger = Annotated[bool, _habit("The id in a submit's answer is a number.", "--result-as-integer")]
ProgressText = Annotated[bool, _habit("Progress begins with the words: Waiting to start.", "--progress-text")]
Staleness = Annotated[float, _habit("Seconds between a relay's looks at the server behind it.", min=0)]
RelayHooks = Annotated[bool, _habit("A relay passes notifyHook and accountFilter on.", "--relay-hooks")]

FailureRate = Annotated[float, _rate("Share accepted, and failed later.")]
LateFailureRate = Annotated[float, _rate("Share accepted, and failed after 100 %.")]
LostReplyRate = Annotated[float, _rate("Share accepted, but never answered.")]
ErrorRate = Annotated[float, _rate("Share of submits answered 500, not accepted.")]
Refuse = Annotated[
    list[str] | None, _fault("Share of requests answered with a status, like 503=0.05: 401, 403, 429, 500 or 503.")
]
EmptyFetchRate = Annotated[float, _rate("Share of fetches answered as if the task were unknown.")]
LatePictures = Annotated[int, _fault("SUCCESS without a link for the first n looks.", min=0)]
LinkSeconds = Annotated[float, _fault("Picture links answer 403 after so long; 0: they last.", min=0)]
Hasty = Annotated[int, _fault("The first n follow-ups of each task are refused with 3 or 4.", min=0)]
SwapPictures = Annotated[bool, _fault("Equal prompts in flight at once get each other's picture.", "--swap-pictures")]
Forgetful = Annotated[bool, _fault("A restart forgets every task.", "--forgetful")]
SeedSeconds = Annotated[float, _fault("How long image-seed takes.", min=0)]
LostCallbacks = Annotated[float, _rate("Share of callbacks that are never sent.")]
DoubledCallbacks = Annotated[float, _rate("Share of callbacks that are sent twice.")]
ReorderedCallbacks = Annotated[float, _rate("Share of callbacks that come after the next one.")]
LateCallbacks = Annotated[float, _rate("Share of callbacks that come late.")]
LateSeconds = Annotated[float, _fault("How late that is.", min=0)]
MissingRate = Annotated[float, _rate("Share of pictures answered 404.")]
HtmlRate = Annotated[float, _rate("Share of pictures answered as HTML.")]
TooMany = Annotated[int, _fault("The first n requests are answered 429.", min=0)]
Script = Annotated[
    Path | None,
    _fault(
        "YAML list of faults at certain requests, like {at: 7, fault: 503}, {path: /mj/submit/imagine, nth: 3, "
        "fault: lost} or {rate: 0.1, fault: 429}. A fault is a status (401, 403, 429, 500, 503), hang_up, lost, full, "
        "empty, fail or late_fail."
    ),
]


def sandbox(  # noqa: PLR0913 - one parameter per option of the command
    *,
    host: Host = _DEFAULT.host,
    port: Port = _DEFAULT.port,
    dialect: Dialect = _DEFAULT.dialect,
    key: Key = _DEFAULT.key,
    slots: Slots = _DEFAULT.slots,
    queue: Queue = _DEFAULT.queue,
    imagine_seconds: ImagineSeconds = _DEFAULT.imagine_seconds,
    upscale_seconds: UpscaleSeconds = _DEFAULT.upscale_seconds,
    jitter: Jitter = _DEFAULT.jitter,
    picture_size: PictureSize = _DEFAULT.picture_size,
    public_url: PublicUrl = _DEFAULT.public_url,
    journal: JournalPath = _DEFAULT.journal,
    seed: Seed = _DEFAULT.seed,
    remix: Remix = False,
    result_as_integer: AsInteger = False,
    progress_text: ProgressText = False,
    staleness: Staleness = _DEFAULT.staleness,
    relay_hooks: RelayHooks = False,
    failure_rate: FailureRate = 0.0,
    late_failure_rate: LateFailureRate = 0.0,
    lost_reply_rate: LostReplyRate = 0.0,
    error_rate: ErrorRate = 0.0,
    refuse: Refuse = None,
    empty_fetch_rate: EmptyFetchRate = 0.0,
    late_pictures: LatePictures = 0,
    link_seconds: LinkSeconds = 0.0,
    hasty: Hasty = 0,
    swap_pictures: SwapPictures = False,
    forgetful: Forgetful = False,
    seed_seconds: SeedSeconds = 0.0,
    lost_callback_rate: LostCallbacks = 0.0,
    doubled_callback_rate: DoubledCallbacks = 0.0,
    reordered_callback_rate: ReorderedCallbacks = 0.0,
    late_callback_rate: LateCallbacks = 0.0,
    late_callback_seconds: LateSeconds = _DEFAULT.late_callback_seconds,
    picture_missing_rate: MissingRate = 0.0,
    picture_html_rate: HtmlRate = 0.0,
    too_many_requests: TooMany = 0,
    script: Script = None,
) -> None:
    """Serve an emulated midjourney-proxy API: real pictures, no account, no cost. GET /docs says what it serves.

    A prompt that holds --sandbox fail, late_fail, lost, 500, missing, html or truncated meets that fault for certain.
    """
    chosen = dict(locals())
    refusal_rates = tuple(_refusal(written) for written in chosen.pop("refuse") or ())
    _serve(Options(**chosen, refusal_rates=refusal_rates))


def _serve(options: Options) -> None:
    try:
        serve(options)
    except ScriptError as error:
        raise UsageError(str(error)) from error
    except OSError as error:
        trouble = _trouble(error, f"{options.host}:{options.port}", options)
        raise ServiceError(f"The sandbox cannot start, {trouble}") from error


def _refusal(written: str) -> tuple[int, float]:
    status, _, rate = written.partition("=")
    try:
        chosen = int(status), float(rate)
    except ValueError:
        chosen = 0, 0.0
    if chosen[0] not in STATUSES or not 0 <= chosen[1] <= 1:
        raise UsageError(f"--refuse {written}: write a status of 401, 403, 429, 500, 503 and a share, like 503=0.05")
    return chosen


def _trouble(error: OSError, address: str, options: Options) -> str:
    what = (error.strerror or str(error)).partition(" (")[0]
    if error.filename:
        option = "--script" if str(options.script) == str(error.filename) else "--journal"
        return f"{error.filename}: {what}. Choose another {option}."
    return f"{address}: {what}. Choose another --port (0 takes any free one) or --host."
