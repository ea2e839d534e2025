"""The settings that `events.configure` passes on are the arguments of `EventClient`."""

import inspect

from bc_events import EventClient
from bc_events._config.settings import ClientSettings


def test_the_settings_of_configure_are_the_arguments_of_a_client():
    settings = {name: getattr(kind, "__forward_arg__", kind) for name, kind in ClientSettings.__annotations__.items()}
    parameters = list(inspect.signature(EventClient.__init__).parameters.values())[1:]
    assert settings == {parameter.name: parameter.annotation for parameter in parameters}
