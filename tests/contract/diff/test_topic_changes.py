"""What has changed between two tables of topics, and whom it breaks."""

import subprocess

import pytest

from bc_events import ConfigurationError, TopicDefinitionError, TopicTable
from bc_events.contract.diff.source import read_version
from bc_events.contract.diff.topic_changes import topic_changes
from bc_events.local import LocalEventsAPI

TEXT = {"type": "object", "properties": {"id": {"type": "string"}}}
WHOLE = {"type": "object", "properties": {"id": {"type": "integer"}}}
REQUIRED = {**TEXT, "required": ["id"]}


def table(*topics):
    """A table of topics, each written as `category.EntityAction`, Entity and Action one word each, with a schema."""
    written = []
    for name, schema in topics:
        category, _, words = name.partition(".")
        cut = next(at for at in range(1, len(words)) if words[at].isupper())
        written.append({"Entity": words[:cut], "Action": words[cut:], "Category": category, "Schema": schema})
    return TopicTable.read({"Topics": written})


def changes(old, new, **options):
    return [(one.topic, one.status, one.direction, one.rule) for one in topic_changes(old, new, **options)]


def test_equal_tables_have_no_changes():
    assert changes(table(("a.PolicyCreated", TEXT)), table(("a.PolicyCreated", TEXT))) == []


def test_topics_come_and_go():
    old, new = table(("a.PolicyCreated", TEXT)), table(("a.PolicyCreated", TEXT), ("a.MailSent", TEXT))
    assert changes(old, new) == [("a.MailSent", "compatible", "", "topic_added")]
    assert changes(new, old) == [("a.MailSent", "breaking", "", "topic_removed")]


def test_a_topic_that_seems_to_be_renamed_is_named():
    (gone, come) = topic_changes(table(("a.PolicyCreated", TEXT)), table(("a.PolicieCreated", TEXT)))
    assert (gone.status, come.status) == ("breaking", "compatible")
    assert gone.message.startswith("it was renamed to a.PolicieCreated, or removed; consumers of a.PolicyCreated")


def test_another_category_breaks_consumers():
    (gone, _) = topic_changes(table(("a.PolicyCreated", TEXT)), table(("b.PolicyCreated", TEXT)))
    assert (gone.rule, gone.status) == ("topic_category_changed", "breaking")


def test_a_mode_protects_one_direction_and_full_protects_both():
    old, new = table(("a.PolicyCreated", TEXT)), table(("a.PolicyCreated", REQUIRED))
    broken = [("a.PolicyCreated", "breaking", "backward", "required_attribute_added")]
    assert changes(old, new) == changes(old, new, mode="backward") == broken
    assert changes(old, new, mode="forward") == [("a.PolicyCreated", "compatible", "", "schema_changed")]
    assert changes(new, old, mode="forward") == [("a.PolicyCreated", "breaking", "forward", "required_attribute_added")]
    both = changes(old, table(("a.PolicyCreated", WHOLE)))
    assert [direction for _, _, direction, _ in both] == ["backward", "forward"]


def test_the_strict_model_can_be_chosen():
    more = {"type": "object", "properties": {"id": {"type": "string"}, "name": {"type": "string"}}}
    old, new = table(("a.PolicyCreated", TEXT)), table(("a.PolicyCreated", more))
    assert changes(old, new) == [("a.PolicyCreated", "compatible", "", "schema_changed")]
    assert changes(old, new, is_lenient=False) == [("a.PolicyCreated", "breaking", "backward", "type_changed")]


def test_the_gravest_change_is_first():
    old = table(("a.PolicyCreated", TEXT), ("a.MailSent", TEXT))
    new = table(("a.PolicyCreated", {**TEXT, "title": "b"}), ("a.MailSent", WHOLE), ("a.BillPaid", TEXT))
    assert [status for _, status, _, _ in changes(old, new)] == ["breaking", "breaking", "compatible", "compatible"]


DEFINITIONS = "DefaultCategory: a\nTopics:\n  - {Action: Created, Entity: Policy, Schema: true}\n"


@pytest.fixture
def repository(tmp_path):
    """A file under version control, changed since."""
    folder = tmp_path / "service" / "config"
    folder.mkdir(parents=True)
    file = folder / "topics.yaml"
    file.write_text(DEFINITIONS)
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@b.example", "-c", "commit.gpgsign=false"]
    for arguments in (["init", "-q", "-b", "main"], ["add", "."], [*identity, "commit", "-q", "-m", "first"]):
        subprocess.run(["git", *arguments], cwd=tmp_path, check=True)
    file.write_text(DEFINITIONS.replace("Created", "Renewed"))
    return file


def test_an_older_version_comes_from_git(repository):
    assert list(read_version("git:main", repository)) == ["a.PolicyCreated"]
    assert list(read_version("git:HEAD", repository)) == ["a.PolicyCreated"]


def test_a_revision_that_is_not_there_is_an_error(repository, tmp_path):
    with pytest.raises(ConfigurationError, match=r"git has no topics.yaml at nope: .*nope"):
        read_version("git:nope", repository)
    for named in ("git:", "git:--output=x"):
        with pytest.raises(ConfigurationError, match="names no revision"):
            read_version(named, repository)
    with pytest.raises(ConfigurationError, match=r"git has no other.yaml at main"):
        read_version("git:main", tmp_path / "other.yaml")


def test_an_older_version_comes_from_a_file_or_a_url(repository, tmp_path):
    other = tmp_path / "other.yaml"
    other.write_text(DEFINITIONS)
    assert list(read_version(str(other), repository)) == ["a.PolicyCreated"]
    with pytest.raises(ConfigurationError, match="there is no file nope.yaml; give a file, a URL, or git:REVISION"):
        read_version("nope.yaml", repository)
    with LocalEventsAPI(port=0) as api, pytest.raises(ConfigurationError, match=r"could not be read: 404"):
        read_version(f"{api.url}/nope.yaml", repository)


def test_mistakes_in_an_older_version_name_where_it_is_from(repository):
    folder = repository.parent
    repository.write_text(DEFINITIONS.replace("Created", "created"))
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@b.example", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *identity, "commit", "-q", "-am", "second"], cwd=folder, check=True)
    with pytest.raises(TopicDefinitionError, match=r"topics.yaml of git:main"):
        read_version("git:main", repository)
