"""`pipeline sandbox`: the emulated server, on its own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.errors import ServiceError
from pipeline.sandbox.options import Options
from pipeline.sandbox.server import serve

_DEFAULT = Options()
_FAULTS = "Faults"

Host = Annotated[str, typer.Option(help="Address to listen on.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="0: any free port.")]
Key = Annotated[str, typer.Option(help="What callers must show; empty lets everybody in.")]
Slots = Annotated[int, typer.Option(min=1, help="Tasks that are made at once.")]
Queue = Annotated[int, typer.Option(min=1, help="Tasks that may wait.")]
ImagineSeconds = Annotated[float, typer.Option(min=0, help="For an imagine, a variation or a reroll.")]
UpscaleSeconds = Annotated[float, typer.Option(min=0, help="For an upscale.")]
Jitter = Annotated[float, typer.Option(min=0, max=1, help="Share by which times vary, both ways.")]
PictureSize = Annotated[int, typer.Option(min=16, max=2048, help="Side of a square grid in pixels.")]
PublicUrl = Annotated[str, typer.Option(help="Where picture links point; empty: the address that is served.")]
JournalPath = Annotated[Path | None, typer.Option(help="File in which accepted tasks survive a restart.")]
Seed = Annotated[int, typer.Option(help="The same seed meets the same faults.")]
FailureRate = Annotated[
    float, typer.Option(min=0, max=1, help="Share accepted, and failed later.", rich_help_panel=_FAULTS)
]
LostReplyRate = Annotated[
    float, typer.Option(min=0, max=1, help="Share accepted, but never answered.", rich_help_panel=_FAULTS)
]
ErrorRate = Annotated[
    float, typer.Option(min=0, max=1, help="Share answered 500, not accepted.", rich_help_panel=_FAULTS)
]
MissingRate = Annotated[
    float, typer.Option(min=0, max=1, help="Share of pictures answered 404.", rich_help_panel=_FAULTS)
]
HtmlRate = Annotated[
    float, typer.Option(min=0, max=1, help="Share of pictures answered as HTML.", rich_help_panel=_FAULTS)
]
TooMany = Annotated[int, typer.Option(min=0, help="The first n requests are answered 429.", rich_help_panel=_FAULTS)]


def sandbox(  # noqa: PLR0913 - one parameter per option of the command
    *,
    host: Host = _DEFAULT.host,
    port: Port = _DEFAULT.port,
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
    failure_rate: FailureRate = 0.0,
    lost_reply_rate: LostReplyRate = 0.0,
    error_rate: ErrorRate = 0.0,
    picture_missing_rate: MissingRate = 0.0,
    picture_html_rate: HtmlRate = 0.0,
    too_many_requests: TooMany = 0,
) -> None:
    """Serve an emulated midjourney-proxy API (plus dialect): real PNGs, no account, no cost.

    A prompt that holds --sandbox fail, lost, 500, missing, html or truncated meets that fault for certain.
    """
    options = Options(
        host=host,
        port=port,
        key=key,
        slots=slots,
        queue=queue,
        imagine_seconds=imagine_seconds,
        upscale_seconds=upscale_seconds,
        jitter=jitter,
        picture_size=picture_size,
        public_url=public_url,
        journal=journal,
        seed=seed,
        failure_rate=failure_rate,
        lost_reply_rate=lost_reply_rate,
        error_rate=error_rate,
        picture_missing_rate=picture_missing_rate,
        picture_html_rate=picture_html_rate,
        too_many_requests=too_many_requests,
    )
    try:
        serve(options)
    except OSError as error:
        raise ServiceError(f"The sandbox cannot start, {_trouble(error, f'{host}:{port}')}") from error


def _trouble(error: OSError, address: str) -> str:
    what = (error.strerror or str(error)).partition(" (")[0]
    if error.filename:
        return f"{error.filename}: {what}. Choose another --journal."
    return f"{address}: {what}. Choose another --port (0 takes any free one) or --host."
