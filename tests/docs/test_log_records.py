"""docs/reference/log-records.md lists every record that the library logs, and no other."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "bc_events"
PAGE = ROOT / "docs" / "reference" / "log-records.md"
LOGGERS = {"logs", "_logger", "logger"}
LEVELS = {"debug", "info", "warning", "error", "exception"}
ROW = re.compile(r"\| (\w+) \| (`+)(.+?)\2 \|")


def calls(tree):
    """The logging calls in a module, except the one through which all others pass."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id in LOGGERS
            and node.func.attr in {"write", "log", *LEVELS}
        ):
            yield node


def constants(tree):
    """Module-level names of texts."""
    pairs = ((one.target, one.value) for one in tree.body if isinstance(one, ast.AnnAssign))
    return {
        name.id: text.value for name, text in pairs if isinstance(text, ast.Constant) and isinstance(text.value, str)
    }


def is_template(text):
    """Whether a text is a template: it has several words. An argument such as the noun "event" has one."""
    return len(text.split()) > 2 and not text.startswith("an unknown")


def templates(call, named):
    for argument in call.args:
        for node in ast.walk(argument):
            text = named.get(node.id) if isinstance(node, ast.Name) else getattr(node, "value", None)
            if isinstance(text, str) and is_template(text):
                yield text


def levels(call):
    if call.func.attr in LEVELS:
        return {"ERROR" if call.func.attr == "exception" else call.func.attr.upper()}
    found = {node.attr for argument in call.args for node in ast.walk(argument) if isinstance(node, ast.Attribute)}
    return found & {level.upper() for level in LEVELS}


def logged():
    """Each template with the levels it may have."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        tree = ast.parse(path.read_text())
        named = constants(tree)
        for call in calls(tree):
            if path.name == "logs.py":
                continue
            texts = list(templates(call, named))
            assert texts, f"{path}:{call.lineno}: write the template in the call, or as a constant of the module"
            for text in texts:
                found.setdefault(text, set()).update(levels(call))
    return found


def documented():
    return {message: level for level, _, message in ROW.findall(PAGE.read_text())}


def test_every_record_of_the_library_is_listed_with_its_level():
    code, page = logged(), documented()
    missing = sorted(set(code) - set(page))
    assert not missing, f"add to {PAGE.name}, with cause and cure: {missing}"
    gone = sorted(set(page) - set(code))
    assert not gone, f"remove from {PAGE.name}, as nothing logs it: {gone}"
    wrong = {message: (level, code[message]) for message, level in page.items() if level not in code[message]}
    assert not wrong, f"levels on {PAGE.name} that are not those of the code: {wrong}"
