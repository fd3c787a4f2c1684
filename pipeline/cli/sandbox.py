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


def sandbox(  # noqa: PLR0913 - one parameter per option of the command
    *,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = _DEFAULT.host,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free port.")] = _DEFAULT.port,
    key: Annotated[str, typer.Option(help="What callers must show; empty lets everybody in.")] = _DEFAULT.key,
    slots: Annotated[int, typer.Option(min=1, help="Tasks that are made at once.")] = _DEFAULT.slots,
    queue: Annotated[int, typer.Option(min=1, help="Tasks that may wait.")] = _DEFAULT.queue,
    imagine_seconds: Annotated[
        float, typer.Option(min=0, help="Seconds that an imagine, a variation or a reroll takes.")
    ] = _DEFAULT.imagine_seconds,
    upscale_seconds: Annotated[
        float, typer.Option(min=0, help="Seconds that an upscale takes.")
    ] = _DEFAULT.upscale_seconds,
    jitter: Annotated[
        float, typer.Option(min=0, max=1, help="Share by which times vary, both ways.")
    ] = _DEFAULT.jitter,
    picture_size: Annotated[
        int, typer.Option(min=16, max=4096, help="Side of a square grid in pixels.")
    ] = _DEFAULT.picture_size,
    public_url: Annotated[
        str, typer.Option(help="Where picture links point; empty: the address that is served.")
    ] = _DEFAULT.public_url,
    journal: Annotated[
        Path | None, typer.Option(dir_okay=False, help="File in which accepted tasks survive a restart.")
    ] = _DEFAULT.journal,
    seed: Annotated[int, typer.Option(help="The same seed meets the same faults.")] = _DEFAULT.seed,
    failure_rate: Annotated[
        float, typer.Option(min=0, max=1, help="Share accepted, and failed later.", rich_help_panel=_FAULTS)
    ] = 0.0,
    lost_reply_rate: Annotated[
        float, typer.Option(min=0, max=1, help="Share accepted, but never answered.", rich_help_panel=_FAULTS)
    ] = 0.0,
    error_rate: Annotated[
        float, typer.Option(min=0, max=1, help="Share answered 500, not accepted.", rich_help_panel=_FAULTS)
    ] = 0.0,
    picture_missing_rate: Annotated[
        float, typer.Option(min=0, max=1, help="Share of pictures answered 404.", rich_help_panel=_FAULTS)
    ] = 0.0,
    picture_html_rate: Annotated[
        float, typer.Option(min=0, max=1, help="Share of pictures answered as HTML.", rich_help_panel=_FAULTS)
    ] = 0.0,
    too_many_requests: Annotated[
        int, typer.Option(min=0, help="The first n requests are answered 429.", rich_help_panel=_FAULTS)
    ] = 0,
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
        what = error.strerror or error
        raise ServiceError(
            f"The sandbox cannot start on {host}:{port}: {what}. Choose another --port (0 takes any free one)"
            " or another --journal."
        ) from error
