"""Runs four type checkers over this folder: mypy --strict, pyright, Pyrefly and ty. What ty reports decides nothing.

A wrong line has a comment for mypy or pyright that names the error. Both fail where such a comment is missing, and
where it is not needed. Pyrefly and ty do not see the comments. They must find the same lines, but for those where a
comment says that they differ. README's first example must be right too, for pyright in strict mode. What
`bc-events gen` makes is checked as well: see `_generated.py`.

python -m tests.typing
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from . import _generated

_HERE = Path(__file__).parent
_ROOT = _HERE.parent.parent
_TOOLS = Path(sys.executable).parent
_WRONG = re.compile(r"# (type|pyright): ignore")
_DIFFERS = re.compile(r"# ([a-z, ]+) differs?$")
_REPORT = re.compile(r"^(?:ERROR )?\S*?(\w+\.py):(\d+):.*$", re.MULTILINE)


def _output(*command: str) -> tuple[bool, str]:
    ended = subprocess.run([_TOOLS / command[0], *command[1:]], cwd=_ROOT, capture_output=True, text=True, check=False)
    return ended.returncode == 0, ended.stdout + ended.stderr


def _mypy() -> str:
    is_content, said = _output("mypy", "--strict", "--no-error-summary", str(_HERE))
    return "" if is_content else said


def _pyright() -> str:
    is_content, said = _output("pyright", "--project", str(_HERE))
    return "" if is_content else said


def _readme() -> str:
    example = re.findall(r"```python\n(.*?)```", (_ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)[0]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "example.py").write_text(example, encoding="utf-8")
        settings = {"typeCheckingMode": "strict", "pythonVersion": "3.11", "extraPaths": [str(_ROOT)]}
        Path(folder, "pyrightconfig.json").write_text(json.dumps(settings), encoding="utf-8")
        is_content, said = _output("pyright", "--pythonpath", sys.executable, "--project", folder)
    return "" if is_content else said


def _pyrefly() -> str:
    said = _output("pyrefly", "check", "--config", str(_HERE / "pyrefly.toml"), "--output-format", "min-text")[1]
    return _differences("pyrefly", said)


def _ty() -> str:
    ignoring = "analysis.respect-type-ignore-comments=false"
    said = _output("ty", "check", "--output-format", "concise", "--config", ignoring, str(_HERE))[1]
    return _differences("ty", said)


def _differences(checker: str, said: str) -> str:
    """Where a checker says something else than the comments do."""
    found = {(name, int(line)): report for report, name, line in ((m[0], m[1], m[2]) for m in _REPORT.finditer(said))}
    expected = {
        (file.name, number)
        for file in _HERE.glob("[!_]*.py")
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        if bool(_WRONG.search(line)) != _is_named(checker, line)
    }
    if not found:
        return said
    unexpected = [report for place, report in sorted(found.items()) if place not in expected]
    return "\n".join(unexpected + [f"{name}:{line}: not refused" for name, line in sorted(expected - found.keys())])


def _is_named(checker: str, line: str) -> bool:
    differs = _DIFFERS.search(line)
    return differs is not None and checker in differs[1].replace(",", " ").split()


_CHECKS = {
    "mypy": _mypy,
    "pyright": _pyright,
    "README": _readme,
    "pyrefly": _pyrefly,
    "ty": _ty,
    "generated module, real topics": _generated.real_topics,
    "generated module, random schemas": _generated.random_schemas,
    "generated module, in an editor": _generated.completions,
    "generated stubs": _generated.stubs,
}


def main() -> int:
    has_failed = False
    for name, check in _CHECKS.items():
        said = check()
        print(f"{name}: {'ok' if not said else 'reports' if name == 'ty' else 'FAILED'}")
        if said:
            print(said)
        has_failed |= bool(said) and name != "ty"
    return int(has_failed)


if __name__ == "__main__":
    sys.exit(main())
