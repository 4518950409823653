/* What every test host does first: load the library, get the table. Valid C11 and C++17. */
#ifndef HOST_H
#define HOST_H

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "autochrome.h"

static const AutochromeApi *load(const char *path) {
    AutochromeApiFn get_api = NULL;
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    void *symbol = library ? dlsym(library, AUTOCHROME_API_SYMBOL) : NULL;
    if (!symbol) {
        fprintf(stderr, "%s\n", dlerror());
        exit(2);
    }
    memcpy(&get_api, &symbol, sizeof get_api);
    const AutochromeApi *api = get_api(AUTOCHROME_ABI_MAJOR);
    if (!api || api->struct_size < sizeof(AutochromeApi)) {
        fprintf(stderr, "%s is of another version\n", path);
        exit(2);
    }
    if (get_api(AUTOCHROME_ABI_MAJOR + 1)) {
        fprintf(stderr, "%s claims a major version it cannot know\n", path);
        exit(2);
    }
    return api;
}

/* A session that searches one folder before the usual ones. */
static AutochromeSession *session_in(const AutochromeApi *api, const char *folder) {
    AutochromeConfig config;
    AutochromeSession *session = NULL;
    config.struct_size = sizeof config;
    config.models_dir_count = 1;
    config.models_dirs = &folder;
    if (api->session_new(&config, &session) != AUTOCHROME_OK) {
        fprintf(stderr, "%s\n", api->last_error(NULL));
        exit(1);
    }
    return session;
}

static AutochromeImage picture(AutochromeFormat format, uint32_t width, uint32_t height, ptrdiff_t stride,
                               void *data) {
    AutochromeImage image;
    image.struct_size = sizeof image;
    image.format = format;
    image.width = width;
    image.height = height;
    image.stride = stride;
    image.data = data;
    return image;
}

#endif
