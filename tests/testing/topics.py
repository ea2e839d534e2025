"""The topics of a small service."""

TOPICS = {
    "DefaultCategory": "policies",
    "Topics": [
        {
            "Action": "Created",
            "Entity": "Policy",
            "Schema": {
                "type": "object",
                "required": ["id"],
                "properties": {"id": {"type": "string"}, "premium": {"type": "number"}, "tags": {"type": "array"}},
            },
        },
        {"Action": "Cancelled", "Entity": "Policy", "Schema": {"type": "object"}},
    ],
}
