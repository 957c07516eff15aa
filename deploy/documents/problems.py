"""Makes the pages of the error catalogue."""

NOTES = {
    "en": {
        "title": "# Errors",
        "other": "[中文](errors.zh-CN.md)",
        "lead": """\
Every refusal is `application/problem+json` ([RFC 9457](https://www.rfc-editor.org/rfc/rfc9457)). `code` never changes; `type` is the path of the
page below, which each service also serves (`GET /problems/{code}`); `detail` tells this occurrence; `request_id` finds it in our logs.

What stands in front of the services, a proxy or a gateway, may answer in a form of its own, most often 413, 502 or 504 with a page of HTML: judge by the status
before you read the body. After 502 and 504 it is not known what was done: repeat with the same `Idempotency-Key`.
""",
        "by_status": "| HTTP | code | title |\n|---|---|---|",
        "members": "Answered by",
        "everyone": "every service",
        "and": ", ",
    },
    "zh-CN": {
        "title": "# 错误目录",
        "other": "[English](errors.md)",
        "lead": """\
每个拒绝都是 `application/problem+json`（[RFC 9457](https://www.rfc-editor.org/rfc/rfc9457)）。`code` 永不改变；`type` 是下面各条目页面的路径，
每个服务也直接提供它（`GET /problems/{code}`）；`detail` 说明这一次的情形；`request_id` 用来在我们的日志里查找。

服务前面的代理或网关可能以自己的格式响应，最常见的是 413、502 或 504 加一段 HTML：请先判断状态码，再读响应体。收到 502 或 504 时不确定请求是否已执行：请用同一 `Idempotency-Key` 重试。
""",
        "by_status": "| HTTP | code | 标题 |\n|---|---|---|",
        "members": "适用服务",
        "everyone": "所有服务",
        "and": "、",
    },
}


def merge(catalogues):
    """Every kind once, by status and code, with the services that answer with it."""
    kinds = {}
    for service, catalogue in catalogues.items():
        for kind in catalogue:
            if None in kind["title"].values():
                raise ValueError(f"{kind['code']} of {service} has no words in Chinese")
            known = kinds.setdefault(kind["code"], {**kind, "services": []})
            if any(known[name] != value for name, value in kind.items()):
                raise ValueError(f"{kind['code']} of {service} differs from another service's")
            known["services"].append(service)
    for kind in kinds.values():
        if len(kind["services"]) == len(catalogues):
            kind["services"] = []
    return sorted(kinds.values(), key=lambda kind: (kind["status"], kind["code"]))


def page(kinds, language):
    """The catalogue as one page of Markdown."""
    notes = NOTES[language]
    parts = [notes["title"], notes["other"], notes["lead"].rstrip()]
    rows = [f"| {kind['status']} | [`{kind['code']}`](#{kind['code']}) | {kind['title'][language]} |" for kind in kinds]
    parts.append("\n".join([notes["by_status"], *rows]))
    for kind in kinds:
        services = notes["and"].join(kind["services"]) or notes["everyone"]
        parts.append(f"## {kind['code']}")
        parts.append(f"**{kind['title'][language]}** · HTTP {kind['status']} · {notes['members']}: {services}")
        parts.append(kind["meaning"][language].strip())
    return "\n\n".join(parts) + "\n"
