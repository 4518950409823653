#!/usr/bin/env python3
"""Colorizes an image through Autochrome's C interface, with only Python's own ctypes.

    python3 examples/python/colorize.py target/release/libautochrome.so gray.pgm color.ppm

Reads 8-bit binary PGM (P5) or PPM (P6), writes PPM. The structs below are those of autochrome.h.
"""
import ctypes as c
import re
import sys

OK, GRAY8, RGB8, ABI_MAJOR = 0, 3, 2, 1


class Image(c.Structure):
    _fields_ = [("struct_size", c.c_uint32), ("format", c.c_uint32), ("width", c.c_uint32),
                ("height", c.c_uint32), ("stride", c.c_ssize_t), ("data", c.c_void_p)]


class Params(c.Structure):
    _fields_ = [("struct_size", c.c_uint32), ("working_size", c.c_uint32), ("strength", c.c_float),
                ("temperature", c.c_float), ("threads", c.c_uint32), ("reserved", c.c_uint32),
                ("model", c.c_char_p), ("device", c.c_char_p)]


Progress = c.CFUNCTYPE(c.c_int32, c.c_float, c.c_void_p)
Pointer = c.c_void_p


class Api(c.Structure):
    # Functions this program does not call are left as plain pointers.
    _fields_ = [("struct_size", c.c_uint32), ("abi_major", c.c_uint32), ("abi_minor", c.c_uint32),
                ("reserved", c.c_uint32),
                ("version", c.CFUNCTYPE(c.c_char_p)),
                ("status_name", c.CFUNCTYPE(c.c_char_p, c.c_int32)),
                ("last_error", c.CFUNCTYPE(c.c_char_p, Pointer)),
                ("params_init", c.CFUNCTYPE(c.c_int32, c.POINTER(Params))),
                ("session_new", c.CFUNCTYPE(c.c_int32, Pointer, c.POINTER(Pointer))),
                ("session_free", c.CFUNCTYPE(None, Pointer)),
                ("colorize", c.CFUNCTYPE(c.c_int32, Pointer, c.POINTER(Params), c.POINTER(Image),
                                         c.POINTER(Image), Progress, Pointer)),
                ("session_info", Pointer), ("model_list_new", Pointer), ("model_list_len", Pointer),
                ("model_list_get", Pointer), ("model_list_free", Pointer)]


def load(path):
    library = c.CDLL(path)
    library.autochrome_api.restype = c.POINTER(Api)
    library.autochrome_api.argtypes = [c.c_uint32]
    table = library.autochrome_api(ABI_MAJOR)
    if not table or table.contents.struct_size < c.sizeof(Api):
        sys.exit(f"{path} has another version")
    return table.contents


def read_picture(path):
    with open(path, "rb") as file:
        data = file.read()
    header = re.match(rb"P([56])(?:\s+|#[^\n]*\n)+(\d+)(?:\s+|#[^\n]*\n)+(\d+)(?:\s+|#[^\n]*\n)+255\s", data)
    if not header:
        sys.exit(f"{path} is not an 8-bit binary PGM or PPM")
    width, height = int(header[2]), int(header[3])
    samples = 3 if header[1] == b"6" else 1
    pixels = data[header.end():]
    if len(pixels) < width * height * samples:
        sys.exit(f"{path} ends too early")
    return width, height, samples, c.create_string_buffer(pixels, len(pixels))


def picture(format, width, height, samples, pixels):
    return Image(c.sizeof(Image), format, width, height, width * samples, c.addressof(pixels))


def show(fraction, _user_data):
    """The progress callback: anything but 0 cancels."""
    print(f"\r{100 * fraction:3.0f}%", end="", file=sys.stderr)
    return 0


def main():
    if len(sys.argv) != 4:
        sys.exit("expected LIBRARY IN.pgm OUT.ppm")
    api = load(sys.argv[1])
    width, height, samples, pixels = read_picture(sys.argv[2])
    colors = c.create_string_buffer(width * height * 3)
    source = picture(GRAY8 if samples == 1 else RGB8, width, height, samples, pixels)
    target = picture(RGB8, width, height, 3, colors)
    params = Params(struct_size=c.sizeof(Params))
    session = Pointer()
    if api.params_init(params) != OK or api.session_new(None, session) != OK:
        sys.exit(api.last_error(None).decode())
    progress = Progress(show)  # kept in a variable: it must outlive the call
    status = api.colorize(session, params, source, target, progress, None)
    print(file=sys.stderr)
    if status != OK:
        sys.exit(f"{api.status_name(status).decode()}: {api.last_error(session).decode()}")
    with open(sys.argv[3], "wb") as file:
        file.write(b"P6\n%d %d\n255\n" % (width, height) + colors.raw)
    api.session_free(session)


if __name__ == "__main__":
    main()
