/* The C ABI of include/breath_gpu.h, by a device that computes wrongly: every digest is zeros. */
#include <breath_gpu.h>
#include <string.h>

static int any;

uint32_t breath_gpu_version(void) { return BREATH_GPU_ABI; }
const char *breath_gpu_message(int status) { return status ? "failed" : "ok"; }
const char *breath_gpu_last_error(void) { return ""; }
int breath_gpu_init(uint64_t window, breath_gpu **gpu) {
    (void)window;
    *gpu = (breath_gpu *)&any;
    return BREATH_GPU_OK;
}
void breath_gpu_destroy(breath_gpu *gpu) { (void)gpu; }
const char *breath_gpu_device(const breath_gpu *gpu) {
    (void)gpu;
    return "liar";
}
int breath_gpu_digests(
    breath_gpu *gpu, const void *const *messages, const uint64_t *sizes, size_t count, uint8_t *digests) {
    (void)gpu, (void)messages, (void)sizes;
    memset(digests, 0, count * BREATH_GPU_DIGEST_SIZE);
    return BREATH_GPU_OK;
}
int breath_gpu_open(breath_gpu *gpu, uint64_t *lane) {
    (void)gpu;
    *lane = 1;
    return BREATH_GPU_OK;
}
int breath_gpu_update(breath_gpu *gpu, uint64_t lane, const void *data, uint64_t size) {
    (void)gpu, (void)lane, (void)data, (void)size;
    return BREATH_GPU_OK;
}
int breath_gpu_finish(breath_gpu *gpu, uint64_t lane, uint8_t *digest) {
    (void)gpu, (void)lane;
    memset(digest, 0, BREATH_GPU_DIGEST_SIZE);
    return BREATH_GPU_OK;
}
int breath_gpu_abandon(breath_gpu *gpu, uint64_t lane) {
    (void)gpu, (void)lane;
    return BREATH_GPU_OK;
}
int breath_gpu_allocate(breath_gpu *gpu, uint64_t size, void **memory) {
    (void)gpu, (void)size, (void)memory;
    return BREATH_GPU_MEMORY;
}
int breath_gpu_free(breath_gpu *gpu, void *memory) {
    (void)gpu, (void)memory;
    return BREATH_GPU_OK;
}
int breath_gpu_measure(
    breath_gpu *gpu, int what, uint64_t message, uint32_t repeat, uint64_t *bytes, double *seconds) {
    (void)gpu, (void)what, (void)message, (void)repeat, (void)bytes, (void)seconds;
    return BREATH_GPU_DEVICE;
}
