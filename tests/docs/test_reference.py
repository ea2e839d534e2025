"""Every public name has a place in the reference and a line in the changelog."""

import ast
import re

import pytest

import bc_events
from bc_events.cli.serve import serve
from tests.docs import command_line
from tests.docs.pages import DOCS, PAGES, ROOT

PACKAGE = ROOT / "bc_events"


def public_names():
    """The names in each module's `__all__`, read without importing the frameworks."""
    for path in sorted(PACKAGE.rglob("*.py")):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
                yield from (f"{module}.{name}" for name in ast.literal_eval(node.value))


PUBLIC = sorted(set(public_names()) - {"bc_events.events", "bc_events.topics.Topic", "bc_events.topics.TopicTable"})
REFERENCE = "\n".join(page.read_text(encoding="utf-8") for page in sorted((DOCS / "reference").rglob("*.md")))


@pytest.mark.parametrize("name", PUBLIC)
def test_it_is_in_the_reference(name):
    assert re.search(rf"^::: {re.escape(name)}$", REFERENCE, re.MULTILINE)


@pytest.mark.parametrize("name", sorted({name.rpartition(".")[2] for name in PUBLIC}))
def test_it_is_in_the_changelog(name):
    assert re.search(rf"\b{name}\b", (DOCS / "changelog.md").read_text(encoding="utf-8"))


def test_every_setting_is_in_the_reference():
    from bc_events._ambient import default_client
    from bc_events._config import following

    settings = {
        value
        for value in (*vars(default_client).values(), *vars(following).values())
        if str(value).startswith("BC_EVENTS_")
    }
    documented = set(re.findall(r"^\| `(BC_EVENTS_\w+)`", (DOCS / "reference/settings.md").read_text(), re.MULTILINE))
    assert settings == documented


def test_every_command_is_in_the_reference_with_its_help():
    """`python -m tests.docs.command_line` writes the page anew. Click decides where its lines break."""
    assert command_line.PAGE.read_text(encoding="utf-8").split() == command_line.page().split()


def test_the_pages_name_the_port_that_serve_listens_on():
    (port,) = {option.default for option in serve.params if option.name == "port"}
    pages = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert set(re.findall(r"http://127\.0\.0\.1:(\d+)", pages)) == {str(port)}


def test_the_pages_install_this_version():
    """Without it pip would prefer the first client, because this one is a pre-release."""
    pages = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    commands = re.findall(r"pip install --find-links .+", pages)
    assert commands
    assert [one for one in commands if f'>={bc_events.__version__}"' not in one] == []


def test_every_page_is_in_the_navigation():
    """List it under `nav` in mkdocs.yml."""
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:\n")[2]
    listed = set(re.findall(r"[\w/-]+\.md", navigation))
    assert {str(page.relative_to(DOCS)) for page in PAGES if DOCS in page.parents} == listed
