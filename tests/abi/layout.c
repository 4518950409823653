/* Prints this compiler's layout of the header; the suite compares it with Rust's. */
#include "host.h"

#define NUMBER(name) printf(#name " %d\n", (int)(name))
#define TYPE(type) printf(#type " size %zu align %zu\n", sizeof(type), ALIGN(type))
#define FIELD(type, field) printf(#type "." #field " at %zu\n", offsetof(type, field))
#ifdef __cplusplus
#define ALIGN(type) alignof(type)
#else
#define ALIGN(type) _Alignof(type)
#endif

static void numbers(void) {
    NUMBER(AUTOCHROME_ABI_MAJOR);
    NUMBER(AUTOCHROME_ABI_MINOR);
    NUMBER(AUTOCHROME_OK);
    NUMBER(AUTOCHROME_NULL_ARGUMENT);
    NUMBER(AUTOCHROME_BAD_STRUCT_SIZE);
    NUMBER(AUTOCHROME_BAD_IMAGE);
    NUMBER(AUTOCHROME_BAD_PARAMETER);
    NUMBER(AUTOCHROME_BAD_STRING);
    NUMBER(AUTOCHROME_CANCELLED);
    NUMBER(AUTOCHROME_SESSION_BUSY);
    NUMBER(AUTOCHROME_BAD_HANDLE);
    NUMBER(AUTOCHROME_MODEL_NOT_FOUND);
    NUMBER(AUTOCHROME_MODEL_INVALID);
    NUMBER(AUTOCHROME_DEVICE_UNAVAILABLE);
    NUMBER(AUTOCHROME_OUT_OF_MEMORY);
    NUMBER(AUTOCHROME_INTERNAL_PANIC);
    NUMBER(AUTOCHROME_INTERNAL_ERROR);
    NUMBER(AUTOCHROME_FORMAT_RGBA8);
    NUMBER(AUTOCHROME_FORMAT_RGB8);
    NUMBER(AUTOCHROME_FORMAT_GRAY8);
    NUMBER(AUTOCHROME_FORMAT_RGBA16);
    NUMBER(AUTOCHROME_FORMAT_RGB16);
    NUMBER(AUTOCHROME_FORMAT_GRAY16);
    NUMBER(AUTOCHROME_FORMAT_RGBA_F32);
    NUMBER(AUTOCHROME_FORMAT_GRAY_F32);
}

static void structs(void) {
    TYPE(AutochromeImage);
    FIELD(AutochromeImage, struct_size);
    FIELD(AutochromeImage, format);
    FIELD(AutochromeImage, width);
    FIELD(AutochromeImage, height);
    FIELD(AutochromeImage, stride);
    FIELD(AutochromeImage, data);
    TYPE(AutochromeParams);
    FIELD(AutochromeParams, struct_size);
    FIELD(AutochromeParams, working_size);
    FIELD(AutochromeParams, strength);
    FIELD(AutochromeParams, temperature);
    FIELD(AutochromeParams, threads);
    FIELD(AutochromeParams, reserved);
    FIELD(AutochromeParams, model);
    FIELD(AutochromeParams, device);
    FIELD(AutochromeParams, hints);
    TYPE(AutochromeConfig);
    FIELD(AutochromeConfig, struct_size);
    FIELD(AutochromeConfig, models_dir_count);
    FIELD(AutochromeConfig, models_dirs);
    TYPE(AutochromeModelInfo);
    FIELD(AutochromeModelInfo, struct_size);
    FIELD(AutochromeModelInfo, usable);
    FIELD(AutochromeModelInfo, name);
    FIELD(AutochromeModelInfo, description);
    FIELD(AutochromeModelInfo, folder);
    FIELD(AutochromeModelInfo, license);
    FIELD(AutochromeModelInfo, problem);
    FIELD(AutochromeModelInfo, working_size);
    FIELD(AutochromeModelInfo, temperature);
    TYPE(AutochromeSessionInfo);
    FIELD(AutochromeSessionInfo, struct_size);
    FIELD(AutochromeSessionInfo, reserved);
    FIELD(AutochromeSessionInfo, model);
    FIELD(AutochromeSessionInfo, device);
    FIELD(AutochromeSessionInfo, fallback);
    TYPE(AutochromeApi);
    FIELD(AutochromeApi, struct_size);
    FIELD(AutochromeApi, abi_major);
    FIELD(AutochromeApi, abi_minor);
    FIELD(AutochromeApi, reserved);
    FIELD(AutochromeApi, version);
    FIELD(AutochromeApi, status_name);
    FIELD(AutochromeApi, last_error);
    FIELD(AutochromeApi, params_init);
    FIELD(AutochromeApi, session_new);
    FIELD(AutochromeApi, session_free);
    FIELD(AutochromeApi, colorize);
    FIELD(AutochromeApi, session_info);
    FIELD(AutochromeApi, model_list_new);
    FIELD(AutochromeApi, model_list_len);
    FIELD(AutochromeApi, model_list_get);
    FIELD(AutochromeApi, model_list_free);
    FIELD(AutochromeApi, confidence);
}

int main(int argc, char **argv) {
    if (argc != 2) return 2;
    const AutochromeApi *api = load(argv[1]);
    numbers();
    structs();
    /* What the library itself says about its table and statuses. */
    if (api->struct_size != sizeof *api || api->abi_major != AUTOCHROME_ABI_MAJOR) return 1;
    if (strcmp(api->status_name(AUTOCHROME_CANCELLED), "AUTOCHROME_CANCELLED")) return 1;
    if (strcmp(api->status_name(-7), "unknown")) return 1;
    (void)session_in;
    (void)picture;
    return 0;
}
