"""The server's description as a page that a person reads: plain HTML, made of the OpenAPI document."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any

_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
h2 { margin: 2.5rem 0 .2rem; font-size: 1.1rem; font-family: ui-monospace, monospace }
h2 b { display: inline-block; min-width: 3.5rem; color: #b45309 }
p { margin: .2rem 0 .6rem }
table { border-collapse: collapse; width: 100%; font-size: .9rem }
td, th { text-align: left; vertical-align: top; padding: .25rem .8rem .25rem 0; border-top: 1px solid #8884 }
code { font-family: ui-monospace, monospace }
.faint { opacity: .65 }
"""


def page(document: dict[str, Any]) -> str:
    """The whole page. It needs no script and nothing from elsewhere."""
    info = document["info"]
    (key,) = document["components"]["securitySchemes"].values()
    return "\n".join(
        [
            f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(info["title"])}</title>',
            f"<style>{_STYLE}</style>",
            f"<h1>{escape(info['title'])}</h1>",
            f"<p>{escape(info['description'])} The key travels in the header <code>{escape(key['name'])}</code>.</p>",
            '<p>The same as a schema: <a href="/openapi.json">openapi.json</a>.</p>',
            *_operations(document),
            "<h2>The task</h2>",
            *_fields(document["components"]["schemas"]["Task"]),
            "</html>",
        ]
    )


def _operations(document: dict[str, Any]) -> Iterator[str]:
    for path, described in document["paths"].items():
        for method in ("get", "post"):
            if (operation := described.get(method)) is None:
                continue
            yield f'<h2 id="{operation["operationId"]}"><b>{method.upper()}</b> {escape(path)}</h2>'
            yield f"<p>{escape(operation['summary'])}.</p>"
            if body := operation.get("requestBody"):
                yield from _fields(body["content"]["application/json"]["schema"])
            answers = ", ".join(f"{status} {_answer(one)}" for status, one in operation["responses"].items())
            yield f'<p class="faint">Answers: {escape(answers)}</p>'


def _fields(schema: dict[str, Any]) -> Iterator[str]:
    required = set(schema.get("required", ()))
    yield "<table><tr><th>field<th>type<th></tr>"
    for name, field in schema["properties"].items():
        must = " <b>*</b>" if name in required else ""
        yield f"<tr><td><code>{escape(name)}</code>{must}<td>{escape(_type(field))}<td>{escape(_note(field))}</tr>"
    yield "</table>"


def _type(field: dict[str, Any]) -> str:
    if "$ref" in field:
        return str(field["$ref"]).rpartition("/")[2]
    if "enum" in field:
        return " | ".join(value or '""' for value in field["enum"])
    kinds = field.get("type", "any")
    written = " or ".join(kinds) if isinstance(kinds, list) else str(kinds)
    return f"{written} of {_type(field['items'])}" if "items" in field else written


def _note(field: dict[str, Any]) -> str:
    notes = [field.get("description", "")]
    for name, words in (("minimum", "from"), ("maximum", "to"), ("minItems", "at least"), ("maxItems", "at most")):
        if name in field:
            notes.append(f"{words} {field[name]}")
    return " ".join(note for note in notes if note)


def _answer(response: dict[str, Any]) -> str:
    for kind, content in response.get("content", {}).items():
        schema = content.get("schema", {})
        if "anyOf" in schema:
            return " or ".join(_type(one) for one in schema["anyOf"])
        return _type(schema) if kind == "application/json" and schema else kind
    return "(empty)"
