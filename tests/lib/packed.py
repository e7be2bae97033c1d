"""Bodies as clients pack them: gzip, deflate, zstd (through the library that the
gateway is linked with, for Python has none)."""
import ctypes
import zlib


def zstd(data):
    lib = ctypes.CDLL("libzstd.so.1")
    for name in ("ZSTD_compressBound", "ZSTD_compress"):
        getattr(lib, name).restype = ctypes.c_size_t
    room = lib.ZSTD_compressBound(ctypes.c_size_t(len(data)))
    out = ctypes.create_string_buffer(room)
    size = lib.ZSTD_compress(out, ctypes.c_size_t(room), data,
                             ctypes.c_size_t(len(data)), 3)
    return out.raw[:size]


def pack(how, data):
    """how: an encoding; "gzip cut" is the first half of it, "deflate bare" has
    no header; what nobody knows stays as it is."""
    encoding, _, more = how.partition(" ")
    if encoding == "gzip":
        z = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
        data = z.compress(data) + z.flush()
    elif encoding == "deflate":
        bare = -zlib.MAX_WBITS if more == "bare" else zlib.MAX_WBITS
        z = zlib.compressobj(9, zlib.DEFLATED, bare)
        data = z.compress(data) + z.flush()
    elif encoding == "zstd":
        data = zstd(data)
    return data[:len(data) // 2] if more == "cut" else data
