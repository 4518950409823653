/* A host that lies: its output buffer is one pixel smaller than it says. A memory checker must catch the plugin's write. */
#include "host.h"

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    const AutochromeApi *api = load(argv[1]);
    AutochromeSession *session = session_in(api, argv[2]);
    unsigned char *gray = calloc(64, 64), *color = calloc(1, 64 * 64 * 3 - 3);
    AutochromeImage in = picture(AUTOCHROME_FORMAT_GRAY8, 64, 64, 64, gray);
    AutochromeImage out = picture(AUTOCHROME_FORMAT_RGB8, 64, 64, 64 * 3, color);
    AutochromeStatus status = api->colorize(session, NULL, &in, &out, NULL, NULL);
    api->session_free(session);
    free(gray);
    free(color);
    return status == AUTOCHROME_OK ? 0 : 1;
}
