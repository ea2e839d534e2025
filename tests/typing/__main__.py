"""Checks this folder with mypy --strict and with pyright; exit code 1 where either finds anything.

python -m tests.typing
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_HERE = Path(__file__).parent
_ROOT = _HERE.parent.parent
_CHECKERS = {"mypy": ["--strict", "--no-error-summary"], "pyright": ["--project"]}


def _is_content(checker: str) -> bool:
    command = [sys.executable, "-m", checker, *_CHECKERS[checker], str(_HERE)]
    ended = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False)
    print(f"{checker}: {'ok' if ended.returncode == 0 else 'FAILED'}")
    if ended.returncode != 0:
        print(ended.stdout + ended.stderr)
    return ended.returncode == 0


def main() -> int:
    contents = [_is_content(checker) for checker in _CHECKERS]
    return 0 if all(contents) else 1


if __name__ == "__main__":
    sys.exit(main())
