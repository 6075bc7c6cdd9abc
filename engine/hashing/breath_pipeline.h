// Windows on their way to the device: staged, copied and hashed, two at a time.
#ifndef BREATH_PIPELINE_H
#define BREATH_PIPELINE_H

#include <thread>
#include <vector>

#include "breath_device.h"
#include "breath_plan.h"

namespace breath {

// Threads that stage one window; a memory bus is full with fewer than a large machine has cores.
constexpr unsigned STAGERS = 8;
// Starting a thread costs about what copying this much does.
constexpr uint64_t WORTH_A_THREAD = 1024 * 1024;

// Copies pieces [first, last) into the window.
inline void stage(const std::vector<Piece> &pieces, size_t first, size_t last, uint8_t *window) {
    for (size_t place = first; place < last; ++place) {
        const Piece &piece = pieces[place];
        if (piece.size != 0) std::memcpy(window + piece.begin, piece.source, piece.size);
    }
}

inline void stage_in_threads(const std::vector<Piece> &pieces, uint64_t filled, uint8_t *window) {
    const uint64_t wanted = std::min<uint64_t>(filled / WORTH_A_THREAD, STAGERS);
    const uint64_t threads = std::min<uint64_t>(wanted, std::thread::hardware_concurrency());
    if (threads < 2) return stage(pieces, 0, pieces.size(), window);
    std::vector<std::thread> others;
    others.reserve(threads);
    const auto begins_before = [](const Piece &piece, uint64_t at) { return piece.begin < at; };
    const auto bound = [&](uint64_t part) {
        return std::lower_bound(pieces.begin(), pieces.end(), filled * part / threads, begins_before) - pieces.begin();
    };
    size_t first = bound(1);
    try {
        for (uint64_t part = 1; part < threads; ++part) {
            const size_t last = part + 1 == threads ? pieces.size() : bound(part + 1);
            others.emplace_back(stage, std::cref(pieces), first, last, window);
            first = last;
        }
    } catch (const std::system_error &) {
        // No more threads to be had: this one does the rest.
        stage(pieces, first, pieces.size(), window);
    }
    stage(pieces, 0, bound(1), window);
    for (std::thread &other : others) other.join();
}

// One of the two windows. While one is hashed the other is filled and copied.
struct Slot {
    Slot(uint64_t window, size_t most)
        : host(window), device(window + BREATH_SLACK), slices_host(most * sizeof(BreathSlice)),
          slices_device(most * sizeof(BreathSlice)) {}
    PinnedBlock host;
    DeviceBlock device;
    PinnedBlock slices_host;
    DeviceBlock slices_device;
    Stream stream;
};

class Pipeline {
public:
    explicit Pipeline(uint64_t window)
        : window_(window), most_(window / 256), slots_{{window, most_}, {window, most_}} {}

    uint64_t window() const { return window_; }
    Slot &slot() { return slots_[0]; }

    // Advance the states by the items, staging their bytes; no two items have one state.
    void staged(std::vector<Item> items, uint32_t *states) {
        Plan plan(std::move(items), window_, most_);
        std::vector<Piece> pieces;
        while (!plan.done()) {
            const uint64_t filled = plan.next(pieces);
            Slot &slot = turn();
            stage_in_threads(pieces, filled, slot.host.bytes());
            slot.stream.to_device(slot.device.bytes(), slot.host.bytes(), filled);
            BreathSlice *slices = slot.slices_host.as<BreathSlice>();
            for (const Piece &piece : pieces) *slices++ = slice(piece.item, piece.begin, piece.size);
            launch(slot, pieces.size(), states);
        }
    }

    // The same for items that ascend in pinned memory, none longer than `longest`: copied from there.
    void direct(const std::vector<Item> &items, uint64_t longest, uint32_t *states) {
        std::vector<uint32_t> places(longest / BLOCK + 2);
        for (auto first = items.begin(); first != items.end();) {
            const uint8_t *base = aligned(first->data);
            auto last = first;
            while (last != items.end() && last - first < static_cast<ptrdiff_t>(most_) && last->data + last->left <= base + window_) {
                ++last;
            }
            Slot &slot = turn();
            slot.stream.to_device(slot.device.bytes(), base, (last - 1)->data + (last - 1)->left - base);
            describe(first, last, base, places, slot.slices_host.as<BreathSlice>());
            launch(slot, last - first, states);
            first = last;
        }
    }

    // The states, big-endian bytes in order: everything launched so far is in them.
    void read(const uint32_t *states, size_t count, uint8_t *digests) {
        wait();
        slots_[0].stream.to_host(digests, states, count * BREATH_GPU_DIGEST_SIZE);
        slots_[0].stream.wait();
        for (uint8_t *word = digests; word != digests + count * BREATH_GPU_DIGEST_SIZE; word += 4) {
            std::swap(word[0], word[3]);
            std::swap(word[1], word[2]);
        }
    }

    void wait() {
        slots_[0].stream.wait();
        slots_[1].stream.wait();
    }

    // A whole window of pinned memory to the device, and nothing else.
    void copy_window() {
        Slot &slot = turn();
        slot.stream.to_device(slot.device.bytes(), slot.host.bytes(), window_);
    }

private:
    static const uint8_t *aligned(const uint8_t *data) {
        return reinterpret_cast<const uint8_t *>(reinterpret_cast<uintptr_t>(data) / 16 * 16);
    }

    // The slot whose work is oldest, when it is done.
    Slot &turn() {
        turn_ = 1 - turn_;
        slots_[turn_].stream.wait();
        return slots_[turn_];
    }

    static BreathSlice slice(const Item &item, uint64_t begin, uint64_t size) {
        return {begin, item.total, static_cast<uint32_t>(size), item.state, item.flags, 0};
    }

    // Slices of [first, last), most blocks first. With short messages this is all that the host does,
    // and it has to keep up with the copies: the items are counted and put in their places, no more.
    template <class Items>
    static void describe(Items first, Items last, const uint8_t *base, std::vector<uint32_t> &places, BreathSlice *slices) {
        const size_t top = places.size() - 1;
        std::fill(places.begin(), places.end(), 0);
        for (Items item = first; item != last; ++item) ++places[top - item->left / BLOCK];
        for (size_t place = 1; place <= top; ++place) places[place] += places[place - 1];
        for (Items item = first; item != last; ++item) {
            slices[places[top - 1 - item->left / BLOCK]++] = slice(*item, item->data - base, item->left);
        }
    }

    // Hash the slot's window by the first `count` of its slices.
    void launch(Slot &slot, size_t count, uint32_t *states) {
        slot.stream.to_device(slot.slices_device.bytes(), slot.slices_host.bytes(), count * sizeof(BreathSlice));
        // A lane may have a piece in both windows; only the copies overlap with the other's launch.
        slot.stream.after(slots_[&slot == &slots_[0] ? 1 : 0].stream);
        slot.stream.launch(slot.device.bytes(), slot.slices_device.bytes(), static_cast<uint32_t>(count), states);
    }

    uint64_t window_;
    size_t most_;
    Slot slots_[2];
    int turn_ = 0;
};

}  // namespace breath

#endif
