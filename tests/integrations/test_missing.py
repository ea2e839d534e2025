"""A package that a service does not have costs it nothing, and is named in the error where it is needed."""

import subprocess
import sys

import pytest

BLOCKED = """
import sys
for name in {blocked!r}:
    sys.modules[name] = None
try:
    import bc_events.integrations.{module}
except ImportError as error:
    print(error)
else:
    print("imported")
"""


def imported(module, blocked):
    code = BLOCKED.format(module=module, blocked=blocked)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize(
    ("module", "blocked", "name"),
    [
        ("celery", ["celery"], "celery"),
        ("structlog", ["structlog"], "structlog"),
        ("httpx", ["httpx", "httpx2"], "httpx"),
        ("django", ["django"], "'bc_events[django]'"),
    ],
)
def test_a_framework_that_is_not_installed_is_named_in_the_error(module, blocked, name):
    assert imported(module, blocked).endswith(f"is not installed: pip install {name}")


@pytest.mark.parametrize("module", ["asgi", "wsgi", "aws", "logging", "requests"])
def test_the_others_need_no_framework(module):
    frameworks = ["starlette", "fastapi", "flask", "celery", "boto3", "django", "structlog", "httpx", "httpx2"]
    assert imported(module, frameworks) == "imported"


def test_httpx2_alone_will_do():
    assert imported("httpx", ["httpx"]) == "imported"


def test_importing_the_library_loads_none_of_them():
    code = "import sys, bc_events.events; print([m for m in sys.modules if m.startswith('bc_events.integrations')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_importing_all_of_it_starts_no_thread():
    """It would not survive a fork, and what it holds would be lost."""
    code = """
import pkgutil, threading
import bc_events.events, bc_events.integrations, bc_events.outbox, bc_events.testing.plugin
for module in pkgutil.iter_modules(bc_events.integrations.__path__, "bc_events.integrations."):
    __import__(module.name)
print(threading.active_count())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1"
