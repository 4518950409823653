/*
 * Colorizes raw pixels: LIBRARY MODELS IN-FORMAT OUT-FORMAT WIDTH HEIGHT GAP FLIP < in > out
 *
 * Both images have GAP bytes between rows; FLIP 1 means bottom-up rows, FLIP 2 in place. The gaps are checked
 * to be untouched; pixels go in and out without gaps, top row first.
 */
#include "host.h"

static const size_t pixel_bytes[9] = {0, 4, 3, 1, 8, 6, 2, 16, 4};

struct rows {
    unsigned char *memory;
    size_t row, stride, height;
};

static struct rows make(size_t row, size_t height, size_t gap) {
    struct rows rows = {malloc((row + gap) * height), row, row + gap, height};
    if (!rows.memory) exit(2);
    memset(rows.memory, 0xa5, rows.stride * height);
    return rows;
}

static unsigned char *row_at(struct rows rows, size_t y, int flip) {
    return rows.memory + rows.stride * (flip == 1 ? rows.height - 1 - y : y);
}

static void check_gaps(struct rows rows) {
    for (size_t y = 0; y < rows.height; y++) {
        for (size_t x = rows.row; x < rows.stride; x++) {
            if (rows.memory[rows.stride * y + x] != 0xa5) {
                fprintf(stderr, "a byte between the rows was written\n");
                exit(1);
            }
        }
    }
}

int main(int argc, char **argv) {
    if (argc != 9) return 2;
    const AutochromeApi *api = load(argv[1]);
    AutochromeSession *session = session_in(api, argv[2]);
    AutochromeFormat in_format = (AutochromeFormat)atoi(argv[3]), out_format = (AutochromeFormat)atoi(argv[4]);
    uint32_t width = (uint32_t)atoi(argv[5]), height = (uint32_t)atoi(argv[6]);
    size_t gap = (size_t)atoi(argv[7]);
    int flip = atoi(argv[8]);
    struct rows in = make(width * pixel_bytes[in_format], height, gap);
    struct rows out = flip == 2 ? in : make(width * pixel_bytes[out_format], height, gap);
    for (size_t y = 0; y < height; y++) {
        if (fread(row_at(in, y, flip), 1, in.row, stdin) != in.row) return 2;
    }
    ptrdiff_t sign = flip == 1 ? -1 : 1;
    AutochromeImage source = picture(in_format, width, height, sign * (ptrdiff_t)in.stride, row_at(in, 0, flip));
    AutochromeImage target = picture(out_format, width, height, sign * (ptrdiff_t)out.stride, row_at(out, 0, flip));
    if (api->colorize(session, NULL, &source, &target, NULL, NULL) != AUTOCHROME_OK) {
        fprintf(stderr, "%s\n", api->last_error(session));
        return 1;
    }
    check_gaps(in);
    check_gaps(out);
    for (size_t y = 0; y < height; y++) fwrite(row_at(out, y, flip), 1, out.row, stdout);
    api->session_free(session);
    if (out.memory != in.memory) free(out.memory);
    free(in.memory);
    return 0;
}
