"""zstd frames: content size stated, and decompression bounded by what the reader expects."""

from __future__ import annotations

import sys

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

LEVEL = 3
_WINDOW_LOG_MAX = 27  # zstd's own default: up to 128 MiB of window, which no frame of ours comes near


class FrameError(ValueError):
    """The bytes are not one whole zstd frame of the expected size."""


def compress(data: bytes) -> bytes:
    """Return one frame that states the size of its content."""
    options: dict[int, int] = {
        zstd.CompressionParameter.compression_level: LEVEL,
        zstd.CompressionParameter.content_size_flag: 1,
        zstd.CompressionParameter.checksum_flag: 1,
    }
    return zstd.compress(data, options=options)


def decompress(frame: bytes, size: int) -> bytes:
    """Return the content, which must be ``size`` bytes; never takes more memory than that, whatever the frame claims."""
    options: dict[int, int] = {zstd.DecompressionParameter.window_log_max: _WINDOW_LOG_MAX}
    reader = zstd.ZstdDecompressor(options=options)
    try:
        data = reader.decompress(frame, max_length=size + 1)
    except (zstd.ZstdError, EOFError) as error:
        raise FrameError(f"it is not a whole zstd frame ({error})") from None
    if len(data) != size or not reader.eof:
        raise FrameError(f"it does not hold the {size} bytes that it should")
    if reader.unused_data:
        raise FrameError("something follows the end of its frame")
    return data
