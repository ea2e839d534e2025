"""A fork that bypasses Python's hooks, as those of uWSGI do."""

import subprocess
import sys

import pytest

SCRIPT = """
import ctypes, os
from bc_events._runtime import forks
{setting}
before = forks.generation
forks.notice()
assert forks.generation is before
if ctypes.PyDLL(None).fork() == 0:
    forks.notice()
    first = forks.generation
    forks.notice()
    os._exit(0 if first is not before and forks.generation is first else 1)
assert os.waitstatus_to_exitcode(os.wait()[1]) == 0
forks.notice()
assert forks.generation is before
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the C library's fork is called by its name")
@pytest.mark.parametrize("setting", ["", "forks._page = None"], ids=["by cleared memory", "by the process's id"])
def test_it_is_noticed_once_and_only_in_the_child(setting):
    subprocess.run([sys.executable, "-c", SCRIPT.format(setting=setting)], check=True, timeout=60)
