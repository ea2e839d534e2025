"""Topics as a CloudFormation template with an SNS topic for each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from bc_events.topics.table import TopicTable
    from bc_events.topics.topic import Topic

_LONGEST_DISPLAY_NAME: Final = 100
"""Characters of a display name, by the API reference of SNS."""


def cloudformation(table: TopicTable, title: str) -> dict[str, Any]:
    """A template: topics, and their ARNs as outputs."""
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": title,
        "Resources": {f"{_key(topic)}Topic": _topic(topic) for topic in table.values()},
        "Outputs": {f"{_key(topic)}TopicArn": {"Value": {"Ref": f"{_key(topic)}Topic"}} for topic in table.values()},
    }


def _key(topic: Topic) -> str:
    return f"{topic.category.capitalize()}{topic.entity}{topic.action}"


def _topic(topic: Topic) -> dict[str, Any]:
    return {
        "Type": "AWS::SNS::Topic",
        "Properties": {
            "TopicName": topic.name.replace(".", "-"),
            "DisplayName": f"{topic.entity} {topic.action.lower()}"[:_LONGEST_DISPLAY_NAME],
            "Tags": [{"Key": "category", "Value": topic.category}],
        },
    }
