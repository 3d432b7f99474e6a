"""Protobuf bodies with texts that are no UTF-8, which some languages send and which every parser refuses whole.

The same messages with `bytes` for every `string` can be parsed; with the texts mended they are the sender's message.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

Change = Callable[[DescriptorProto], None]
File = Any  # a FileDescriptor; the stubs know two unrelated classes of that name


def mended(body: bytes, kind: type[Message]) -> bytes:
    """`body`, a message of `kind`, with U+FFFD for what is no UTF-8. Raises DecodeError when it is no such message."""
    message = twin(kind, _without_texts)()
    message.ParseFromString(body)
    _mend(message)
    return message.SerializeToString()


def twin(kind: type[Message], change: Change) -> type[Message]:
    """`kind` with other types of fields: `change` is called for each message that it is made of, but nested ones."""
    return _twin(kind.DESCRIPTOR.full_name, kind.DESCRIPTOR.file, change)


@cache
def _twin(full_name: str, file: File, change: Change) -> type[Message]:
    pool = DescriptorPool()
    _add_file(file, pool, change, set())
    return GetMessageClass(pool.FindMessageTypeByName(full_name))


def _add_file(file: File, pool: DescriptorPool, change: Change, added: set[str]) -> None:
    if file.name in added:
        return
    added.add(file.name)
    for needed in file.dependencies:
        _add_file(needed, pool, change, added)
    copy = FileDescriptorProto()
    file.CopyToProto(copy)
    for message in copy.message_type:
        change(message)
    pool.Add(copy)


def _without_texts(message: DescriptorProto) -> None:
    for field in message.field:
        if field.type == FieldDescriptorProto.TYPE_STRING:
            field.type = FieldDescriptorProto.TYPE_BYTES
    for nested in message.nested_type:
        _without_texts(nested)


def _mend(message: Message) -> None:
    """Every `bytes` field, real ones aside: those are ids and blobs, told by the name of their field."""
    for field, value in message.ListFields():
        if field.type == FieldDescriptor.TYPE_MESSAGE:
            for below in value if field.is_repeated else [value]:
                _mend(below)
        elif field.type == FieldDescriptor.TYPE_BYTES and not field.is_repeated and not _is_blob(field.name):
            setattr(message, field.name, value.decode("utf-8", "replace").encode())


def _is_blob(name: str) -> bool:
    return name in ("trace_id", "span_id", "parent_span_id", "bytes_value")
