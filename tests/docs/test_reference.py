"""Every public name has a place in the reference and a line in the changelog."""

import importlib
import re

import pytest

from tests.docs.pages import DOCS

MODULES = ["bc_events", "bc_events.events", "bc_events.propagation", "bc_events.testing", "bc_events.local"]
PUBLIC = [
    f"{module}.{name}"
    for module in MODULES
    for name in importlib.import_module(module).__all__
    if (module, name) != ("bc_events", "events")
]
REFERENCE = "\n".join(page.read_text(encoding="utf-8") for page in sorted((DOCS / "reference").rglob("*.md")))


@pytest.mark.parametrize("name", PUBLIC)
def test_it_is_in_the_reference(name):
    assert re.search(rf"^::: {re.escape(name)}$", REFERENCE, re.MULTILINE)


@pytest.mark.parametrize("name", sorted({name.rpartition(".")[2] for name in PUBLIC}))
def test_it_is_in_the_changelog(name):
    assert re.search(rf"\b{name}\b", (DOCS / "changelog.md").read_text(encoding="utf-8"))


def test_every_setting_is_in_the_reference():
    from bc_events import configuration

    settings = {value for value in vars(configuration).values() if str(value).startswith("BC_EVENTS_")}
    documented = set(re.findall(r"^\| `(BC_EVENTS_\w+)`", (DOCS / "reference/settings.md").read_text(), re.MULTILINE))
    assert settings == documented
