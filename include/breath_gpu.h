/*
 * breath_gpu: SHA-256 of many messages at once, on a GPU. The C ABI of libbreath_gpu.
 *
 * SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The PPM authors
 *
 * Permission is hereby granted, free of charge, to any person obtaining a copy of this software and
 * associated documentation files (the "Software"), to deal in the Software without restriction,
 * including without limitation the rights to use, copy, modify, merge, publish, distribute,
 * sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is
 * furnished to do so, subject to the following conditions: The above copyright notice and this
 * permission notice shall be included in all copies or substantial portions of the Software.
 *
 * THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT
 * NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND
 * NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM,
 * DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT
 * OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
 *
 * Use
 *
 *     breath_gpu *gpu;
 *     if (breath_gpu_init(0, &gpu) != BREATH_GPU_OK) fail(breath_gpu_last_error());
 *     breath_gpu_digests(gpu, messages, sizes, count, digests);    many messages, in one call
 *     breath_gpu_open(gpu, &lane);                                 or piece by piece
 *     breath_gpu_update(gpu, lane, data, size);
 *     breath_gpu_finish(gpu, lane, digest);
 *     breath_gpu_destroy(gpu);
 *
 * Digests are 32 bytes, as FIPS 180-4 orders them.
 *
 * Errors. Every function that can fail returns an enum breath_gpu_status. After a failure no output
 * is to be used. After BREATH_GPU_DEVICE or BREATH_GPU_MEMORY from breath_gpu_update or
 * breath_gpu_finish nobody knows how far the lanes are: every later call answers BREATH_GPU_DEVICE,
 * and the context can only be destroyed. The other failures change nothing. No exception crosses this
 * interface.
 *
 * Threads. A context may be used from several threads; its calls take turns. Two contexts do not know
 * of one another. breath_gpu_destroy may be called once, when no other call is under way.
 *
 * Memory. A context holds two windows on the device and two pinned ones on the host, at most one more
 * of updates that wait, and 32 bytes for each open lane; a one-shot batch takes at most 32 MiB more on
 * the device and bookkeeping of about 64 bytes a message on the host.
 */
#ifndef BREATH_GPU_H
#define BREATH_GPU_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What this header describes; see breath_gpu_version. */
#define BREATH_GPU_ABI 1u
#define BREATH_GPU_DIGEST_SIZE 32u

typedef struct breath_gpu breath_gpu;

enum breath_gpu_status {
    BREATH_GPU_OK = 0,
    BREATH_GPU_ARGUMENT = 1,  /* a pointer is NULL where it may not be, or a number is out of range */
    BREATH_GPU_NO_DEVICE = 2, /* there is no usable GPU, or no driver for it */
    BREATH_GPU_MEMORY = 3,    /* the device or the host has too little memory */
    BREATH_GPU_NO_LANE = 4,   /* the lane is not open */
    BREATH_GPU_DEVICE = 5     /* the device or its driver failed */
};

/* What breath_gpu_measure measures. */
enum breath_gpu_measurement {
    BREATH_GPU_COPY = 0,    /* pinned host memory to the device, nothing else */
    BREATH_GPU_RESIDENT = 1 /* messages that lie in device memory already */
};

/*
 * The ABI that the library implements: its caller goes on only if this is BREATH_GPU_ABI. The number
 * grows when a function or a meaning changes.
 */
uint32_t breath_gpu_version(void);

/*
 * Words for a status, in English, never NULL; they live as long as the library.
 */
const char *breath_gpu_message(int status);

/*
 * What this thread's last failed call met, in words, for people; empty before a failure. It lives
 * until the next failure in this thread.
 */
const char *breath_gpu_last_error(void);

/*
 * Take the first visible device. `window` is how many bytes are staged at a time, 0 for 64 MiB; from
 * 64 KiB to 1 GiB, rounded up to 64 KiB.
 */
int breath_gpu_init(uint64_t window, breath_gpu **gpu);

/* Give everything back. NULL is allowed. */
void breath_gpu_destroy(breath_gpu *gpu);

/*
 * The device's name as its driver has it; "host" for a library that was built without CUDA. It lives
 * as long as the context.
 */
const char *breath_gpu_device(const breath_gpu *gpu);

/*
 * Digests of `count` messages: 32 bytes each, in order, into `digests`. A message of size 0 may be
 * NULL. Messages that lie in ascending order, close together, in memory of breath_gpu_allocate are
 * copied to the device from where they are; others are staged by threads.
 */
int breath_gpu_digests(
    breath_gpu *gpu, const void *const *messages, const uint64_t *sizes, size_t count, uint8_t *digests);

/* Begin a message. Lanes have numbers; no number is used twice. */
int breath_gpu_open(breath_gpu *gpu, uint64_t *lane);

/*
 * Append to a lane's message. The bytes are taken before the call returns; they reach the device, many
 * lanes in one launch, when a window is full or a lane is finished.
 */
int breath_gpu_update(breath_gpu *gpu, uint64_t lane, const void *data, uint64_t size);

/* The digest of a lane's message, 32 bytes; the lane is closed. */
int breath_gpu_finish(breath_gpu *gpu, uint64_t lane, uint8_t *digest);

/* Close a lane without a digest. */
int breath_gpu_abandon(breath_gpu *gpu, uint64_t lane);

/* Pinned host memory, from which the device copies at full rate. It is freed with the context. */
int breath_gpu_allocate(breath_gpu *gpu, uint64_t size, void **memory);
int breath_gpu_free(breath_gpu *gpu, void *memory);

/*
 * The seconds that `repeat` windows take, in `seconds`; `message` is the size of a message for
 * BREATH_GPU_RESIDENT, at least 64, at most a window. The bytes of a window that are hashed or copied go into
 * `bytes`.
 */
int breath_gpu_measure(
    breath_gpu *gpu, int what, uint64_t message, uint32_t repeat, uint64_t *bytes, double *seconds);

#ifdef __cplusplus
}
#endif

#endif
