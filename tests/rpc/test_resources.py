"""Resource types are named after their messages, and references name such types."""

import importlib
from collections.abc import Iterator
from pathlib import Path

from google.api import resource_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor

PROTO = Path(__file__).parents[2] / "proto/assay/v1"
FILES = [importlib.import_module(f"assay.v1.{path.stem}_pb2").DESCRIPTOR for path in sorted(PROTO.glob("*.proto"))]
MESSAGES = [message for file in FILES for message in file.message_types_by_name.values()]
FIELDS = [field for message in MESSAGES for field in message.fields]


def resources() -> Iterator[tuple[Descriptor, resource_pb2.ResourceDescriptor]]:
    for message in MESSAGES:
        if message.GetOptions().HasExtension(resource_pb2.resource):
            yield message, message.GetOptions().Extensions[resource_pb2.resource]


def reference(field: FieldDescriptor) -> str:
    found = field.GetOptions().Extensions[resource_pb2.resource_reference]
    return str(found.type or found.child_type)


def test_a_type_is_named_after_its_message() -> None:
    named = {resource.type: (message.name, resource.singular) for message, resource in resources()}
    assert named == {f"assay.dev/{name}": (name, name[0].lower() + name[1:]) for name, _ in named.values()}
    assert len(named) == 9


def test_references_name_a_type_that_there_is() -> None:
    types = {"", "*", *(resource.type for _, resource in resources())}
    assert {field.full_name: reference(field) for field in FIELDS if reference(field) not in types} == {}


def test_fields_that_hold_a_resource_name_say_of_what() -> None:
    holds = {"name", "parent", "post", "posts", "claim", "case", "policy", "subject", "about"}
    texts = [field for field in FIELDS if field.name in holds and field.type == FieldDescriptor.TYPE_STRING]
    own = {f"{message.full_name}.name" for message, _ in resources()}
    unsaid = {field.full_name for field in texts if not reference(field)} - own
    assert unsaid == {"assay.v1.Signal.name", "assay.v1.PolicyDifference.subject"}  # of no resource
