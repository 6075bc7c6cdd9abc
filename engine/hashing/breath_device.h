// Memory, streams and launches: CUDA's under nvcc, the host's own elsewhere.
#ifndef BREATH_DEVICE_H
#define BREATH_DEVICE_H

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>

#include "breath_gpu.h"
#include "sha256.cu"

namespace breath {

struct Failure {
    int status;
    std::string words;
};

#if defined(__CUDACC__)

inline void check(cudaError_t error, const char *what) {
    if (error == cudaSuccess) return;
    const int status = error == cudaErrorMemoryAllocation ? BREATH_GPU_MEMORY
        : error == cudaErrorNoDevice || error == cudaErrorInsufficientDriver ? BREATH_GPU_NO_DEVICE
                                                                             : BREATH_GPU_DEVICE;
    throw Failure{status, std::string(what) + ": " + cudaGetErrorString(error)};
}

// A thread that never called CUDA has no current device.
inline void use_device() { check(cudaSetDevice(0), "choosing the device"); }

inline std::string device_name() {
    cudaDeviceProp properties;
    check(cudaGetDeviceProperties(&properties, 0), "asking for the device's name");
    return properties.name;
}

inline void *device_allocate(size_t size) {
    void *memory = nullptr;
    check(cudaMalloc(&memory, size), "allocating device memory");
    return memory;
}

inline void *pinned_allocate(size_t size) {
    void *memory = nullptr;
    check(cudaMallocHost(&memory, size), "allocating pinned memory");
    return memory;
}

// Failures of giving back have nobody to go to.
inline void device_free(void *memory) { static_cast<void>(cudaFree(memory)); }
inline void pinned_free(void *memory) { static_cast<void>(cudaFreeHost(memory)); }

class Stream {
public:
    Stream() {
        check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "making a stream");
        const cudaError_t error = cudaEventCreateWithFlags(&launched_, cudaEventDisableTiming);
        if (error != cudaSuccess) static_cast<void>(cudaStreamDestroy(stream_));
        check(error, "making an event");
    }
    ~Stream() {
        static_cast<void>(cudaStreamSynchronize(stream_));
        static_cast<void>(cudaEventDestroy(launched_));
        static_cast<void>(cudaStreamDestroy(stream_));
    }
    Stream(const Stream &) = delete;
    Stream &operator=(const Stream &) = delete;

    void to_device(void *target, const void *source, size_t size) {
        check(cudaMemcpyAsync(target, source, size, cudaMemcpyHostToDevice, stream_), "copying to the device");
    }
    void to_host(void *target, const void *source, size_t size) {
        check(cudaMemcpyAsync(target, source, size, cudaMemcpyDeviceToHost, stream_), "copying from the device");
    }
    void within(void *target, const void *source, size_t size) {
        check(cudaMemcpyAsync(target, source, size, cudaMemcpyDeviceToDevice, stream_), "copying on the device");
    }
    void clear(void *target, size_t size) { check(cudaMemsetAsync(target, 0x5a, size, stream_), "filling device memory"); }
    void launch(const void *data, const void *slices, uint32_t count, uint32_t *states) {
        breath_sha256_advance<<<(count + BREATH_THREADS - 1) / BREATH_THREADS, BREATH_THREADS, 0, stream_>>>(
            static_cast<const breath_u32 *>(data), static_cast<const BreathSlice *>(slices), count, states);
        check(cudaGetLastError(), "launching the lanes");
        check(cudaEventRecord(launched_, stream_), "recording the launch");
    }
    // What comes next in this stream waits for the last launch of the other.
    void after(const Stream &other) { check(cudaStreamWaitEvent(stream_, other.launched_, 0), "ordering two streams"); }
    void wait() { check(cudaStreamSynchronize(stream_), "waiting for the device"); }

private:
    cudaStream_t stream_ = nullptr;
    cudaEvent_t launched_ = nullptr;
};

#else

inline void use_device() {}

inline std::string device_name() { return "host"; }

inline void *device_allocate(size_t size) {
    void *memory = std::aligned_alloc(256, (size + 255) / 256 * 256);
    if (memory == nullptr) throw std::bad_alloc();
    return memory;
}

inline void *pinned_allocate(size_t size) { return device_allocate(size); }
inline void device_free(void *memory) { std::free(memory); }
inline void pinned_free(void *memory) { std::free(memory); }

class Stream {
public:
    void to_device(void *target, const void *source, size_t size) { std::memcpy(target, source, size); }
    void to_host(void *target, const void *source, size_t size) { std::memcpy(target, source, size); }
    void within(void *target, const void *source, size_t size) { std::memcpy(target, source, size); }
    void clear(void *target, size_t size) { std::memset(target, 0x5a, size); }
    void launch(const void *data, const void *slices, uint32_t count, uint32_t *states) {
        breath_sha256_advance(
            static_cast<const breath_u32 *>(data), static_cast<const BreathSlice *>(slices), count, states);
    }
    void after(const Stream &) {}
    void wait() {}
};

#endif

// A block of memory of one of the two kinds, freed with its owner.
template <void *(*Allocate)(size_t), void (*Free)(void *)>
class Block {
public:
    explicit Block(size_t size) : memory_(Allocate(size ? size : 1)) {}
    ~Block() { Free(memory_); }
    Block(const Block &) = delete;
    Block &operator=(const Block &) = delete;
    uint8_t *bytes() const { return static_cast<uint8_t *>(memory_); }
    template <class Kind> Kind *as() const { return static_cast<Kind *>(memory_); }

private:
    void *memory_;
};

using DeviceBlock = Block<device_allocate, device_free>;
using PinnedBlock = Block<pinned_allocate, pinned_free>;

}  // namespace breath

#endif
