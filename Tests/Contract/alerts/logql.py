"""Evaluates the part of LogQL that the shipped alert rules use, over log lines in memory.

    {label="x"} |= "text" |~ "a|b" | json | label="x" | label=~"a|b" | label > 3 | unwrap label      and within it
    count_over_time(… [5m] offset 1d), sum_over_time, max_over_time, absent_over_time
    sum | max | min | count  by (labels) (…)
    + - * / ^, comparisons that filter, and

What is not in this list is refused, so that no rule passes for being misread. Meaning and precedence are those of
https://grafana.com/docs/loki/latest/query/.
"""

import dataclasses
import json
import re

TOKEN = re.compile(
    r"""\s*(?:
        (?P<comment>\#[^\n]*)
      | (?P<duration>\d+(?:ms|[smhdw]))
      | (?P<number>\d+(?:\.\d+)?)
      | (?P<string>"(?:[^"\\]|\\.)*"|`[^`]*`)
      | (?P<word>[A-Za-z_][A-Za-z0-9_]*)
      | (?P<symbol>\|=|\|~|!=|=~|!~|==|>=|<=|[{}()\[\],|=<>+\-*/^])
    )""",
    re.X,
)
SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
RANGES = {
    "count_over_time": len,
    "sum_over_time": sum,
    "max_over_time": max,
}
AGGREGATES = {"sum": sum, "max": max, "min": min, "count": len}
COMPARISONS = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
}
ARITHMETIC = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b if b else float("nan"),
    "^": lambda a, b: a**b,
}
# Weakest first; those of one level are taken from left to right, but for ^.
LEVELS = (("and",), tuple(COMPARISONS), ("+", "-"), ("*", "/"), ("^",))


class Refused(Exception):
    """The expression says something that is not evaluated here."""


@dataclasses.dataclass
class Line:
    """A log line as Loki holds it: when it came, the labels of its stream, and its text."""

    at: float
    stream: dict
    text: str

    def fields(self):
        """What `| json` makes of it: the members by name, nested ones joined by underscores."""
        found = {}

        def walk(value, prefix):
            for name, member in value.items():
                key = f"{prefix}{name}"
                if isinstance(member, dict):
                    walk(member, f"{key}_")
                elif not isinstance(member, list):
                    found[key] = "true" if member is True else "false" if member is False else str(member)

        walk(json.loads(self.text), "")
        return found


def evaluate(expression, lines, at):
    """The instant vector of an expression: a value for each set of labels (a tuple of pairs)."""
    parser = Parser(expression)
    tree = parser.binary(0)
    parser.end()
    result = tree(lines, at)
    return result if isinstance(result, dict) else {(): result}


class Parser:
    """Turns an expression into a function of lines and time."""

    def __init__(self, text):
        self.tokens, position = [], 0
        while text[position:].strip():
            match = TOKEN.match(text, position)
            if not match:
                raise Refused(f"cannot read: {text[position : position + 30]!r}")
            position = match.end()
            if match.lastgroup != "comment":
                self.tokens.append((match.lastgroup, match.group(match.lastgroup)))
        self.tokens.append(("end", ""))

    def peek(self):
        return self.tokens[0][1]

    def take(self, *expected, kind=None):
        found_kind, value = self.tokens.pop(0)
        if (expected and value not in expected) or (kind and found_kind != kind):
            raise Refused(f"{value!r} stands where {expected or kind} is expected")
        return value

    def taken(self, value):
        if self.peek() == value:
            self.take()
            return True
        return False

    def end(self):
        self.take(kind="end")

    def binary(self, level):
        if level == len(LEVELS):
            return self.operand()
        left = self.binary(level + 1)
        while self.peek() in LEVELS[level]:
            left = combine(self.take(), left, self.binary(level + 1))
        return left

    def operand(self):
        kind, value = self.tokens[0]
        if kind == "number":
            self.take()
            return lambda lines, at: float(value)
        if self.taken("("):
            inner = self.binary(0)
            self.take(")")
            return inner
        if value in AGGREGATES:
            return self.aggregate()
        if value in RANGES or value == "absent_over_time":
            return self.range()
        raise Refused(f"{value!r} is not evaluated here")

    def aggregate(self):
        reduce = AGGREGATES[self.take()]
        names = self.labels() if self.taken("by") else None
        self.take("(")
        inner = self.binary(0)
        self.take(")")
        if names is None:
            names = self.labels() if self.taken("by") else ()

        def value(lines, at):
            groups = {}
            for labels, number in inner(lines, at).items():
                key = tuple((name, dict(labels)[name]) for name in names if name in dict(labels))
                groups.setdefault(key, []).append(number)
            return {key: float(reduce(numbers)) for key, numbers in groups.items()}

        return value

    def labels(self):
        self.take("(")
        names = []
        while not self.taken(")"):
            names.append(self.take(kind="word"))
            self.taken(",")
        return tuple(names)

    def range(self):
        function = self.take()
        self.take("(")
        query, unwrapped = self.query()
        self.take("[")
        span = self.duration()
        self.take("]")
        offset = self.duration() if self.taken("offset") else 0
        self.take(")")
        if (function == "count_over_time" or function == "absent_over_time") == bool(unwrapped):
            raise Refused(f"{function} and unwrap do not go together so")

        def value(lines, at):
            series = {}
            for line in lines:
                if at - offset - span < line.at <= at - offset:
                    labels = query(line)
                    if labels is not None:
                        number = float(labels.pop(unwrapped)) if unwrapped else 1.0
                        series.setdefault(tuple(sorted(labels.items())), []).append(number)
            if function == "absent_over_time":
                return {} if series else {(): 1.0}
            return {labels: float(RANGES[function](numbers)) for labels, numbers in series.items()}

        return value

    def duration(self):
        number, unit = re.fullmatch(r"(\d+)(\D+)", self.take(kind="duration")).groups()
        return int(number) * SECONDS[unit]

    def query(self):
        """A function that gives a line's labels, or None when it is not selected; and the label that is unwrapped."""
        steps, unwrapped = [], None
        self.take("{")
        while not self.taken("}"):
            steps.append(self.matcher(from_stream=True))
            self.taken(",")
        while self.peek() in ("|", "|=", "|~"):
            if self.taken("|="):
                text = self.string()
                steps.append(lambda line, labels, text=text: text in line.text)
                continue
            if self.taken("|~"):
                pattern = re.compile(self.string())
                steps.append(lambda line, labels, pattern=pattern: pattern.search(line.text) is not None)
                continue
            self.take("|")
            if self.taken("json"):
                steps.append(lambda line, labels: labels.update(line.fields()) or True)
            elif self.taken("unwrap"):
                unwrapped = self.take(kind="word")
                steps.append(lambda line, labels, name=unwrapped: name in labels)
            else:
                steps.append(self.matcher(from_stream=False))

        def selected(line):
            labels = dict(line.stream)
            return labels if all(step(line, labels) for step in steps) else None

        return selected, unwrapped

    def matcher(self, from_stream):
        name, operator = self.take(kind="word"), self.take("=", "!=", "=~", "!~", *COMPARISONS)
        kind = self.tokens[0][0]
        if kind == "number" and not from_stream:
            limit = float(self.take())
            return lambda line, labels: name in labels and COMPARISONS[operator](float(labels[name]), limit)
        wanted = self.string()
        if operator in ("=", "!="):
            return lambda line, labels: (labels.get(name, "") == wanted) == (operator == "=")
        if operator in ("=~", "!~"):
            pattern = re.compile(wanted)
            return lambda line, labels: bool(pattern.fullmatch(labels.get(name, ""))) == (operator == "=~")
        raise Refused(f"{name} {operator} {wanted!r}")

    def string(self):
        text = self.take(kind="string")
        return text[1:-1] if text[0] == "`" else json.loads(text)


def combine(operator, left, right):
    """A binary operation between vectors of the same labels, or with a number."""

    def value(lines, at):
        a, b = left(lines, at), right(lines, at)
        if operator == "and":
            return {labels: number for labels, number in a.items() if labels in b}
        if operator in COMPARISONS:
            return {labels: x for labels, x, y in paired(a, b) if COMPARISONS[operator](x, y)}
        if not isinstance(a, dict) and not isinstance(b, dict):
            return ARITHMETIC[operator](a, b)
        return {labels: ARITHMETIC[operator](x, y) for labels, x, y in paired(a, b)}

    return value


def paired(a, b):
    """The labels that both sides have, with their two values."""
    if not isinstance(a, dict) and not isinstance(b, dict):
        raise Refused("a comparison of two numbers")
    if not isinstance(b, dict):
        return [(labels, number, b) for labels, number in a.items()]
    if not isinstance(a, dict):
        return [(labels, a, number) for labels, number in b.items()]
    return [(labels, number, b[labels]) for labels, number in a.items() if labels in b]
