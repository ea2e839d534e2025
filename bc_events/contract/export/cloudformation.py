"""Topics as a CloudFormation template with an SNS topic for each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from .resource_key import resource_key

if TYPE_CHECKING:
    from bc_events.topics.table import TopicTable
    from bc_events.topics.topic import Topic

_LONGEST_DISPLAY_NAME: Final = 100
"""Characters of a display name, by the API reference of SNS."""


def cloudformation(table: TopicTable, title: str) -> dict[str, Any]:
    """A template: topics, and their ARNs as outputs."""
    keys = {resource_key(topic): topic for topic in table.values()}
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": title,
        "Resources": {f"{key}Topic": _topic(topic) for key, topic in keys.items()},
        "Outputs": {
            f"{resource_key(topic)}TopicArn": {"Value": {"Ref": f"{resource_key(topic)}Topic"}}
            for topic in table.values()
        },
    }


def _topic(topic: Topic) -> dict[str, Any]:
    return {
        "Type": "AWS::SNS::Topic",
        "Properties": {
            "TopicName": topic.name.replace(".", "-"),
            "DisplayName": f"{topic.entity} {topic.action.lower()}"[:_LONGEST_DISPLAY_NAME],
            "Tags": [{"Key": "category", "Value": topic.category}],
        },
    }
