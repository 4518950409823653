/*
 * Colorizes an image through Autochrome's C interface.
 *
 *     cc -std=c11 -I plugin/include examples/c/colorize.c -o colorize -ldl
 *     ./colorize target/release/libautochrome.so gray.pgm color.ppm
 *
 * Reads 8-bit binary PGM (P5) or PPM (P6), writes PPM; any image tool reads and writes them.
 */
#include <ctype.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "autochrome.h"

static void fail(const char *what, const char *why) {
    fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

/* Reads a number of the header, skipping spaces and comments before it. */
static uint32_t number(FILE *file, const char *path) {
    unsigned value = 0;
    int c = fgetc(file);
    while (isspace(c) || c == '#') {
        if (c == '#') {
            while (c != '\n' && c != EOF) c = fgetc(file);
        } else {
            c = fgetc(file);
        }
    }
    ungetc(c, file);
    if (fscanf(file, "%u", &value) != 1 || value == 0 || value > 65535) fail(path, "not a PGM or PPM of 8 bits");
    return value;
}

static AutochromeImage read_picture(const char *path) {
    AutochromeImage image = {sizeof image, AUTOCHROME_FORMAT_GRAY8, 0, 0, 0, NULL};
    FILE *file = fopen(path, "rb");
    if (!file) fail(path, "cannot be opened");
    if (fgetc(file) != 'P') fail(path, "not a PGM or PPM");
    int kind = fgetc(file);
    if (kind != '5' && kind != '6') fail(path, "not a binary PGM or PPM");
    image.format = kind == '6' ? AUTOCHROME_FORMAT_RGB8 : AUTOCHROME_FORMAT_GRAY8;
    image.width = number(file, path);
    image.height = number(file, path);
    if (number(file, path) != 255) fail(path, "not of 8 bits");
    fgetc(file); /* the one white space before the pixels */
    image.stride = (ptrdiff_t)image.width * (kind == '6' ? 3 : 1);
    size_t bytes = (size_t)image.stride * image.height;
    image.data = malloc(bytes);
    if (!image.data || fread(image.data, 1, bytes, file) != bytes) fail(path, "ends too early");
    fclose(file);
    return image;
}

static void write_picture(const char *path, const AutochromeImage *image) {
    FILE *file = fopen(path, "wb");
    if (!file) fail(path, "cannot be written");
    fprintf(file, "P6\n%u %u\n255\n", image->width, image->height);
    fwrite(image->data, (size_t)image->stride, image->height, file);
    if (fclose(file)) fail(path, "cannot be written");
}

/* The progress callback: return anything but 0 to cancel. */
static int32_t show(float fraction, void *user_data) {
    (void)user_data;
    fprintf(stderr, "\r%3.0f%%", 100 * fraction);
    return 0;
}

int main(int argc, char **argv) {
    if (argc != 4) fail(argv[0], "expected LIBRARY IN.pgm OUT.ppm");

    void *library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    void *symbol = library ? dlsym(library, AUTOCHROME_API_SYMBOL) : NULL;
    if (!symbol) fail("cannot load the library", dlerror());
    AutochromeApiFn get_api = NULL;
    memcpy(&get_api, &symbol, sizeof get_api);
    const AutochromeApi *api = get_api(AUTOCHROME_ABI_MAJOR);
    if (!api) fail(argv[1], "has another major version");

    AutochromeImage in = read_picture(argv[2]), out = in;
    out.format = AUTOCHROME_FORMAT_RGB8;
    out.stride = (ptrdiff_t)in.width * 3;
    out.data = malloc((size_t)out.stride * out.height);
    if (!out.data) fail(argv[2], "is too large");

    AutochromeSession *session = NULL;
    if (api->session_new(NULL, &session) != AUTOCHROME_OK) fail("session_new", api->last_error(NULL));
    AutochromeParams params = {0};
    params.struct_size = sizeof params;
    if (api->params_init(&params) != AUTOCHROME_OK) fail("params_init", api->last_error(NULL));
    AutochromeStatus status = api->colorize(session, &params, &in, &out, show, NULL);
    fputc('\n', stderr);
    if (status != AUTOCHROME_OK) fail(api->status_name(status), api->last_error(session));
    write_picture(argv[3], &out);

    api->session_free(session);
    free(out.data);
    free(in.data);
    return 0;
}
