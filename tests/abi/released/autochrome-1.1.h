/*
 * autochrome.h: color for gray photographs, behind a stable C interface.
 *
 * Made by cbindgen from the Rust sources; do not edit. Conventions: docs/abi.md.
 *
 * The library exports one function, autochrome_api. It returns a table of functions for the major version of
 * the interface that this header describes. A whole program, which colorizes a gray ramp:
 *
 *     #include <dlfcn.h>
 *     #include <stdio.h>
 *     #include <string.h>
 *     #include "autochrome.h"
 *
 *     int main(void) {
 *         void *library = dlopen("libautochrome.so", RTLD_NOW | RTLD_LOCAL);
 *         void *symbol = library ? dlsym(library, AUTOCHROME_API_SYMBOL) : NULL;
 *         AutochromeApiFn get_api = NULL;
 *         if (!symbol) { fprintf(stderr, "%s\n", dlerror()); return 1; }
 *         memcpy(&get_api, &symbol, sizeof get_api);  // ISO C knows no cast from data to function
 *         const AutochromeApi *api = get_api(AUTOCHROME_ABI_MAJOR);
 *         if (!api) { fprintf(stderr, "the library is of another major version\n"); return 1; }
 *
 *         AutochromeSession *session = NULL;
 *         if (api->session_new(NULL, &session) != AUTOCHROME_OK) {
 *             fprintf(stderr, "%s\n", api->last_error(NULL));
 *             return 1;
 *         }
 *         static uint8_t gray[256 * 256], rgb[256 * 256 * 3];
 *         for (size_t i = 0; i < sizeof gray; i++) gray[i] = (uint8_t)(i % 256);
 *
 *         AutochromeImage in, out;
 *         in.struct_size = out.struct_size = sizeof(AutochromeImage);
 *         in.width = out.width = 256;
 *         in.height = out.height = 256;
 *         in.format = AUTOCHROME_FORMAT_GRAY8;
 *         in.stride = 256;
 *         in.data = gray;
 *         out.format = AUTOCHROME_FORMAT_RGB8;
 *         out.stride = 256 * 3;
 *         out.data = rgb;
 *
 *         AutochromeParams params;
 *         params.struct_size = sizeof params;
 *         api->params_init(&params);
 *         params.strength = 1.2f;
 *         AutochromeStatus status = api->colorize(session, &params, &in, &out, NULL, NULL);
 *         if (status != AUTOCHROME_OK) {
 *             fprintf(stderr, "%s: %s\n", api->status_name(status), api->last_error(session));
 *         }
 *         api->session_free(session);
 *         return status != AUTOCHROME_OK;
 *     }
 *
 * Never unload the library: libtorch does not survive it.
 */

#ifndef AUTOCHROME_H
#define AUTOCHROME_H

#include <stddef.h>
#include <stdint.h>

/** Name of the one exported function, for dlsym. */
#define AUTOCHROME_API_SYMBOL "autochrome_api"


/**
 * Major version of the interface: a plugin and a host must agree on it.
 */
#define AUTOCHROME_ABI_MAJOR 1

/**
 * Minor version of the interface: raised when functions or fields are appended.
 */
#define AUTOCHROME_ABI_MINOR 1

/**
 * A list of models. A handle, as AutochromeSession is. It never changes and may be read from any thread.
 */
typedef struct AutochromeModelList AutochromeModelList;

/**
 * A session: models in memory, a device, the last error. A handle: compare it with NULL, never look through
 * it. One thread at a time; sessions in parallel. A handle that was freed, or that never was one, is
 * answered with AUTOCHROME_BAD_HANDLE.
 */
typedef struct AutochromeSession AutochromeSession;

/**
 * What a call came to: 0 is success, 1 to 99 the caller's doing, 100 to 199 the model's, 200 to 299 the
 * device's, 300 and up the library's own. Treat an unknown number by its range.
 */
typedef int32_t AutochromeStatus;

/**
 * How to colorize. Fill it with `params_init`, then change what you want changed.
 */
typedef struct AutochromeParams {
    /**
     * `sizeof(AutochromeParams)` as the host was compiled.
     */
    uint32_t struct_size;
    /**
     * Size the network works at: the picture's longer side there, in pixels. 0: the model's own; otherwise 32 to 2048.
     */
    uint32_t working_size;
    /**
     * Factor on chroma: 0 gray, 1 as predicted, up to 1.5.
     */
    float strength;
    /**
     * Temperature of the annealed mean: 0 the likeliest color (vivid), 1 the mean of all (muted).
     * Negative: the model's own. Models that predict a single color ignore it.
     */
    float temperature;
    /**
     * Threads to work on, 0 for all that the machine has, at most 1024.
     */
    uint32_t threads;
    /**
     * Must be 0.
     */
    uint32_t reserved;
    /**
     * Name of a model, NULL or empty for the default one.
     */
    const char *model;
    /**
     * `"auto"`, `"cpu"`, `"cuda"` or `"cuda:N"`; NULL or empty for `"auto"`.
     */
    const char *device;
} AutochromeParams;

/**
 * Where a session looks for models.
 */
typedef struct AutochromeConfig {
    /**
     * `sizeof(AutochromeConfig)` as the host was compiled.
     */
    uint32_t struct_size;
    /**
     * How many folders `models_dirs` names, at most 1024.
     */
    uint32_t models_dir_count;
    /**
     * Folders searched before the usual ones (see docs/models.md); may be NULL when the count is 0.
     */
    const char *const *models_dirs;
} AutochromeConfig;

/**
 * How the pixels of an image are stored. Color is sRGB-encoded, alpha straight (not premultiplied),
 * multi-byte samples are in the machine's byte order.
 */
typedef uint32_t AutochromeFormat;

/**
 * A picture in the caller's memory. The caller owns the pixels before, during and after every call; no byte
 * between or beyond the rows is read or written. At most 2^32 pixels.
 */
typedef struct AutochromeImage {
    /**
     * `sizeof(AutochromeImage)` as the host was compiled.
     */
    uint32_t struct_size;
    /**
     * One of the `AUTOCHROME_FORMAT_` values.
     */
    AutochromeFormat format;
    /**
     * Pixels in a row, at least 1.
     */
    uint32_t width;
    /**
     * Rows, at least 1.
     */
    uint32_t height;
    /**
     * Bytes from the start of a row to the start of the row below it. Negative where rows run bottom-up;
     * its size is at least a row's bytes. Rows need no alignment.
     */
    ptrdiff_t stride;
    /**
     * The first byte of the top row.
     */
    void *data;
} AutochromeImage;

/**
 * Told how far the work is: `fraction` rises from 0 to 1. Called only on the thread that called `colorize`,
 * at least ten times a call. It must not throw, must not leave by longjmp, and must not call into the
 * session (that is answered with AUTOCHROME_SESSION_BUSY). Return 0 to go on, anything else to cancel.
 */
typedef int32_t (*AutochromeProgress)(float fraction, void *user_data);

/**
 * What the session's last successful `colorize` used. The strings belong to the session and live until its
 * next call or its end.
 */
typedef struct AutochromeSessionInfo {
    /**
     * `sizeof(AutochromeSessionInfo)` as the host was compiled; the plugin fills no more than that.
     */
    uint32_t struct_size;
    /**
     * 0.
     */
    uint32_t reserved;
    /**
     * Name of the model; empty before the first success.
     */
    const char *model;
    /**
     * `"cpu"` or `"cuda:N"`; empty before the first success.
     */
    const char *device;
    /**
     * Why `"auto"` did not take a GPU; empty when it did, or when a device was named.
     */
    const char *fallback;
} AutochromeSessionInfo;

/**
 * What the plugin knows of a model folder. The strings belong to the list and live until it is freed.
 */
typedef struct AutochromeModelInfo {
    /**
     * `sizeof(AutochromeModelInfo)` as the host was compiled; the plugin fills no more than that.
     */
    uint32_t struct_size;
    /**
     * 1 if the model can be used, 0 if not (then `problem` says why).
     */
    uint32_t usable;
    /**
     * Its name, as `AutochromeParams::model` takes it. For an unreadable package, its folder's name.
     */
    const char *name;
    /**
     * One line for people; empty when not usable.
     */
    const char *description;
    /**
     * The folder it lies in.
     */
    const char *folder;
    /**
     * License of the weights; empty when not usable.
     */
    const char *license;
    /**
     * Why it cannot be used; empty when it can.
     */
    const char *problem;
    /**
     * Working size it was made for, in pixels; 0 when not usable.
     */
    uint32_t working_size;
    /**
     * Its own temperature; 0 when it has none or is not usable.
     */
    float temperature;
} AutochromeModelInfo;

/**
 * The function table. A function exists if and only if `struct_size` covers it; functions are only appended.
 *
 * No function keeps a pointer it was given after it returns, and none lets a panic or an exception out.
 * Pointers may not be NULL unless the function says so; one that is gets AUTOCHROME_NULL_ARGUMENT. No pointer
 * needs an alignment.
 */
typedef struct AutochromeApi {
    /**
     * Bytes of this table as the plugin was compiled.
     */
    uint32_t struct_size;
    /**
     * `AUTOCHROME_ABI_MAJOR` of the plugin.
     */
    uint32_t abi_major;
    /**
     * `AUTOCHROME_ABI_MINOR` of the plugin.
     */
    uint32_t abi_minor;
    /**
     * 0.
     */
    uint32_t reserved;
    /**
     * Version of the plugin, as `"0.1.0"`.
     *
     * Threads: any, at any time. Memory: static, never freed.
     */
    const char *(*version)(void);
    /**
     * Name of a status as in the header, as `"AUTOCHROME_OK"`; `"unknown"` for other numbers.
     *
     * Threads: any, at any time. Memory: static, never freed.
     */
    const char *(*status_name)(AutochromeStatus status);
    /**
     * What the last call that failed had to say: one line, what was expected, what came, what to do.
     * With a session, its last error; with NULL, the last error on this thread of the calls that had no
     * session to keep it: `params_init`, `session_new`, the list functions, and any call whose session was
     * NULL, freed or busy. A later success does not clear it. Empty when there was none, never NULL.
     *
     * Threads: with NULL any; a session's from the thread that uses it. Memory: the library's; lives until the
     * next call with that session, or for NULL until the next call on this thread.
     */
    const char *(*last_error)(const struct AutochromeSession *session);
    /**
     * Fills `params` (whose `struct_size` is set) with the defaults: strength 1, the model's own
     * temperature and working size, every thread, default model, device `"auto"`.
     *
     * Threads: any. Memory: `params` is the caller's; what it points to afterward is NULL.
     */
    AutochromeStatus (*params_init)(struct AutochromeParams *params);
    /**
     * Makes a session. `config` may be NULL. On failure `*session` is NULL and `last_error(NULL)` says why.
     * Loads no model yet: the first `colorize` does.
     *
     * Threads: any. Memory: the caller frees the session with `session_free`; `config` is copied.
     */
    AutochromeStatus (*session_new)(const struct AutochromeConfig *config,
                                    struct AutochromeSession **session);
    /**
     * Frees a session with its models; NULL is allowed, and a handle freed before is ignored.
     *
     * Threads: any; where a call still uses the session, its memory goes when that call returns. Memory: the
     * handle and every string the session gave are invalid from here on.
     */
    void (*session_free)(struct AutochromeSession *session);
    /**
     * Colorizes `input` into `output`: same width and height, `output` in a format with color. Lightness
     * and alpha are the input's; color in the input is read through its lightness. `output` may be the
     * very same picture as `input` (same data, stride and format), but may not overlap it otherwise.
     * `params` and `progress` may be NULL. After a status other than OK the output is undefined.
     *
     * Threads: one at a time for each session; it blocks until the work is done, and works on
     * `params->threads` threads of its own. Memory: pixels, `params` and its strings stay the caller's and
     * must not change during the call; the session keeps the model for the next call, and at most 16 MiB of what
     * the network said of this picture: the same picture again with another strength or temperature (same working
     * size, model and device) does not run the network again, so a preview can follow a slider.
     */
    AutochromeStatus (*colorize)(struct AutochromeSession *session,
                                 const struct AutochromeParams *params,
                                 const struct AutochromeImage *input,
                                 const struct AutochromeImage *output,
                                 AutochromeProgress progress,
                                 void *user_data);
    /**
     * What the last successful `colorize` used. `info->struct_size` is set by the caller.
     *
     * Threads: the one that uses the session. Memory: `info` is the caller's, its strings the session's; they
     * live until the next call with that session.
     */
    AutochromeStatus (*session_info)(const struct AutochromeSession *session,
                                     struct AutochromeSessionInfo *info);
    /**
     * Lists the models that a session with this `config` (may be NULL) would find, the default one first,
     * unusable ones last, with their reason. An empty list is a success. On failure `*list` is NULL and
     * `last_error(NULL)` says why.
     *
     * Threads: any. Memory: the caller frees the list with `model_list_free`; `config` is copied.
     */
    AutochromeStatus (*model_list_new)(const struct AutochromeConfig *config,
                                       struct AutochromeModelList **list);
    /**
     * How many models the list holds; 0 for NULL.
     *
     * Threads: any, also at once. Memory: none.
     */
    size_t (*model_list_len)(const struct AutochromeModelList *list);
    /**
     * Fills `info` (whose `struct_size` is set) with the model at `index`, from 0.
     *
     * Threads: any, also at once. Memory: `info` is the caller's, its strings the list's; they live until the
     * list is freed.
     */
    AutochromeStatus (*model_list_get)(const struct AutochromeModelList *list,
                                       size_t index,
                                       struct AutochromeModelInfo *info);
    /**
     * Frees a list and its strings; NULL is allowed, and a handle freed before is ignored.
     *
     * Threads: any. Memory: the handle and every string the list gave are invalid from here on.
     */
    void (*model_list_free)(struct AutochromeModelList *list);
    /**
     * Since 1.1. Writes to `output` how sure the model is of the colors that `colorize` gives `input` with the
     * same `params`: 0 (black) to 1 (white), linearly, the probability that the true color is within 25 units of
     * ab of the one shown. Same width and height, `output` in a format without color, and everything else as in
     * `colorize`; `strength` has no part in it. After `colorize` with the same picture it does not run the network
     * again. A model that predicts one color a pixel cannot say: AUTOCHROME_BAD_PARAMETER.
     *
     * Threads: as `colorize`. Memory: as `colorize`.
     */
    AutochromeStatus (*confidence)(struct AutochromeSession *session,
                                   const struct AutochromeParams *params,
                                   const struct AutochromeImage *input,
                                   const struct AutochromeImage *output,
                                   AutochromeProgress progress,
                                   void *user_data);
} AutochromeApi;

/**
 * Type of the one exported function, `autochrome_api`, for use with dlsym.
 */
typedef const struct AutochromeApi *(*AutochromeApiFn)(uint32_t abi_major);

/**
 * The call did what it says.
 */
#define AUTOCHROME_OK 0

/**
 * A pointer that must not be NULL was NULL.
 */
#define AUTOCHROME_NULL_ARGUMENT 1

/**
 * A struct's `struct_size` is smaller than version 1.0 of that struct.
 */
#define AUTOCHROME_BAD_STRUCT_SIZE 2

/**
 * An image's size, stride, format or memory cannot be right.
 */
#define AUTOCHROME_BAD_IMAGE 3

/**
 * A parameter is outside its range.
 */
#define AUTOCHROME_BAD_PARAMETER 4

/**
 * A string is not UTF-8.
 */
#define AUTOCHROME_BAD_STRING 5

/**
 * The progress callback asked to stop; the output image is undefined.
 */
#define AUTOCHROME_CANCELLED 6

/**
 * The session is in use by another call.
 */
#define AUTOCHROME_SESSION_BUSY 7

/**
 * A session or list is not one this library made, or was freed before.
 */
#define AUTOCHROME_BAD_HANDLE 8

/**
 * No model of that name, or no model at all, was found in the models folders.
 */
#define AUTOCHROME_MODEL_NOT_FOUND 100

/**
 * A model was found and refused.
 */
#define AUTOCHROME_MODEL_INVALID 101

/**
 * The device asked for is not there or cannot be used.
 */
#define AUTOCHROME_DEVICE_UNAVAILABLE 200

/**
 * The memory that the work needs was not to be had.
 */
#define AUTOCHROME_OUT_OF_MEMORY 201

/**
 * A defect in the library: it panicked, and the panic was caught at the boundary.
 */
#define AUTOCHROME_INTERNAL_PANIC 300

/**
 * A defect in the library or in libtorch: a step failed that cannot fail with checked inputs.
 */
#define AUTOCHROME_INTERNAL_ERROR 301

/**
 * Red, green, blue, alpha; 8 bits each.
 */
#define AUTOCHROME_FORMAT_RGBA8 1

/**
 * Red, green, blue; 8 bits each.
 */
#define AUTOCHROME_FORMAT_RGB8 2

/**
 * Gray, 8 bits. As an input only: a gray output could hold no color.
 */
#define AUTOCHROME_FORMAT_GRAY8 3

/**
 * Red, green, blue, alpha; 16 bits each.
 */
#define AUTOCHROME_FORMAT_RGBA16 4

/**
 * Red, green, blue; 16 bits each.
 */
#define AUTOCHROME_FORMAT_RGB16 5

/**
 * Gray, 16 bits. As an input only.
 */
#define AUTOCHROME_FORMAT_GRAY16 6

/**
 * Red, green, blue, alpha; 32-bit floats, 0..1 (values beyond are clamped, NaN reads as 0).
 */
#define AUTOCHROME_FORMAT_RGBA_F32 7

/**
 * Gray, 32-bit float, 0..1. As an input only.
 */
#define AUTOCHROME_FORMAT_GRAY_F32 8

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The table for this major version of the interface; NULL if this library does not have it.
 *
 * Threads: any, at any time. Memory: static, never freed; the library must stay loaded while the table or
 * anything it gave is in use, and unloading it is not supported.
 */
const struct AutochromeApi *autochrome_api(uint32_t abi_major);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* AUTOCHROME_H */
