// libbreath_gpu: the C ABI of include/breath_gpu.h over the lanes of sha256.cu.
//
// Built by scripts/build_gpu.py with nvcc, or with a C++17 host compiler: the same library without a
// GPU, for tests.
#include "breath_gpu.h"

#include <chrono>
#include <map>
#include <mutex>

#include "breath_lanes.h"

#if defined(_WIN32)
#define BREATH_EXPORT extern "C" __declspec(dllexport)
#else
#define BREATH_EXPORT extern "C" __attribute__((visibility("default")))
#endif

namespace {

using namespace breath;

constexpr uint64_t SMALLEST_WINDOW = 64 * 1024, LARGEST_WINDOW = 1024 * 1024 * 1024, USUAL_WINDOW = 64 * 1024 * 1024;
// Messages of a one-shot batch whose states are on the device together.
constexpr size_t GROUP = 1024 * 1024;
// A longer message is not copied directly: as one lane of one launch it would hold up all others.
constexpr uint64_t DIRECT_SHARE = 64;

thread_local std::string last_error;

int failed(int status, std::string words) {
    last_error = std::move(words);
    return status;
}

}  // namespace

struct breath_gpu {
    explicit breath_gpu(uint64_t window) : name(device_name()), pipeline(window), lanes(pipeline) {}

    std::mutex turn;
    std::string name;
    Pipeline pipeline;
    Lanes lanes;
    std::map<const uint8_t *, std::pair<uint64_t, std::unique_ptr<PinnedBlock>>> pinned;
    bool broken = false;
};

namespace {

// Runs `work` under the context's lock and turns what it throws into a status. `computes` says that
// a failure leaves states on the device that nobody knows.
template <class Work> int guarded(breath_gpu *gpu, bool computes, Work work) {
    if (gpu == nullptr) return failed(BREATH_GPU_ARGUMENT, "the context is NULL");
    try {
        const std::lock_guard<std::mutex> lock(gpu->turn);
        if (gpu->broken) return failed(BREATH_GPU_DEVICE, "the context failed before");
        try {
            use_device();
            return work();
        } catch (...) {
            gpu->broken = computes;
            throw;
        }
    } catch (const Failure &failure) {
        return failed(failure.status, failure.words);
    } catch (const std::bad_alloc &) {
        return failed(BREATH_GPU_MEMORY, "too little memory on the host");
    } catch (const std::exception &error) {
        return failed(BREATH_GPU_DEVICE, error.what());
    }
}

int no_lane(uint64_t lane) { return failed(BREATH_GPU_NO_LANE, "lane " + std::to_string(lane) + " is not open"); }

// Whether the items ascend, dense, within one pinned block, and none is long.
bool lie_in_pinned_memory(const breath_gpu &gpu, const std::vector<Item> &items) {
    auto block = gpu.pinned.upper_bound(items.front().data);
    if (block == gpu.pinned.begin()) return false;
    --block;
    const uint8_t *end = items.front().data;
    uint64_t bytes = 0;
    for (const Item &item : items) {
        if (item.data < end || item.left > gpu.pipeline.window() / DIRECT_SHARE) return false;
        end = item.data + item.left;
        bytes += item.left;
    }
    const uint64_t span = end - items.front().data;
    return end <= block->first + block->second.first && span / 2 <= bytes;
}

void digest_group(breath_gpu &gpu, std::vector<Item> items, uint8_t *digests) {
    const size_t count = items.size();
    const DeviceBlock states(count * BREATH_GPU_DIGEST_SIZE);
    try {
        if (lie_in_pinned_memory(gpu, items)) {
            gpu.pipeline.direct(items, gpu.pipeline.window() / DIRECT_SHARE, states.as<uint32_t>());
        } else {
            gpu.pipeline.staged(std::move(items), states.as<uint32_t>());
        }
        gpu.pipeline.read(states.as<uint32_t>(), count, digests);
    } catch (...) {
        gpu.pipeline.wait();  // Launches that are under way still write into the states.
        throw;
    }
}

// Seconds to hash `repeat` windows full of messages that lie on the device.
double resident(Pipeline &pipeline, uint64_t message, uint32_t repeat, uint64_t *bytes) {
    pipeline.wait();
    Slot &slot = pipeline.slot();
    const uint64_t apart = padded(message);
    const uint32_t count = static_cast<uint32_t>(std::min(pipeline.window() / apart, pipeline.window() / 256));
    const DeviceBlock states(count * size_t{BREATH_GPU_DIGEST_SIZE});
    BreathSlice *slices = slot.slices_host.as<BreathSlice>();
    for (uint32_t lane = 0; lane < count; ++lane) {
        slices[lane] = {lane * apart, message, static_cast<uint32_t>(message), lane, BREATH_FIRST | BREATH_LAST, 0};
    }
    slot.stream.clear(slot.device.bytes(), pipeline.window());
    slot.stream.to_device(slot.slices_device.bytes(), slices, count * sizeof(BreathSlice));
    slot.stream.launch(slot.device.bytes(), slot.slices_device.bytes(), count, states.as<uint32_t>());
    slot.stream.wait();
    const auto began = std::chrono::steady_clock::now();
    for (uint32_t round = 0; round < repeat; ++round) {
        slot.stream.launch(slot.device.bytes(), slot.slices_device.bytes(), count, states.as<uint32_t>());
    }
    slot.stream.wait();
    *bytes = count * message;
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
}

double copied(Pipeline &pipeline, uint32_t repeat, uint64_t *bytes) {
    pipeline.copy_window();
    pipeline.wait();
    const auto began = std::chrono::steady_clock::now();
    for (uint32_t round = 0; round < repeat; ++round) pipeline.copy_window();
    pipeline.wait();
    *bytes = pipeline.window();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
}

}  // namespace

BREATH_EXPORT uint32_t breath_gpu_version(void) { return BREATH_GPU_ABI; }

BREATH_EXPORT const char *breath_gpu_message(int status) {
    switch (status) {
        case BREATH_GPU_OK: return "done";
        case BREATH_GPU_ARGUMENT: return "an argument is NULL or out of range";
        case BREATH_GPU_NO_DEVICE: return "there is no usable GPU or no driver for it";
        case BREATH_GPU_MEMORY: return "too little memory";
        case BREATH_GPU_NO_LANE: return "the lane is not open";
        case BREATH_GPU_DEVICE: return "the device or its driver failed";
        default: return "unknown status";
    }
}

BREATH_EXPORT const char *breath_gpu_last_error(void) { return last_error.c_str(); }

BREATH_EXPORT int breath_gpu_init(uint64_t window, breath_gpu **gpu) {
    if (gpu == nullptr) return failed(BREATH_GPU_ARGUMENT, "gpu is NULL");
    *gpu = nullptr;
    const uint64_t wanted = window == 0 ? USUAL_WINDOW : (window + SMALLEST_WINDOW - 1) / SMALLEST_WINDOW * SMALLEST_WINDOW;
    if (window > LARGEST_WINDOW || (window != 0 && window < SMALLEST_WINDOW)) {
        return failed(BREATH_GPU_ARGUMENT, "a window has from 64 KiB to 1 GiB");
    }
    try {
        use_device();
        *gpu = new breath_gpu(wanted);
        return BREATH_GPU_OK;
    } catch (const Failure &failure) {
        return failed(failure.status, failure.words);
    } catch (const std::exception &) {
        return failed(BREATH_GPU_MEMORY, "too little memory on the host");
    }
}

BREATH_EXPORT void breath_gpu_destroy(breath_gpu *gpu) { delete gpu; }

BREATH_EXPORT const char *breath_gpu_device(const breath_gpu *gpu) { return gpu == nullptr ? "" : gpu->name.c_str(); }

BREATH_EXPORT int breath_gpu_digests(
    breath_gpu *gpu, const void *const *messages, const uint64_t *sizes, size_t count, uint8_t *digests) {
    return guarded(gpu, false, [&] {
        if (count != 0 && (messages == nullptr || sizes == nullptr || digests == nullptr)) {
            return failed(BREATH_GPU_ARGUMENT, "messages, sizes or digests is NULL");
        }
        for (size_t place = 0; place < count; ++place) {
            if (messages[place] == nullptr && sizes[place] != 0) return failed(BREATH_GPU_ARGUMENT, "a message is NULL");
        }
        for (size_t first = 0; first < count; first += GROUP) {
            std::vector<Item> items;
            const size_t last = std::min(count, first + GROUP);
            items.reserve(last - first);
            for (size_t place = first; place < last; ++place) {
                const auto data = static_cast<const uint8_t *>(messages[place]);
                const auto state = static_cast<uint32_t>(place - first);
                items.push_back({data, sizes[place], sizes[place], state, BREATH_FIRST | BREATH_LAST});
            }
            digest_group(*gpu, std::move(items), digests + first * BREATH_GPU_DIGEST_SIZE);
        }
        return static_cast<int>(BREATH_GPU_OK);
    });
}

BREATH_EXPORT int breath_gpu_open(breath_gpu *gpu, uint64_t *lane) {
    return guarded(gpu, false, [&] {
        if (lane == nullptr) return failed(BREATH_GPU_ARGUMENT, "lane is NULL");
        *lane = gpu->lanes.open();
        return static_cast<int>(BREATH_GPU_OK);
    });
}

BREATH_EXPORT int breath_gpu_update(breath_gpu *gpu, uint64_t lane, const void *data, uint64_t size) {
    return guarded(gpu, true, [&] {
        if (!gpu->lanes.is_open(lane)) return no_lane(lane);
        if (data == nullptr && size != 0) return failed(BREATH_GPU_ARGUMENT, "data is NULL");
        gpu->lanes.update(lane, static_cast<const uint8_t *>(data), size);
        return static_cast<int>(BREATH_GPU_OK);
    });
}

BREATH_EXPORT int breath_gpu_finish(breath_gpu *gpu, uint64_t lane, uint8_t *digest) {
    return guarded(gpu, true, [&] {
        if (!gpu->lanes.is_open(lane)) return no_lane(lane);
        if (digest == nullptr) return failed(BREATH_GPU_ARGUMENT, "digest is NULL");
        gpu->lanes.finish(lane, digest);
        return static_cast<int>(BREATH_GPU_OK);
    });
}

BREATH_EXPORT int breath_gpu_abandon(breath_gpu *gpu, uint64_t lane) {
    return guarded(gpu, false, [&] {
        if (!gpu->lanes.is_open(lane)) return no_lane(lane);
        gpu->lanes.abandon(lane);
        return static_cast<int>(BREATH_GPU_OK);
    });
}

BREATH_EXPORT int breath_gpu_allocate(breath_gpu *gpu, uint64_t size, void **memory) {
    return guarded(gpu, false, [&] {
        if (memory == nullptr || size == 0) return failed(BREATH_GPU_ARGUMENT, "memory is NULL or size is 0");
        auto block = std::make_unique<PinnedBlock>(size);
        uint8_t *const bytes = block->bytes();
        gpu->pinned.emplace(bytes, std::make_pair(size, std::move(block)));
        *memory = bytes;
        return static_cast<int>(BREATH_GPU_OK);
    });
}

BREATH_EXPORT int breath_gpu_free(breath_gpu *gpu, void *memory) {
    return guarded(gpu, false, [&] {
        if (gpu->pinned.erase(static_cast<uint8_t *>(memory)) == 0) {
            return failed(BREATH_GPU_ARGUMENT, "memory is not from breath_gpu_allocate");
        }
        return static_cast<int>(BREATH_GPU_OK);
    });
}

BREATH_EXPORT int breath_gpu_measure(
    breath_gpu *gpu, int what, uint64_t message, uint32_t repeat, uint64_t *bytes, double *seconds) {
    return guarded(gpu, false, [&] {
        if (bytes == nullptr || seconds == nullptr || repeat == 0) {
            return failed(BREATH_GPU_ARGUMENT, "bytes or seconds is NULL or repeat is 0");
        }
        if (what == BREATH_GPU_COPY) {
            *seconds = copied(gpu->pipeline, repeat, bytes);
        } else if (what == BREATH_GPU_RESIDENT && message >= 64 && message <= gpu->pipeline.window()) {
            *seconds = resident(gpu->pipeline, message, repeat, bytes);
        } else {
            return failed(BREATH_GPU_ARGUMENT, "no such measurement");
        }
        return static_cast<int>(BREATH_GPU_OK);
    });
}
