"""AWS: Lambda handlers in sessions, and messages to SNS and SQS that carry the job on. boto3 is not needed for it."""

from .attributes import inject
from .records import each_record
from .request import request

__all__ = ["each_record", "inject", "request"]
