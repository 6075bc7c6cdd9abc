// SHA-256 (FIPS 180-4), one message a lane.
//
// One source, three compilers: NVRTC (CuPy's RawModule; no header is included), nvcc, and a C++17
// host compiler, for which the grid is a loop. So the arithmetic that a GPU runs is checked against
// another implementation on machines without one.
//
// Memory. Each thread reads a stream of its own, so the loads of a warp do not coalesce. They waste
// nothing all the same: a block of 64 bytes is two whole sectors of 32 when the slice begins on
// one (staged slices do), a thread reads both with four independent 16-byte loads, and the second
// load of each sector finds it in L1. The traffic is the messages' bytes, once. Transposing in
// shared memory would save L1 look-ups, of which there are 128 a warp and block; against some 1400
// instructions a thread they are not what the kernel waits for. Slices that begin elsewhere (memory
// copied as it lay) take 17 loads of 4 bytes; one __byte_perm aligns and swaps in both cases.
//
// Lanes that end at different times leave threads of their warp idle: the caller hands slices over
// in descending order of blocks and bounds how much of a long message one launch takes.

typedef unsigned int breath_u32;
typedef unsigned long long breath_u64;

#if defined(__CUDACC__)
#define BREATH_INLINE static __device__ __forceinline__
#define BREATH_TABLE static __constant__ const
#define BREATH_UNROLL _Pragma("unroll")
#else
#include <cstring>
#if !defined(__BYTE_ORDER__) || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the lanes read little-endian words"
#endif
#define BREATH_INLINE static inline
#define BREATH_TABLE static const
#define BREATH_UNROLL _Pragma("GCC unroll 64")
#endif

// The lane begins here: its state is the initial one, whatever stands in memory.
#define BREATH_FIRST 1u
// The message ends here: padding and length follow the slice.
#define BREATH_LAST 2u
// Bytes behind the last slice that may be read (and are ignored): data must be that much longer.
#define BREATH_SLACK 128u
// Threads of a block.
#define BREATH_THREADS 128u

// A piece of one message. Python packs it as "<QQIIII".
struct BreathSlice {
    breath_u64 begin;   // where it begins in data, in bytes
    breath_u64 total;   // the length of the whole message in bytes, needed with BREATH_LAST
    breath_u32 size;    // its bytes; a multiple of 64 unless BREATH_LAST is set
    breath_u32 state;   // which of the states it advances; no two slices of a launch the same
    breath_u32 flags;   // BREATH_FIRST, BREATH_LAST
    breath_u32 unused;  // keeps the size a power of two
};

BREATH_TABLE breath_u32 breath_initial[8] = {
    0x6a09e667u, 0xbb67ae85u, 0x3c6ef372u, 0xa54ff53au, 0x510e527fu, 0x9b05688cu, 0x1f83d9abu, 0x5be0cd19u,
};

BREATH_TABLE breath_u32 breath_constants[64] = {
    0x428a2f98u, 0x71374491u, 0xb5c0fbcfu, 0xe9b5dba5u, 0x3956c25bu, 0x59f111f1u, 0x923f82a4u, 0xab1c5ed5u,
    0xd807aa98u, 0x12835b01u, 0x243185beu, 0x550c7dc3u, 0x72be5d74u, 0x80deb1feu, 0x9bdc06a7u, 0xc19bf174u,
    0xe49b69c1u, 0xefbe4786u, 0x0fc19dc6u, 0x240ca1ccu, 0x2de92c6fu, 0x4a7484aau, 0x5cb0a9dcu, 0x76f988dau,
    0x983e5152u, 0xa831c66du, 0xb00327c8u, 0xbf597fc7u, 0xc6e00bf3u, 0xd5a79147u, 0x06ca6351u, 0x14292967u,
    0x27b70a85u, 0x2e1b2138u, 0x4d2c6dfcu, 0x53380d13u, 0x650a7354u, 0x766a0abbu, 0x81c2c92eu, 0x92722c85u,
    0xa2bfe8a1u, 0xa81a664bu, 0xc24b8b70u, 0xc76c51a3u, 0xd192e819u, 0xd6990624u, 0xf40e3585u, 0x106aa070u,
    0x19a4c116u, 0x1e376c08u, 0x2748774cu, 0x34b0bcb5u, 0x391c0cb3u, 0x4ed8aa4au, 0x5b9cca4fu, 0x682e6ff3u,
    0x748f82eeu, 0x78a5636fu, 0x84c87814u, 0x8cc70208u, 0x90befffau, 0xa4506cebu, 0xbef9a3f7u, 0xc67178f2u,
};

#if defined(__CUDACC__)

BREATH_INLINE breath_u32 breath_rotated(breath_u32 word, breath_u32 bits) {
    return __funnelshift_r(word, word, bits);
}

BREATH_INLINE breath_u32 breath_permuted(breath_u32 low, breath_u32 high, breath_u32 selector) {
    return __byte_perm(low, high, selector);
}

BREATH_INLINE void breath_quad(const breath_u32 *words, breath_u32 *out) {
    const uint4 quad = __ldg(reinterpret_cast<const uint4 *>(words));
    out[0] = quad.x, out[1] = quad.y, out[2] = quad.z, out[3] = quad.w;
}

BREATH_INLINE breath_u32 breath_word(const breath_u32 *word) { return __ldg(word); }

#else

BREATH_INLINE breath_u32 breath_rotated(breath_u32 word, breath_u32 bits) {
    return (word >> bits) | (word << (32u - bits));
}

// What PRMT does: each nibble of the selector names one of the eight bytes.
BREATH_INLINE breath_u32 breath_permuted(breath_u32 low, breath_u32 high, breath_u32 selector) {
    const breath_u64 both = (breath_u64)high << 32 | low;
    breath_u32 result = 0;
    for (breath_u32 place = 0; place < 4; ++place) {
        const breath_u32 chosen = (selector >> (4 * place)) & 7u;
        result |= (breath_u32)((both >> (8 * chosen)) & 0xffu) << (8 * place);
    }
    return result;
}

BREATH_INLINE breath_u32 breath_word(const breath_u32 *word) {
    breath_u32 value;
    std::memcpy(&value, word, sizeof value);
    return value;
}

BREATH_INLINE void breath_quad(const breath_u32 *words, breath_u32 *out) {
    for (int place = 0; place < 4; ++place) out[place] = breath_word(words + place);
}

#endif

// The sixteen big-endian words of the block that begins at byte `at`.
BREATH_INLINE void breath_load(const breath_u32 *data, breath_u64 at, breath_u32 *w) {
    const breath_u32 *words = data + (at >> 2);
    if ((at & 15u) == 0) {
        BREATH_UNROLL
        for (int place = 0; place < 16; place += 4) breath_quad(words + place, w + place);
        BREATH_UNROLL
        for (int place = 0; place < 16; ++place) w[place] = breath_permuted(w[place], 0, 0x0123u);
        return;
    }
    const breath_u32 selector = 0x0123u + 0x1111u * (breath_u32)(at & 3u);
    breath_u32 low = breath_word(words);
    BREATH_UNROLL
    for (int place = 0; place < 16; ++place) {
        const breath_u32 high = breath_word(words + place + 1);
        w[place] = breath_permuted(low, high, selector);
        low = high;
    }
}

// Keep the first `rest` (below 64) bytes of the block, put the bit that ends the message behind.
BREATH_INLINE void breath_cut(breath_u32 *w, int rest) {
    BREATH_UNROLL
    for (int place = 0; place < 16; ++place) {
        const int here = rest - 4 * place;
        if (here <= 0) {
            w[place] = here == 0 ? 0x80000000u : 0u;
        } else if (here < 4) {
            w[place] = (w[place] & ~(0xffffffffu >> (8 * here))) | (0x80000000u >> (8 * here));
        }
    }
}

// Section 6.2.2; the schedule lives in the sixteen words it begins with.
BREATH_INLINE void breath_compress(breath_u32 *state, breath_u32 *w) {
    breath_u32 v[8];
    BREATH_UNROLL
    for (int place = 0; place < 8; ++place) v[place] = state[place];
    BREATH_UNROLL
    for (int round = 0; round < 64; ++round) {
        if (round >= 16) {
            const breath_u32 early = w[(round + 1) & 15], late = w[(round + 14) & 15];
            w[round & 15] += w[(round + 9) & 15]
                + (breath_rotated(early, 7) ^ breath_rotated(early, 18) ^ (early >> 3))
                + (breath_rotated(late, 17) ^ breath_rotated(late, 19) ^ (late >> 10));
        }
        // a … h turn through the eight places, so that no round moves a word.
        const breath_u32 a = v[(64 - round) & 7], b = v[(65 - round) & 7], c = v[(66 - round) & 7];
        const breath_u32 e = v[(68 - round) & 7], f = v[(69 - round) & 7], g = v[(70 - round) & 7];
        const breath_u32 first = v[(71 - round) & 7] + breath_constants[round] + w[round & 15]
            + (breath_rotated(e, 6) ^ breath_rotated(e, 11) ^ breath_rotated(e, 25)) + ((e & f) ^ (~e & g));
        v[(67 - round) & 7] += first;
        v[(71 - round) & 7] = first
            + (breath_rotated(a, 2) ^ breath_rotated(a, 13) ^ breath_rotated(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
    }
    BREATH_UNROLL
    for (int place = 0; place < 8; ++place) state[place] += v[place];
}

BREATH_INLINE void breath_advance(const breath_u32 *data, const BreathSlice &slice, breath_u32 *states) {
    breath_u32 *kept = states + (breath_u64)slice.state * 8;
    breath_u32 state[8], w[16];
    BREATH_UNROLL
    for (int place = 0; place < 8; ++place) {
        state[place] = slice.flags & BREATH_FIRST ? breath_initial[place] : kept[place];
    }
    const breath_u32 whole = slice.size / 64, rest = slice.size % 64;
    const breath_u32 padding = slice.flags & BREATH_LAST ? (rest < 56 ? 1u : 2u) : 0u;
    // One place that compresses, whatever the block is: the code is long and has to stay in its cache.
    for (breath_u32 block = 0; block < whole + padding; ++block) {
        if (block <= whole) breath_load(data, slice.begin + (breath_u64)block * 64, w);
        if (block >= whole) {
            // In a second block of padding everything lies behind the end, the ending bit too.
            breath_cut(w, block == whole ? (int)rest : -1);
            if (block + 1 == whole + padding) {
                w[14] = (breath_u32)(slice.total >> 29);
                w[15] = (breath_u32)(slice.total << 3);
            }
        }
        breath_compress(state, w);
    }
    BREATH_UNROLL
    for (int place = 0; place < 8; ++place) kept[place] = state[place];
}

#if defined(__CUDACC__)

extern "C" __global__ void __launch_bounds__(BREATH_THREADS) breath_sha256_advance(
    const breath_u32 *__restrict__ data, const BreathSlice *__restrict__ slices, breath_u32 count, breath_u32 *states) {
    const breath_u32 lane = blockIdx.x * blockDim.x + threadIdx.x;
    if (lane < count) breath_advance(data, slices[lane], states);
}

#else

extern "C" void breath_sha256_advance(
    const breath_u32 *data, const BreathSlice *slices, breath_u32 count, breath_u32 *states) {
    for (breath_u32 lane = 0; lane < count; ++lane) breath_advance(data, slices[lane], states);
}

#endif
