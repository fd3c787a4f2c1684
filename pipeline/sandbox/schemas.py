"""The shapes of what the emulated server takes and answers, as JSON Schema (2020-12), by name."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
MAYBE_TEXT: Schema = {"type": ["string", "null"]}
NUMBER: Schema = {"type": "integer"}
MAYBE_NUMBER: Schema = {"type": ["integer", "null"]}
TASK_ID: Schema = {"type": "string", "pattern": "^[0-9]{16}$", "examples": ["1689231405853400"]}
PICTURE: Schema = {
    "type": "string",
    "description": "A data URL: data:image/png;base64,...",
    "pattern": "^data:image/(png|jpeg|webp|gif);base64,[A-Za-z0-9+/]{4,}={0,2}$",
}
LOOSE_PICTURE: Schema = {
    "type": "string",
    "description": "A data URL, bare base64, or an http address.",
    "pattern": "^(data:|https?://|[A-Za-z0-9+/])",
}
STATUSES = ["NOT_START", "SUBMITTED", "IN_PROGRESS", "MODAL", "SUCCESS", "FAILURE", "CANCEL"]
COMMON: Schema = {
    "state": {"type": ["string", "null"], "maxLength": 255, "description": "Yours; echoed in the task."},
    "notifyHook": {"type": ["string", "null"], "description": "Address to which every change is POSTed."},
}
FILTER: Schema = {
    "type": ["object", "null"],
    "properties": {
        "instanceId": TEXT,
        "modes": {"type": "array", "items": {"enum": ["RELAX", "FAST", "TURBO"]}},
        "remix": {"type": "boolean"},
    },
}
ROUTED: Schema = {
    **COMMON,
    "botType": {"enum": ["MID_JOURNEY", "NIJI_JOURNEY"]},
    "accountFilter": FILTER,
}


def described(required: list[str], properties: Schema, description: str = "") -> Schema:
    """An object. What is not named may be there too, and is not read."""
    shape: Schema = {"type": "object", "properties": properties}
    if required:
        shape["required"] = required
    return shape | ({"description": description} if description else {})


def _many(least: int, most: int, picture: Schema) -> Schema:
    return {"type": "array", "items": picture, "minItems": least, "maxItems": most}


def requests(picture: Schema) -> dict[str, Schema]:
    """The bodies, by the route's path. `picture` is how this dialect takes one."""
    prompt: Schema = {"type": "string", "minLength": 1}
    index = {"type": "integer", "minimum": 1, "maximum": 4}
    edits = described(["prompt", "image"], {"prompt": prompt, "image": picture, **COMMON, "accountFilter": FILTER})
    video = {
        "prompt": prompt,
        "image": picture,
        "endImage": picture,
        "motion": {"enum": ["low", "high"]},
        "action": {"enum": ["extend"]},
        "taskId": TASK_ID,
        "index": {"type": "integer", "minimum": 0, "maximum": 3},
        **COMMON,
    }
    ids = described([], {"ids": {"type": ["array", "null"], "items": TASK_ID, "maxItems": 500}})
    return {
        "/mj/submit/imagine": described(
            ["prompt"], {"prompt": prompt, "base64Array": _many(0, 5, picture), "mode": TEXT, **ROUTED}
        ),
        "/mj/submit/change": described(
            ["taskId", "action", "index"],
            {"taskId": TASK_ID, "action": {"enum": ["UPSCALE", "VARIATION", "REROLL"]}, "index": index, **COMMON},
        ),
        "/mj/submit/simple-change": described(
            ["content"], {"content": {"type": "string", "pattern": "^[0-9]{16} ([UV][1-4]|R)$"}, **COMMON}
        ),
        "/mj/submit/action": described(
            ["taskId", "customId"],
            {
                "taskId": TASK_ID,
                "customId": {"type": "string", "pattern": "^MJ::", "description": "One of the task's buttons."},
                "enableRemix": {"type": ["boolean", "null"]},
                **COMMON,
            },
        ),
        "/mj/submit/modal": described(["taskId"], {"taskId": TASK_ID, "prompt": TEXT, "maskBase64": picture}),
        "/mj/submit/blend": described(
            ["base64Array"],
            {
                "base64Array": _many(2, 5, picture),
                "dimensions": {"enum": ["PORTRAIT", "SQUARE", "LANDSCAPE"]},
                **ROUTED,
            },
        ),
        "/mj/submit/describe": described(["base64"], {"base64": picture, **ROUTED}),
        "/mj/submit/shorten": described(["prompt"], {"prompt": prompt, **ROUTED}),
        "/mj/submit/upload-discord-images": described(["base64Array"], {"base64Array": _many(1, 5, picture)}),
        "/mj/submit/edits": edits,
        "/mj/submit/edit": edits,
        "/mj/submit/retexture": edits,
        "/mj/submit/video": described(["prompt"], video),
        "/mj/insight-face/swap": described(
            ["sourceBase64", "targetBase64"], {"sourceBase64": picture, "targetBase64": picture, **COMMON}
        ),
        "/mj/task/list-by-condition": ids,
        "/mj/task/list-by-ids": ids,
        "/mj/task/query": _query(),
    }


def _query() -> Schema:
    texts = ("id", "instanceId", "action", "status", "state", "prompt", "promptEn", "description", "failReason")
    return described(
        [],
        {
            "pageNumber": {"type": "integer", "minimum": 0, "maximum": 1000},
            "pageSize": {"type": "integer", "minimum": 1, "maximum": 100},
            "sort": {"type": "string", "examples": ["submitTime,desc"]},
            **dict.fromkeys(texts, MAYBE_TEXT),
            "ids": {"type": "array", "items": TEXT},
            "statusSet": {"type": "array", "items": {"enum": STATUSES}},
        },
    )


def answers() -> dict[str, Schema]:
    """What is answered, by name."""
    result = {"type": ["string", "integer", "array", "null"], "items": TEXT}
    message = {"code": NUMBER, "description": TEXT}
    return {
        "SubmitResult": described(
            ["code", "description", "result", "properties"],
            message | {"result": result, "properties": {"type": "object"}},
        ),
        "Message": described(["code", "description"], message),
        "Button": described(
            ["customId", "emoji", "label", "type", "style"],
            {
                "customId": {"type": "string", "pattern": "^MJ::"},
                "emoji": TEXT,
                "label": TEXT,
                "type": {"const": 2},
                "style": {"const": 2},
            },
        ),
        "Page": _page(),
        "SpringError": described(
            ["timestamp", "status", "error", "path"], {"timestamp": TEXT, "status": NUMBER, "error": TEXT, "path": TEXT}
        ),
        "ProblemDetails": described(["title", "status"], {"type": TEXT, "title": TEXT, "status": NUMBER}),
        "RelayError": described(["description", "type", "code"], message | {"type": {"const": "upstream_error"}}),
        "OpenAIError": described(["error"], {"error": described(["message", "type"], {"message": TEXT, "type": TEXT})}),
        "Envelope": described(
            ["success", "code", "message"],
            {"success": {"const": False}, "code": {"const": -1}, "message": TEXT, "timestamp": TEXT},
        ),
    }


def _page() -> Schema:
    counts = ("number", "size", "numberOfElements", "totalElements", "totalPages")
    task: Schema = {"$ref": "#/components/schemas/Task"}
    return described(
        ["content", *counts],
        {"content": {"type": "array", "items": task}, **dict.fromkeys(counts, NUMBER), "empty": {"type": "boolean"}},
    )


def task(*, buttons: bool, relay: bool) -> Schema:
    """The task object. A relay knows no nulls, and at first no status."""
    text, number = (TEXT, NUMBER) if relay else (MAYBE_TEXT, MAYBE_NUMBER)
    shown: Schema = {"type": ["array", "null"] if relay else "array", "items": {"$ref": "#/components/schemas/Button"}}
    properties = {
        "id": TASK_ID,
        "action": TEXT,
        "status": {"enum": [*STATUSES, ""] if relay else STATUSES},
        **dict.fromkeys(("prompt", "promptEn", "description", "state", "imageUrl", "failReason"), text),
        "submitTime": {"type": "integer", "description": "Epoch milliseconds."},
        **dict.fromkeys(("startTime", "finishTime"), number),
        "progress": {"type": ["string", "null"], "examples": ["46%"]},
        "properties": {"type": ["object", "null"] if relay else "object"},
        **({"buttons": shown} if buttons else {}),
    }
    films = {"videoUrl": MAYBE_TEXT, "videoUrls": {"type": "array", "items": {"type": "object"}}}
    return described(sorted(properties), properties | films)
