"""Errors to statuses and back."""

import grpc
import pytest
from google.rpc import status_pb2

from service import errors
from service.rpc.status import error_of, status_of, trailers


def tree(kind: type[errors.AssayError] = errors.AssayError) -> list[type[errors.AssayError]]:
    return [kind, *(found for child in kind.__subclasses__() for found in tree(child))]


def example(kind: type[errors.AssayError]) -> errors.AssayError:
    if issubclass(kind, errors.InvalidInput):
        return kind("post.text", "is bad; very; bad", "mend it; or not")
    return kind("it went wrong", 1.25) if issubclass(kind, errors.Overloaded) else kind("it went wrong")


@pytest.mark.parametrize("kind", [kind for kind in tree() if kind.__module__ == errors.__name__])
def test_every_error_comes_back_as_itself(kind: type[errors.AssayError]) -> None:
    sent = example(kind)
    got = error_of(status_pb2.Status.FromString(status_of(sent).SerializeToString()))
    if kind is errors.AssayError:
        assert str(got) == str(sent)
        return
    expected = errors.InvalidInput if kind is errors.PolicyInvalid else kind
    assert type(got) is expected
    assert {**vars(got), "line": 0} == {**vars(sent), "line": 0}


def test_status_of_another_service_names_its_code() -> None:
    error = error_of(status_pb2.Status(code=grpc.StatusCode.ABORTED.value[0], message="proxy says no"))
    assert str(error) == "ABORTED: proxy says no"


def test_trailers_fit_into_headers() -> None:
    error = errors.InvalidInput("post.name", "x" * 100_000, "shorten it")
    assert sum(len(value) for _, value in trailers(status_of(error))) < 8_000
    assert len(status_of(error).message) <= 400
