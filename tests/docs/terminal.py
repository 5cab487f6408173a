"""Runs what a page's console blocks show: `assay` and `grpcurl` in this process, all else in a shell.

A command may begin with variables, read a file (`<`), write one (`>`), or read what another prints (`|`); it may go
on after a backslash and end with a comment. What it says on standard error comes before what it prints.
"""

import contextlib
import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from assay.v1 import (  # noqa: F401 - their services are called by name
    appeal_service_pb2,
    claim_service_pb2,
    moderation_service_pb2,
    policy_service_pb2,
    review_service_pb2,
    transparency_service_pb2,
    verdict_service_pb2,
    webhook_service_pb2,
)
from google.protobuf import descriptor_pool, json_format, message_factory
from google.protobuf.message import Message

from tests.processes import assay_here, environment


def commands(text: str) -> Iterator[tuple[str, str]]:
    """Each command after a `$ `, and what is printed below it."""
    for shown in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        first, _, rest = re.sub(r"\\\n\s*", "", shown).partition("\n")
        yield first, rest


def run(command: str, directory: Path, **values: str) -> tuple[str, int]:
    """What the command says and prints, and its exit status."""
    words, stdin, target, variables = list(_words(command)), None, None, dict(values)
    if "|" in words:
        last = len(words) - 1 - words[::-1].index("|")
        stdin, status = run(shlex.join(words[:last]), directory, **values)
        assert status == 0, stdin
        words = words[last + 1 :]
    while re.fullmatch(r"[A-Z_]+=.*", words[0]):
        name, _, variables[name] = words.pop(0).partition("=")
    for sign in ("<", ">"):
        if sign in words:
            at = words.index(sign)
            name = words[at + 1]
            del words[at : at + 2]
            stdin, target = (Path(directory, name).read_text(), target) if sign == "<" else (stdin, name)
    with contextlib.chdir(directory):
        said, printed, status = _run(words, stdin, variables)
    if target:
        Path(directory, target).write_text(printed)
        printed = ""
    return said + printed, status


def _words(command: str) -> Iterator[str]:
    lexer = shlex.shlex(command, posix=True, punctuation_chars="|<>")
    lexer.whitespace_split = True
    lexer.commenters = "#"
    return iter(lexer)


def _run(words: list[str], stdin: str | None, variables: dict[str, str]) -> tuple[str, str, int]:
    if words[0] == "assay":
        done = assay_here(*words[1:], stdin=stdin, **variables)
    elif words[0] == "grpcurl":
        return "", grpcurl(*words[1:]), 0
    elif shutil.which(words[0]) is None:
        pytest.skip(f"{words[0]} is not installed")
    else:
        done = subprocess.run(
            words,
            env={**environment(**variables)},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    return done.stderr, done.stdout, done.returncode


def grpcurl(*arguments: str) -> str:
    """What grpcurl prints for `-plaintext -d JSON ADDRESS SERVICE/METHOD`, whether it is installed or not."""
    plaintext, _, body, address, method = arguments
    assert plaintext == "-plaintext"
    service, _, name = method.partition("/")
    found = descriptor_pool.Default().FindServiceByName(service).methods_by_name[name]
    request: Message = json_format.ParseDict(json.loads(body), message_factory.GetMessageClass(found.input_type)())
    response = message_factory.GetMessageClass(found.output_type)
    with grpc.insecure_channel(address) as channel:
        how = f"/{service}/{name}", type(request).SerializeToString, response.FromString
        if found.server_streaming:  # what comes first: the page shows no more
            answer = next(iter(channel.unary_stream(*how)(request, timeout=10)))
        else:
            answer = channel.unary_unary(*how)(request, timeout=10)
    return json_format.MessageToJson(answer) + "\n"
