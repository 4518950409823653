/*
 * One call in, one status out: libjpeg's fatal errors jump (longjmp) between frames of this file and the library
 * only, so none ever passes through Rust.
 */

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

#include "decode.h"

/* Scans of a progressive file; encoders write about ten, and each costs a pass over the picture. */
#define MOST_SCANS 200

struct decoder {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    struct autochrome_jpeg *about;
    jmp_buf out;
    int status;
    int started;
};

static int status_of(int code) {
    switch (code) {
    case JERR_OUT_OF_MEMORY:
    case JERR_NO_BACKING_STORE:
        return MEMORY;
    case JERR_BAD_PRECISION:
    case JERR_SOF_UNSUPPORTED:
    case JERR_COMPONENT_COUNT:
    case JERR_CONVERSION_NOTIMPL:
    case JERR_FRACT_SAMPLE_NOTIMPL:
    case JERR_CCIR601_NOTIMPL:
    case JERR_NOT_COMPILED:
    case JERR_ARITH_NOTIMPL:
        return UNSUPPORTED;
    case JERR_INPUT_EOF:
    case JERR_INPUT_EMPTY:
        return TRUNCATED;
    default:
        return DAMAGED;
    }
}

static void on_error(j_common_ptr jpeg) {
    struct decoder *decoder = (struct decoder *)jpeg->client_data;
    char text[JMSG_LENGTH_MAX];
    (*jpeg->err->format_message)(jpeg, text);
    snprintf(decoder->about->message, sizeof decoder->about->message, "%s", text);
    decoder->status = status_of(jpeg->err->msg_code);
    longjmp(decoder->out, 1);
}

static int is_guess(int code) {
    switch (code) {
    case JWRN_ARITH_BAD_CODE:
    case JWRN_BOGUS_PROGRESSION:
    case JWRN_EXTRANEOUS_DATA:
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_JPEG_EOF:
    case JWRN_MUST_RESYNC:
    case JWRN_NOT_SEQUENTIAL:
        return 1;
    default:
        return 0;
    }
}

static void on_message(j_common_ptr jpeg, int level) {
    struct decoder *decoder = (struct decoder *)jpeg->client_data;
    if (level >= 0 || !decoder->started || !is_guess(jpeg->err->msg_code))
        return;
    if (jpeg->err->msg_code == JWRN_JPEG_EOF) {
        decoder->status = TRUNCATED;
        longjmp(decoder->out, 1);
    }
    decoder->about->guesses++;
}

static void on_output(j_common_ptr jpeg) {
    (void)jpeg;
}

static void on_progress(j_common_ptr jpeg) {
    struct decoder *decoder = (struct decoder *)jpeg->client_data;
    if (decoder->jpeg.input_scan_number > MOST_SCANS) {
        decoder->status = SCANS;
        longjmp(decoder->out, 1);
    }
}

/* The frame that fatal errors jump back to is the caller's. */
static void begin(struct decoder *decoder, const unsigned char *bytes, size_t length, int transform) {
    jpeg_create_decompress(&decoder->jpeg);
    decoder->jpeg.progress = &decoder->progress;
    jpeg_mem_src(&decoder->jpeg, bytes, length);
    jpeg_read_header(&decoder->jpeg, TRUE);
    if (transform == NONE && decoder->jpeg.num_components == 3)
        decoder->jpeg.jpeg_color_space = JCS_RGB;
    if (transform == NONE && decoder->jpeg.num_components == 4)
        decoder->jpeg.jpeg_color_space = JCS_CMYK;
    if (transform == FROM_YCBCR && decoder->jpeg.num_components == 3)
        decoder->jpeg.jpeg_color_space = JCS_YCbCr;
    decoder->about->width = decoder->jpeg.image_width;
    decoder->about->height = decoder->jpeg.image_height;
    switch (decoder->jpeg.jpeg_color_space) {
    case JCS_GRAYSCALE:
        decoder->about->color = GRAY;
        decoder->jpeg.out_color_space = JCS_GRAYSCALE;
        break;
    case JCS_CMYK:
    case JCS_YCCK:
        decoder->about->color = CMYK;
        decoder->jpeg.out_color_space = JCS_CMYK;
        break;
    default:
        decoder->about->color = RGB;
        decoder->jpeg.out_color_space = JCS_RGB;
    }
}

static void prepare(struct decoder *decoder, struct autochrome_jpeg *about) {
    memset(decoder, 0, sizeof *decoder);
    memset(about, 0, sizeof *about);
    decoder->about = about;
    decoder->jpeg.err = jpeg_std_error(&decoder->errors);
    decoder->jpeg.client_data = decoder;
    decoder->errors.error_exit = on_error;
    decoder->errors.emit_message = on_message;
    decoder->errors.output_message = on_output;
    decoder->progress.progress_monitor = on_progress;
}

/* Errors jump back here. What they change is not a variable of this function, whose values the jump would leave
   indeterminate. */
static void header(struct decoder *decoder, const unsigned char *bytes, size_t length) {
    if (setjmp(decoder->out) == 0)
        begin(decoder, bytes, length, GUESS);
}

int autochrome_jpeg_header(const unsigned char *bytes, size_t length, struct autochrome_jpeg *about) {
    struct decoder decoder;
    prepare(&decoder, about);
    header(&decoder, bytes, length);
    jpeg_destroy_decompress(&decoder.jpeg);
    return decoder.status;
}

static void decode(struct decoder *decoder, unsigned char *pixels, size_t size) {
    struct jpeg_decompress_struct *jpeg = &decoder->jpeg;
    decoder->started = 1;
    jpeg_start_decompress(jpeg);
    size_t row = (size_t)jpeg->output_width * (size_t)jpeg->output_components;
    if (row * jpeg->output_height != size) {
        decoder->status = DAMAGED;
        return;
    }
    while (jpeg->output_scanline < jpeg->output_height) {
        JSAMPROW at = pixels + row * jpeg->output_scanline;
        jpeg_read_scanlines(jpeg, &at, 1);
    }
    /* To the end marker, so that what is left over is noticed. */
    jpeg_finish_decompress(jpeg);
}

/* As header. */
static void pixels_of(struct decoder *decoder, const unsigned char *bytes, size_t length, int transform,
                      unsigned char *pixels, size_t size, size_t memory) {
    if (setjmp(decoder->out) == 0) {
        begin(decoder, bytes, length, transform);
        decoder->jpeg.mem->max_memory_to_use = (long)memory;
        decode(decoder, pixels, size);
    }
}

int autochrome_jpeg_pixels(const unsigned char *bytes, size_t length, int transform, unsigned char *pixels,
                           size_t size, size_t memory, struct autochrome_jpeg *about) {
    struct decoder decoder;
    prepare(&decoder, about);
    pixels_of(&decoder, bytes, length, transform, pixels, size, memory);
    jpeg_destroy_decompress(&decoder.jpeg);
    return decoder.status;
}
