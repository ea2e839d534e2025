"""Every Python example in the documentation can be pasted and run."""

import re
import shutil
import sys

import pytest

from bc_events._ambient import default_client
from bc_events.testing import capture_events
from tests.docs.pages import PAGES, ROOT, TUTORIAL, examples_of, name_of

FENCE = re.compile(r"^ *```(.*)$", re.MULTILINE)


@pytest.fixture
def reader(tmp_path, monkeypatch):
    """A reader who pastes code, in a folder with the tutorial's files and with an Events API that takes everything."""
    shutil.copytree(TUTORIAL, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "service", raising=False)
    monkeypatch.setattr(default_client, "_configured", None)
    with capture_events():
        yield


@pytest.mark.usefixtures("reader")
@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_its_examples_run(page):
    for example in examples_of(page):
        example.evaluate()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_no_python_escapes_the_examples_by_its_heading(page):
    """A block with a title, say, would not be run."""
    infos = set(FENCE.findall(page.read_text(encoding="utf-8")))
    assert {info for info in infos if info.startswith("py")} <= {"python"}


def test_the_readme_and_its_commands_have_the_form_that_is_promised():
    """One command line each, under these headings, does all the set-up in a fresh clone."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for heading in ("Run it", "Test it"):
        section = text.partition(f"## {heading}\n")[2].partition("\n## ")[0]
        (block,) = re.findall(r"```shell\n(.*?)```", section, re.DOTALL)
        assert block.count("\n") == 1


def test_links_from_the_readme_lead_somewhere():
    links = re.findall(r"\]\(([^)#]+)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert links
    assert all((ROOT / link).is_file() for link in links)
