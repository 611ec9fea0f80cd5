"""The examples of the typed-events API, word for word but for the import (SPEC 15)."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, DefaultDict, Dict, Generic, List, Tuple, TypeVar

import pytest

import charms_reactive
from charms.reactive import events
from charms_reactive.errors import EventUseError


def test_the_module_is_one_under_both_names() -> None:
    import charms.reactive.events

    assert charms.reactive.events is charms_reactive.events is events


def test_a_handler_changes_an_outgoing_message(capsys: pytest.CaptureFixture[str]) -> None:
    class BeforeMessageSend(events.Event):
        """An event emitted just before sending a message."""

        message: str

    @events.handle_event(BeforeMessageSend)
    def add_message_watermark(event: BeforeMessageSend) -> None:
        print(f"Original message: {event.message}")
        event.message = f"{event.message} (sent from Canvas)"

    def send_message(message: str) -> None:
        """Send a message."""
        message_event = events.emit_event(BeforeMessageSend, message=message)
        print(f"Sending message: {message_event.message}")

    send_message(message="Hello, world!")
    assert capsys.readouterr().out.splitlines() == [
        "Original message: Hello, world!",
        "Sending message: Hello, world! (sent from Canvas)",
    ]


class ValidationError(Exception):
    """As django.core.exceptions has it, which is not installed for an example."""


class Form:
    """Of django.forms.Form what the example needs: the cleaned data, and errors per field."""

    def __init__(self, data: Dict[str, Any]) -> None:
        self.data = data
        self.errors: Dict[str, List[str]] = {}

    def clean(self) -> Dict[str, Any]:
        return dict(self.data)

    def add_error(self, field: str, error: str) -> None:
        self.errors.setdefault(field, []).append(error)

    def is_valid(self) -> bool:
        self.clean()
        return not self.errors


def test_handlers_validate_a_form() -> None:
    class SignupFormSubmitted(events.Event):
        """An event for validating and cleaning signup data."""

        cleaned_data: Dict[str, Any]
        error_messages: DefaultDict[str, List[str]]

        def __init__(self, **attrs: Any) -> None:
            super().__init__(**attrs)
            self.error_messages = defaultdict(list)

        def add_error(self, field_name: str, error_message: str) -> None:
            """Add an error to the form submission."""
            self.error_messages[field_name].append(error_message)

    class SignupForm(Form):
        """A simple signup form."""

        def clean(self) -> Dict[str, Any]:
            cleaned_data = super().clean()
            # Emit the event to allow handlers to weigh in on cleaned data.
            signup_submitted = events.emit_event(SignupFormSubmitted, cleaned_data=cleaned_data)
            cleaned_data = signup_submitted.cleaned_data
            error_messages = signup_submitted.error_messages
            # Add errors to the form.
            for field_name, messages in error_messages.items():
                for message in messages:
                    self.add_error(field_name, message)
            return cleaned_data

    @events.handle_event(SignupFormSubmitted)
    def validate_email(event: SignupFormSubmitted) -> None:
        """Validate that the email address is owned by the company."""
        if not event.cleaned_data["email"].endswith("@mycompany.com"):
            event.add_error("email", "Must be a company email.")

    @events.handle_event(SignupFormSubmitted)
    def validate_password(event: SignupFormSubmitted) -> None:
        """Validate that the password meets the minimum complexity requirements."""
        if len(event.cleaned_data["password"]) < 8:
            event.add_error("password", "Must be at least 8 characters.")

    form = SignupForm({"email": "me@elsewhere.org", "password": "short"})
    assert not form.is_valid()
    assert form.errors == {
        "email": ["Must be a company email."],
        "password": ["Must be at least 8 characters."],
    }
    assert SignupForm({"email": "me@mycompany.com", "password": "long enough"}).is_valid()


def test_an_event_without_attributes_is_emitted() -> None:
    class CustomEvent(events.Event):
        pass

    event = events.emit_event(CustomEvent)
    assert type(event) is CustomEvent


def test_keywords_become_attributes() -> None:
    class CustomEvent(events.Event):
        argument: str

    assert events.emit_event(CustomEvent, argument="hello world!").argument == "hello world!"


def test_a_keyword_that_is_no_attribute_is_a_type_error() -> None:
    class CustomEvent(events.Event):
        argument: str

    with pytest.raises(TypeError, match=r"CustomEvent has no attribute 'argumnet'.*argument"):
        events.emit_event(CustomEvent, argumnet="hello world!")


def test_the_emitter_gets_the_event_as_handlers_left_it(capsys: pytest.CaptureFixture[str]) -> None:
    class CustomEvent(events.Event):
        argument: str

    @events.handle_event(CustomEvent)
    def handle_custom_event(event: CustomEvent) -> None:
        print(event.argument)
        event.argument = "hello new world!"

    custom_event = events.emit_event(CustomEvent, argument="hello world!")
    print(custom_event.argument)
    assert capsys.readouterr().out.splitlines() == ["hello world!", "hello new world!"]


def test_a_handler_with_an_origin_hears_only_that_origin(capsys: pytest.CaptureFixture[str]) -> None:
    class CustomEvent(events.Event):
        argument: str

    def custom_action_one() -> None:
        custom_event = events.emit_event(CustomEvent, origin=custom_action_one, argument="hello world!")
        print(custom_event.argument)

    def custom_action_two() -> None:
        custom_event = events.emit_event(CustomEvent, origin=custom_action_two, argument="hello world!")
        print(custom_event.argument)

    @events.handle_event(CustomEvent, origin=custom_action_one)
    def handle_custom_action_one(event: CustomEvent) -> None:
        print(event.argument)
        event.argument = "hello new world!"

    custom_action_one()
    assert capsys.readouterr().out.splitlines() == ["hello world!", "hello new world!"]
    custom_action_two()
    # Nobody handles this one: its emitter prints what it has given itself.
    assert capsys.readouterr().out.splitlines() == ["hello world!"]


class Setting:
    """A record as the example has it: any class will do as the origin."""

    def __init__(self, key: str, value: str, sensitive: bool) -> None:
        self.key = key
        self.value = value
        self.sensitive = sensitive


@pytest.mark.parametrize("sensitive", [False, True])
def test_a_change_of_a_setting_is_logged(sensitive: bool) -> None:
    logged: List[Tuple[str, Any, Any]] = []

    @events.handle_event(events.PostRecordUpdate, origin=Setting)
    def handle_setting_change(event: events.PostRecordUpdate[Setting]) -> None:
        """Log a message when a setting changes."""
        setting = event.record
        diff = event.diff
        # If the value wasn't changed, noop.
        if "value" not in diff:
            return
        # Get the old and new values from the diff.
        old_value, new_value = diff["value"]
        # Redact sensitive values.
        if setting.sensitive:
            old_value, new_value = "[REDACTED]", "[REDACTED]"
        logged.append((setting.key, old_value, new_value))

    setting = Setting("port", "81", sensitive)
    events.emit_event(events.PostRecordUpdate, origin=Setting, record=setting, diff={"value": ("80", "81")})
    events.emit_event(events.PostRecordUpdate, origin=Setting, record=setting, diff={"key": ("a", "port")})
    events.emit_event(events.PostRecordUpdate, origin=Form, record=None, diff={"value": (1, 2)})
    assert logged == [("port", "[REDACTED]", "[REDACTED]") if sensitive else ("port", "80", "81")]


@pytest.mark.parametrize(
    "name",
    [
        "PreRecordCreate",
        "PostRecordCreate",
        "PreRecordUpdate",
        "PostRecordUpdate",
        "PreRecordDelete",
        "PostRecordDelete",
    ],
)
def test_the_events_of_records_may_be_parameterised_wherever_a_class_is_given(name: str) -> None:
    event_class = getattr(events, name)
    parameterised = event_class[Setting]
    heard: List[Any] = []
    events.handle_event(parameterised)(heard.append)
    emitted = events.emit_event(parameterised, record="a record")
    assert type(emitted) is event_class
    assert emitted.origin is Setting
    events.emit_event(event_class, origin=Setting, record="another")
    events.emit_event(event_class, origin=Form, record="of another class")
    events.emit_event(event_class, record="of none")
    assert [event.record for event in heard] == ["a record", "another"]

    class Narrower(parameterised):  # type: ignore[misc, valid-type]
        reason: str

    assert events.emit_event(Narrower, origin=Setting, record="third", reason="why").reason == "why"
    assert heard[-1].record == "third"
    assert events.unhandle_event(heard.append, parameterised)
    assert not events.unhandle_event(heard.append, event_class, origin=Setting)


def test_the_parameter_of_a_record_event_is_its_origin_or_a_mistake() -> None:
    heard: List[Any] = []
    for anything in (events.PostRecordUpdate[Any], events.PostRecordUpdate[TypeVar("T")]):  # type: ignore[misc]
        events.handle_event(anything)(heard.append)
    events.emit_event(events.PostRecordUpdate, origin=Form, record="x", diff={})
    assert len(heard) == 1
    events.handle_event(events.PostRecordUpdate[Setting], origin=Setting)(heard.append)
    with pytest.raises(EventUseError, match=r"PostRecordUpdate\[Setting\] has that class as its origin"):
        events.handle_event(events.PostRecordUpdate[Setting], origin=Form)
    with pytest.raises(EventUseError, match=r"takes the class of the records itself, and not str"):
        events.handle_event(events.PostRecordUpdate["Setting"])


def test_the_parameter_of_another_event_is_for_type_checkers_alone() -> None:
    class Said(events.Event, Generic[T]):
        what: str

    heard: List[Any] = []
    events.handle_event(Said[str])(heard.append)
    events.emit_event(Said, what="a")
    events.emit_event(Said[int], origin="b", what="b")
    assert [event.origin for event in heard] == [None, "b"]


T = TypeVar("T")
