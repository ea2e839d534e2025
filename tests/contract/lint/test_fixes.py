"""`--fix` mends what it can, changes nothing else, and never the meaning of a file."""

import pytest
import yaml
from hypothesis import given, strategies as st

from bc_events.contract.lint.file_findings import file_findings
from bc_events.contract.lint.fixes import fixed
from bc_events.contract.lint.settings import LintSettings

HEAD = "DefaultCategory: policies\nTopics:\n"


def mended(tmp_path, text):
    file = tmp_path / "topics.yaml"
    file.write_bytes(text.encode())
    return fixed(text, file_findings(file, LintSettings()))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "- Action: Sent\n  Category: policies\n  Entity: Mail\n  Schema: true\n",
            "- Action: Sent\n  Entity: Mail\n  Schema: true\n",
        ),
        (
            "- Action: Sent\n  Entity: Mail\n  Schema: true\n  Category: policies\n",
            "- Action: Sent\n  Entity: Mail\n  Schema: true\n",
        ),
        (
            "- {Category: policies, Action: Sent, Entity: Mail, Schema: true}\n",
            "- {Action: Sent, Entity: Mail, Schema: true}\n",
        ),
        (
            "- {Action: Sent, Entity: Mail, Schema: {type: [object], minProperties: 1}}  # kept\n",
            "- {Action: Sent, Entity: Mail, Schema: {type: object, minProperties: 1}}  # kept\n",
        ),
        (
            "- Action: Sent\n  Entity: Mail\n  Schema:\n    type:\n    - object\n    minProperties: 1  # kept\n",
            "- Action: Sent\n  Entity: Mail\n  Schema:\n    type: object\n    minProperties: 1  # kept\n",
        ),
        (
            "- Action: Sent\n  Entity: Mail\n  Schema: {type: object, description: ' a ''b'' '}\n",
            "- Action: Sent\n  Entity: Mail\n  Schema: {type: object, description: 'a ''b'''}\n",
        ),
    ],
)
def test_what_can_be_mended(tmp_path, before, after):
    assert mended(tmp_path, HEAD + before) == HEAD + after
    assert mended(tmp_path, HEAD + after) == HEAD + after


@pytest.mark.parametrize(
    "text",
    [
        "- Action: Sent\n  Category: policies  # because\n  Entity: Mail\n  Schema: true\n",
        "- Action: Sent\n  Entity: Mail\n  Schema:\n    type:\n    # why\n    - object\n",
        "- Action: Sent\n  Entity: Mail\n  Schema: {description: ' on\n      lines '}\n",
    ],
    ids=["a comment behind", "a comment within", "several lines"],
)
def test_a_place_beside_a_comment_or_on_several_lines_is_left_alone(tmp_path, text):
    assert mended(tmp_path, HEAD + text) == HEAD + text


def test_line_ends_of_windows_are_kept(tmp_path):
    text = "DefaultCategory: policies\r\nTopics:\r\n- {Action: Sent, Entity: Mail, Schema: {type: [object]}}\r\n"
    assert mended(tmp_path, text) == text.replace("[object]", "object")


topics = st.lists(
    st.fixed_dictionaries(
        {
            "Action": st.just("Sent"),
            "Schema": st.fixed_dictionaries(
                {"type": st.sampled_from([["object"], "object", ["object", "null"]])},
                optional={"description": st.text("ab' \"\n#é:", max_size=6), "default": st.just({"type": ["string"]})},
            ),
        },
        optional={"Category": st.sampled_from(["policies", "claims"]), "Description": st.text("a b'#:\n", max_size=5)},
    ),
    min_size=1,
    max_size=3,
)


@given(topics, st.booleans(), st.sampled_from([None, "'", '"']))
def test_the_meaning_stays(tmp_path_factory, drawn, is_flow, style):
    named = [{**topic, "Entity": "ABC"[position]} for position, topic in enumerate(drawn)]
    text = yaml.safe_dump(
        {"DefaultCategory": "policies", "Topics": named},
        default_flow_style=is_flow,
        default_style=style,
        sort_keys=False,
    )
    after = mended(tmp_path_factory.mktemp("fix"), text)
    assert _meaning(yaml.safe_load(after)) == _meaning(yaml.safe_load(text))


def _meaning(document):
    """The document with all that a fix may change written in one way."""
    topics = [{**topic, "Category": topic.get("Category", "policies")} for topic in document["Topics"]]
    for topic in topics:
        topic["Description"] = topic.get("Description", "").strip()
        schema = topic["Schema"] = dict(topic["Schema"])
        schema["description"] = schema.get("description", "").strip()
        if len(schema["type"]) == 1:
            schema["type"] = schema["type"][0]
    return topics
