"""Bodies that were compressed for the way: ``Content-Encoding: gzip``, as TensorFlow Serving does.

A gzip file ends with the length of what is in it, so a bomb is refused before it is inflated; one
that lies about its length is inflated no further than it says.

Source: RFC 1952, 2.3.1 (ISIZE).
"""

from __future__ import annotations

import struct
import zlib

from tf_classification.serving.errors import RequestError, invalid

_GZIP = zlib.MAX_WBITS | 16
_MAGIC = b"\x1f\x8b"
_ISIZE = struct.Struct("<I")


def check(encoding: str) -> bool:
    """Tell whether a body with this ``Content-Encoding`` is to be inflated.

    Raises:
        RequestError: if it is compressed otherwise than by gzip.
    """
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return False
    if name not in ("gzip", "x-gzip"):
        text = f"Content-Encoding {encoding[:50]!r} is not supported; gzip and none are"
        raise RequestError("UNSUPPORTED_MEDIA_TYPE", text)
    return True


def inflate(body: bytes | bytearray, limit: int) -> bytes:
    """Inflate a gzip body.

    Args:
        body: one gzip member.
        limit: most bytes it may become.

    Raises:
        RequestError: if it is none, is cut short, or would be larger.
    """
    if len(body) < _ISIZE.size or body[:2] != _MAGIC:
        raise invalid("the body is no gzip data")
    (size,) = _ISIZE.unpack(body[-_ISIZE.size :])
    if size > limit:
        raise RequestError("PAYLOAD_TOO_LARGE", f"a request may have {limit:,} bytes at most")
    inflater = zlib.decompressobj(_GZIP)
    try:
        # One byte more shows whether there is more; zlib checks the length once it has all.
        inflated = inflater.decompress(body, size + 1)
    except zlib.error as error:
        raise invalid(f"the body is no gzip data: {error}") from None
    if not inflater.eof or len(inflated) != size or inflater.unused_data:
        raise invalid("the body is no gzip data: it is not as long as it says")
    return inflated
