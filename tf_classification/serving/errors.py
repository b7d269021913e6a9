"""Refusals in TensorFlow Serving's words: a code, the HTTP status that goes with it, a text."""

from __future__ import annotations

HTTP_STATUS = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "OUT_OF_RANGE": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "ABORTED": 409,
    "RESOURCE_EXHAUSTED": 429,
    "CANCELLED": 499,
    "UNKNOWN": 500,
    "INTERNAL": 500,
    "DATA_LOSS": 500,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
    # Not of TensorFlow's codes: said by the HTTP server before a request is understood.
    "REQUEST_TIMEOUT": 408,
    "PAYLOAD_TOO_LARGE": 413,
    "UNSUPPORTED_MEDIA_TYPE": 415,
}


class RequestError(Exception):
    """A request that gets an error for an answer: a key of ``HTTP_STATUS``, and a text."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    @property
    def status(self) -> int:
        """The HTTP status."""
        return HTTP_STATUS[self.code]


class PictureError(RequestError):
    """A picture that cannot be read, by its number in what was asked, from 0."""

    def __init__(self, row: int, reason: str) -> None:
        super().__init__("INVALID_ARGUMENT", f"picture {row} cannot be read: {reason}")
        self.row = row
        self.reason = reason


def invalid(message: str) -> RequestError:
    """Make the refusal of a request that is wrong in itself."""
    return RequestError("INVALID_ARGUMENT", message)
