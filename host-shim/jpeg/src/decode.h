/* What Rust sees of the decoder: src/fence.rs declares the same. */

#include <stddef.h>

enum { DONE, DAMAGED, UNSUPPORTED, MEMORY, TRUNCATED, SCANS };

enum { GRAY, RGB, CMYK };

/* What is known of the stored colors from elsewhere. */
enum { GUESS, NONE, FROM_YCBCR };

/* No pointers into the decoder, no ownership: C fills it, Rust reads it. */
struct autochrome_jpeg {
    unsigned width;
    unsigned height;
    int color;
    /* How often the decoder had to guess. Where is not known: damage is decoded as something before it is noticed. */
    long guesses;
    /* The last message, ended by 0. */
    char message[200];
};

int autochrome_jpeg_header(const unsigned char *bytes, size_t length, struct autochrome_jpeg *about);
int autochrome_jpeg_pixels(const unsigned char *bytes, size_t length, int transform, unsigned char *pixels,
                           size_t size, size_t memory, struct autochrome_jpeg *about);
