// A C++ host under load: `threads`, `sessions` or `panic`. Prints only what is wrong.
#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include <malloc.h>

#include "host.h"

namespace {

constexpr uint32_t kSide = 96;

struct Result {
    AutochromeStatus status;
    std::vector<uint8_t> pixels;
};

Result colorize(const AutochromeApi *api, AutochromeSession *session, uint32_t seed) {
    std::vector<uint8_t> gray(kSide * kSide), rgb(gray.size() * 3);
    for (size_t i = 0; i < gray.size(); i++) gray[i] = static_cast<uint8_t>((i * (seed + 1)) % 251);
    AutochromeImage in = picture(AUTOCHROME_FORMAT_GRAY8, kSide, kSide, kSide, gray.data());
    AutochromeImage out = picture(AUTOCHROME_FORMAT_RGB8, kSide, kSide, kSide * 3, rgb.data());
    AutochromeParams params{};  // zeros are valid too, in case params_init is made to fail
    params.struct_size = sizeof params;
    api->params_init(&params);
    params.threads = 1;
    params.device = "cpu";
    AutochromeStatus status = api->colorize(session, &params, &in, &out, nullptr, nullptr);
    return {status, rgb};
}

// Eight threads with a session each get the same result as one thread alone.
int threads(const AutochromeApi *api, const char *models) {
    std::vector<std::thread> running;
    std::atomic<int> wrong{0};
    AutochromeSession *alone = session_in(api, models);
    std::vector<Result> expected;
    for (uint32_t seed = 0; seed < 8; seed++) expected.push_back(colorize(api, alone, seed));
    api->session_free(alone);
    for (uint32_t seed = 0; seed < 8; seed++) {
        running.emplace_back([&, seed] {
            AutochromeSession *session = session_in(api, models);
            for (int round = 0; round < 3; round++) {
                Result got = colorize(api, session, seed);
                if (got.status != AUTOCHROME_OK || got.pixels != expected[seed].pixels) {
                    fprintf(stderr, "thread %u: %s\n", seed, api->last_error(session));
                    wrong++;
                }
            }
            api->session_free(session);
        });
    }
    for (std::thread &thread : running) thread.join();
    return wrong;
}

// Memory of this process, in kilobytes.
long resident() {
    long pages = 0, total = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%ld %ld", &total, &pages) != 2) exit(2);
    fclose(file);
    return pages * 4;
}

long trimmed() {
    malloc_trim(0);
    return resident();
}

// A thousand sessions, with an image in every twentieth, leak no memory.
int sessions(const AutochromeApi *api, const char *models) {
    long early = 0;
    for (int i = 0; i < 1000; i++) {
        AutochromeSession *session = session_in(api, models);
        if (i % 20 == 0 && colorize(api, session, 1).status != AUTOCHROME_OK) {
            fprintf(stderr, "session %d: %s\n", i, api->last_error(session));
            return 1;
        }
        api->session_free(session);
        // What libtorch keeps for good is allocated in the first tenth; what the allocator caches is not a leak.
        if (i == 99) early = trimmed();
    }
    long grown = trimmed() - early;
    fprintf(stderr, "%ld kB after 100 sessions, %ld kB more after 1,000\n", early, grown);
    return grown > 4 * 1024;
}

// AUTOCHROME_TEST_PANIC names a function: each is called, one reports its panic, and the process continues.
int panic(const AutochromeApi *api, const char *models) {
    AutochromeConfig config = {sizeof config, 1, &models};
    AutochromeSession *session = nullptr;
    AutochromeModelList *list = nullptr;
    AutochromeParams params;
    AutochromeSessionInfo info;
    AutochromeModelInfo model;
    params.struct_size = sizeof params;
    info.struct_size = sizeof info;
    model.struct_size = sizeof model;
    auto say = [&](const char *name, AutochromeStatus status, const AutochromeSession *whose) {
        printf("%s %s\n", name, api->status_name(status));
        if (status >= AUTOCHROME_INTERNAL_PANIC) printf("    %s\n", api->last_error(whose));
    };
    printf("version %s\n", *api->version() ? "given" : "empty");
    printf("status_name %s\n", api->status_name(AUTOCHROME_OK));
    say("params_init", api->params_init(&params), nullptr);
    say("session_new", api->session_new(&config, &session), nullptr);
    say("colorize", colorize(api, session, 1).status, session);
    say("colorize", colorize(api, session, 1).status, session);
    say("confidence", api->confidence(session, nullptr, nullptr, nullptr, nullptr, nullptr), session);
    say("session_info", api->session_info(session, &info), session);
    say("model_list_new", api->model_list_new(&config, &list), nullptr);
    printf("model_list_len %s\n", api->model_list_len(list) ? "some" : "none");
    say("model_list_get", api->model_list_get(list, 0, &model), nullptr);
    api->model_list_free(list);
    api->session_free(session);
    printf("alive\n");
    return 0;
}

}  // namespace

int main(int argc, char **argv) {
    if (argc != 4) return 2;
    const AutochromeApi *api = load(argv[1]);
    const std::string mode = argv[3];
    if (mode == "threads") return threads(api, argv[2]);
    if (mode == "sessions") return sessions(api, argv[2]);
    if (mode == "panic") return panic(api, argv[2]);
    return 2;
}
