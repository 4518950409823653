/* Every way to misuse the library, with its answer: one line per case. */
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "host.h"

static const AutochromeApi *api;
static AutochromeSession *session;
static unsigned char in_pixels[64 * 64], out_pixels[64 * 64 * 4], hint_pixels[64 * 64 * 4];

static void say(const char *what, AutochromeStatus status, const AutochromeSession *whose) {
    printf("%s\n    %s: %s\n", what, api->status_name(status), status ? api->last_error(whose) : "");
}

/* One call with a field changed: `CASE(label, change)` starts from valid arguments. */
#define CASE(label, ...)                                                                                      \
    do {                                                                                                      \
        AutochromeImage in = picture(AUTOCHROME_FORMAT_GRAY8, 64, 64, 64, in_pixels);                         \
        AutochromeImage out = picture(AUTOCHROME_FORMAT_RGB8, 64, 64, 64 * 3, out_pixels);                    \
        AutochromeImage hints = picture(AUTOCHROME_FORMAT_RGBA8, 64, 64, 64 * 4, hint_pixels);                \
        AutochromeParams params;                                                                              \
        const AutochromeParams *p = &params;                                                                  \
        const AutochromeImage *i = &in, *o = &out;                                                            \
        params.struct_size = sizeof params;                                                                   \
        api->params_init(&params);                                                                            \
        params.device = "cpu";                                                                                \
        __VA_ARGS__;                                                                                          \
        say(label, api->colorize(session, p, i, o, NULL, NULL), session);                                     \
        (void)p;                                                                                              \
        (void)i;                                                                                              \
        (void)o;                                                                                              \
        (void)hints;                                                                                          \
    } while (0)

static void pointers(void) {
    AutochromeModelList *list = NULL;
    AutochromeSession *none = NULL;
    AutochromeModelInfo info;
    puts("# NULL");
    say("params_init(NULL)", api->params_init(NULL), NULL);
    say("session_new(NULL, NULL)", api->session_new(NULL, NULL), NULL);
    say("session_info(session, NULL)", api->session_info(session, NULL), session);
    say("session_info(NULL, NULL)", api->session_info(NULL, NULL), NULL);
    say("model_list_new(NULL, NULL)", api->model_list_new(NULL, NULL), NULL);
    info.struct_size = sizeof info;
    say("model_list_get(NULL)", api->model_list_get(NULL, 0, &info), NULL);
    printf("model_list_len(NULL) %zu\n", api->model_list_len(NULL));
    api->session_free(NULL);
    api->model_list_free(NULL);
    say("colorize(NULL session)", api->colorize(NULL, NULL, NULL, NULL, NULL, NULL), NULL);
    CASE("input NULL", i = NULL);
    CASE("output NULL", o = NULL);
    CASE("input data NULL", in.data = NULL);
    CASE("output data NULL", out.data = NULL);
    CASE("params NULL is allowed", p = NULL);

    puts("# handles");
    if (api->session_new(NULL, &none) != AUTOCHROME_OK) exit(1);
    api->session_free(none);
    api->session_free(none);
    say("a freed session", api->colorize(none, NULL, NULL, NULL, NULL, NULL), none);
    if (api->model_list_new(NULL, &list) != AUTOCHROME_OK) exit(1);
    say("a list as a session", api->session_info((AutochromeSession *)list, NULL), NULL);
    say("past the end of a list", api->model_list_get(list, 1u << 20, &info), NULL);
    api->model_list_free(list);
    api->model_list_free(list);
    say("a freed list", api->model_list_get(list, 0, &info), NULL);
    none = session;
    say("no session", api->session_new((const AutochromeConfig *)&(uint32_t){0}, &none), NULL);
    printf("the handle is %s\n", none ? "stale" : "NULL");
}

static void sizes(void) {
    AutochromeParams params;
    AutochromeConfig config = {sizeof config, 0, NULL};
    AutochromeSession *none = NULL;
    const char *folders[2] = {"/nowhere", NULL};
    puts("# struct_size");
    params.struct_size = 0;
    say("params_init, 0", api->params_init(&params), NULL);
    params.struct_size = offsetof(AutochromeParams, hints) - 1;
    say("params_init, one short", api->params_init(&params), NULL);
    params.struct_size = 0xcdcdcdcd;
    say("params_init, never set", api->params_init(&params), NULL);
    CASE("input, 0", in.struct_size = 0);
    CASE("output, one short", out.struct_size -= 1);
    CASE("params, one short", params.struct_size = offsetof(AutochromeParams, hints) - 1);
    CASE("params of a host that knows no hints", params.struct_size = offsetof(AutochromeParams, hints);
         params.hints = (const AutochromeImage *)16);
    CASE("params with part of a pointer", params.struct_size = sizeof params - 1;
         params.hints = (const AutochromeImage *)16);

    puts("# config");
    config.models_dir_count = 3;
    say("folders NULL", api->session_new(&config, &none), NULL);
    config.models_dirs = folders;
    config.models_dir_count = 2;
    say("a folder NULL", api->session_new(&config, &none), NULL);
    config.models_dir_count = 2000000;
    say("too many folders", api->session_new(&config, &none), NULL);
    folders[0] = "\xff\xfe";
    config.models_dir_count = 1;
    say("a folder not UTF-8", api->model_list_new(&config, (AutochromeModelList **)&none), NULL);
}

static void images(void) {
    puts("# images");
    CASE("format 0", in.format = 0);
    CASE("format 99", out.format = 99);
    CASE("gray output", out.format = AUTOCHROME_FORMAT_GRAY8);
    CASE("no columns", in.width = 0);
    CASE("no rows", out.height = 0);
    CASE("too many pixels", in.width = in.height = 0xffffffff; in.stride = PTRDIFF_MAX);
    CASE("sizes differ", out.width = 63);
    CASE("stride 0", in.stride = 0);
    CASE("stride short by one", in.stride = 63);
    CASE("stride short and negative", out.stride = -(64 * 3 - 1));
    CASE("stride beyond memory", in.stride = PTRDIFF_MAX);
    CASE("stride the minimum value", in.stride = PTRDIFF_MIN);
    CASE("stride before memory", in.stride = -((ptrdiff_t)1 << 60));
    CASE("overlap by rows", in.data = out_pixels + 64);
    CASE("overlap, another format", in.data = out_pixels);
}

static void confidence(void) {
    AutochromeImage in = picture(AUTOCHROME_FORMAT_GRAY8, 64, 64, 64, in_pixels);
    AutochromeImage map = picture(AUTOCHROME_FORMAT_GRAY16, 64, 64, 64 * 2, out_pixels);
    AutochromeImage color = picture(AUTOCHROME_FORMAT_RGB8, 64, 64, 64 * 3, out_pixels);
    puts("# confidence");
    say("no session", api->confidence(NULL, NULL, &in, &map, NULL, NULL), NULL);
    say("output NULL", api->confidence(session, NULL, &in, NULL, NULL, NULL), session);
    say("output with color", api->confidence(session, NULL, &in, &color, NULL, NULL), session);
    say("a gray map is right", api->confidence(session, NULL, &in, &map, NULL, NULL), session);
}

static void parameters(void) {
    puts("# params");
    CASE("strength below", params.strength = -0.1f);
    CASE("strength beyond", params.strength = 1.6f);
    CASE("strength NaN", params.strength = NAN);
    CASE("temperature beyond", params.temperature = 1.5f);
    CASE("temperature NaN", params.temperature = NAN);
    CASE("working size below", params.working_size = 31);
    CASE("working size beyond", params.working_size = 2049);
    CASE("threads beyond", params.threads = 1025);
    CASE("threads -1", params.threads = (uint32_t)-1);
    CASE("reserved", params.reserved = 1);
    CASE("hints, none drawn", params.hints = &hints);
    CASE("hints of another size", params.hints = &hints; hints.width = 32);
    CASE("hints without alpha", params.hints = &hints; hints.format = AUTOCHROME_FORMAT_RGB8);
    CASE("hints data NULL", params.hints = &hints; hints.data = NULL);
    CASE("hints struct_size never set", params.hints = &hints; hints.struct_size = 0);
    CASE("hints in the output's memory", params.hints = &hints; hints.data = out_pixels);
    memset(hint_pixels, 255, sizeof hint_pixels);
    CASE("hints everywhere", params.hints = &hints);
    CASE("device unknown", params.device = "tpu");
    CASE("device not there", params.device = "cuda:99");
    CASE("model missing", params.model = "no-such-model");
    CASE("model not UTF-8", params.model = "\xc3");
    CASE("model broken", params.model = "broken");
    CASE("model and device empty are the defaults", params.model = ""; params.device = "");
}

static int cancel_at_half(float fraction, void *calls) {
    ++*(int *)calls;
    return fraction >= 0.5f;
}

static AutochromeStatus reentered;
static int reenter(float fraction, void *out) {
    (void)fraction;
    reentered = api->colorize(session, NULL, (AutochromeImage *)out, (AutochromeImage *)out, NULL, NULL);
    return 1;
}

static void progress(void) {
    AutochromeImage in = picture(AUTOCHROME_FORMAT_GRAY8, 64, 64, 64, in_pixels);
    AutochromeImage out = picture(AUTOCHROME_FORMAT_RGB8, 64, 64, 64 * 3, out_pixels);
    int calls = 0;
    puts("# progress");
    say("cancelled at half", api->colorize(session, NULL, &in, &out, cancel_at_half, &calls), session);
    printf("asked before: %s\n", calls > 0 ? "yes" : "no");
    say("called from the callback, outside", api->colorize(session, NULL, &in, &out, reenter, &out), session);
    say("called from the callback, inside", reentered, NULL);
    CASE("and the session still works", (void)0);
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    api = load(argv[1]);
    session = session_in(api, argv[2]);
    pointers();
    sizes();
    images();
    confidence();
    parameters();
    progress();
    api->session_free(session);
    return 0;
}
