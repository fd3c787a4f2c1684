"""A submit as it arrives: its body, read with the strictness of the dialect, and what it refers to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.sandbox.bodies import Body
from pipeline.sandbox.dialects import Dialect
from pipeline.sandbox.results import ACCOUNT, EnvelopeError, MalformedError, RefusedError
from pipeline.sandbox.tasks import Task, Upload

Known = Mapping[str, Task]
Pictures = Mapping[str, Upload | None]
"""The pictures of a request by the text that stood for them; None where that is no picture in this dialect."""

SPEED = {"FAST": "fast", "RELAX": "relax", "TURBO": "turbo"}


@dataclass(slots=True, kw_only=True)
class Submission:
    """One request to a submit route, only read. Its readings raise MalformedError or RefusedError."""

    body: Body
    known: Known
    dialect: Dialect
    pictures: Pictures = field(default_factory=dict)
    mode: str = ""
    """From the path; it wins over the body."""
    remix: bool = False
    relay_hooks: bool = False

    def text(self, name: str) -> str:
        """A string field, empty where it is missing. A lenient dialect reads numbers as strings, as Jackson does."""
        value = self.body.get(name)
        if value is None:
            return ""
        if isinstance(value, str):
            return value
        if isinstance(value, int | float) and not self.dialect.strict:
            return str(value)
        raise MalformedError

    def required(self, name: str) -> str:
        """Refused with code 4 where it is blank."""
        value = self.text(name)
        if not value.strip():
            raise RefusedError(4, f"{name}不能为空")
        return value

    def flag(self, name: str) -> bool:
        value = self.body.get(name)
        if value is None or isinstance(value, bool):
            return bool(value)
        raise MalformedError

    def number(self, name: str) -> int | None:
        """A whole number; digits in a string will do where the dialect is lenient."""
        value = self.body.get(name)
        if value is None or type(value) is int:
            return value
        if isinstance(value, str) and value.isascii() and value.isdecimal() and not self.dialect.strict:
            return int(value[:9])
        raise MalformedError

    def choice(self, name: str, allowed: frozenset[str], default: str) -> str:
        """One of a few words. Anything else is malformed, as an unknown enum is."""
        value = self.text(name) or default
        if value not in allowed:
            raise MalformedError
        return value

    def parent(self, task_id: str) -> Task:
        """The finished task that a follow-up is of."""
        parent = self.known.get(task_id.strip())
        if parent is None:
            raise self.dialect.orphan()
        if parent.status != "SUCCESS":
            raise RefusedError(4, "关联任务状态错误")
        return parent

    def picture(self, text: str, refusal: str = "base64格式错误") -> Upload:
        """The picture that a text stands for. An address that may stand in a prompt may not stand here everywhere."""
        found = self.pictures.get(text)
        if found is None or (text.startswith("http") and not self.dialect.loose_pictures):
            raise RefusedError(4, refusal)
        return found

    def pictures_of(self, name: str) -> tuple[Upload, ...]:
        """Of an array; null and absent are none."""
        values = self.body.get(name)
        if values is None:
            return ()
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            raise MalformedError
        return tuple(self.picture(value) for value in values)

    def bot(self) -> str:
        if not self.dialect.chooses:
            return "MID_JOURNEY"
        names = {"mj": "MID_JOURNEY", "niji": "NIJI_JOURNEY", "MID_JOURNEY": "MID_JOURNEY"}
        asked = self.text("botType") or "MID_JOURNEY"
        if self.dialect.any_bot:
            return (names | {"NIJI_JOURNEY": "NIJI_JOURNEY"}).get(asked, "MID_JOURNEY")
        if asked not in {"MID_JOURNEY", "NIJI_JOURNEY"}:
            raise MalformedError
        return asked

    def common(self) -> dict[str, Any]:
        """What every order has: `state`, `notify_hook` and `mode`."""
        state, hook = self.text("state") or None, self.text("notifyHook") or None
        for name, most in self.dialect.longest.items():
            if len(self.text(name)) > most:
                raise EnvelopeError(f"{name} 长度不能超过 {most}")
        passed = self.dialect.reports or self.relay_hooks
        return {"state": state, "notify_hook": hook if passed else None, "mode": self._mode(passed=passed)}

    def _mode(self, *, passed: bool) -> str:
        """The path, then the account filter, then the body. An account that is not there is refused with code 3."""
        if not self.dialect.chooses:
            return "fast"
        wanted = self.body.get("accountFilter")
        if not isinstance(wanted, dict | None):
            raise MalformedError
        wanted = wanted if passed and wanted else {}
        modes, instance = wanted.get("modes"), wanted.get("instanceId")
        if not isinstance(modes, list | None) or not isinstance(instance, str | None):
            raise MalformedError
        if instance and instance != ACCOUNT:
            raise RefusedError(3, "无可用的账号实例")
        asked = str(modes[0]) if modes else self.text("mode")
        return self.mode or SPEED.get(asked.upper(), "fast")
