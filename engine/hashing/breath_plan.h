// Which bytes of which messages go into the next window.
#ifndef BREATH_PLAN_H
#define BREATH_PLAN_H

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace breath {

// What is left of a message, or of an update of one.
struct Item {
    const uint8_t *data;
    uint64_t left;
    uint64_t total;
    uint32_t state;
    uint32_t flags;
};

// A piece of an item in a window: where its bytes are and where they go.
struct Piece {
    const uint8_t *source;
    uint64_t begin;
    Item item;
    uint32_t size;
};

// Slices begin on a sector of the device's memory.
constexpr uint64_t ALIGNMENT = 32;
// What a message may count on in a window it has a place in. At 4 KiB a window of 64 MiB holds 16384
// lanes, more than enough to hash as fast as it is copied.
constexpr uint64_t SHARE = 4096;
// The most that one launch hashes of one message: a lane is slow, some tens of MB/s, and a launch ends
// with its last lane. Drivers of displays stop a launch after seconds.
constexpr uint64_t MOST = 1024 * 1024;
constexpr uint64_t BLOCK = 64;

inline uint64_t padded(uint64_t size) { return (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT; }

inline bool longer(const Item &one, const Item &other) { return one.left / BLOCK > other.left / BLOCK; }

// Most blocks first, so that the lanes of a warp end together. Sorting a million short messages by
// comparing would cost as much as hashing them: they are counted into one bucket per block.
inline void order(std::vector<Item> &items) {
    const auto is_long = [](const Item &item) { return item.left >= SHARE; };
    const auto middle = std::partition(items.begin(), items.end(), is_long);
    std::sort(items.begin(), middle, longer);
    size_t places[SHARE / BLOCK + 1] = {};
    for (auto item = middle; item != items.end(); ++item) ++places[SHARE / BLOCK - 1 - item->left / BLOCK + 1];
    for (size_t bucket = 1; bucket <= SHARE / BLOCK; ++bucket) places[bucket] += places[bucket - 1];
    const std::vector<Item> unordered(middle, items.end());
    for (const Item &item : unordered) middle[places[SHARE / BLOCK - 1 - item.left / BLOCK]++] = item;
}

// Takes windows from items until nothing is left.
class Plan {
public:
    Plan(std::vector<Item> items, uint64_t window, size_t most) : items_(std::move(items)), window_(window), most_(most) {
        order(items_);
    }

    bool done() const { return next_ == items_.size(); }

    // The pieces of the next window, most blocks first, and how many bytes of it they fill.
    //
    // The longest messages take part in every window, so that none of them is left to run alone at
    // the end; what the window holds is shared so that no piece is longer than it has to be.
    uint64_t next(std::vector<Piece> &pieces) {
        size_t end = next_;
        for (uint64_t space = window_; end < items_.size() && end - next_ < most_; ++end) {
            const uint64_t least = padded(std::min(items_[end].left, SHARE));
            if (least > space) break;
            space -= least;
        }
        pieces.assign(end - next_, Piece{});
        uint64_t space = window_;
        for (size_t place = end; place-- > next_;) {
            Piece &piece = pieces[place - next_];
            piece = taken(items_[place], std::min(space / (place - next_ + 1), MOST));
            space -= padded(piece.size);
        }
        uint64_t filled = 0;
        for (Piece &piece : pieces) {
            piece.begin = filled;
            filled += padded(piece.size);
        }
        drop(end);
        return filled;
    }

private:
    // The piece of at most `fair` bytes; whole blocks unless it is the last.
    static Piece taken(Item &item, uint64_t fair) {
        const bool ends = padded(item.left) <= fair;
        const uint64_t size = ends ? item.left : fair / BLOCK * BLOCK;
        Piece piece{item.data, 0, item, static_cast<uint32_t>(size)};
        if (!ends) piece.item.flags &= ~BREATH_LAST;
        item.data += size;
        item.left -= size;
        item.flags &= ~BREATH_FIRST;
        item.state = ends ? FINISHED : item.state;
        return piece;
    }

    // Finished items go; what is left of the others takes its place in the order.
    void drop(size_t end) {
        const auto begin = items_.begin() + next_, middle = items_.begin() + end;
        const auto kept = std::stable_partition(begin, middle, [](const Item &item) { return item.state == FINISHED; });
        next_ = kept - items_.begin();
        std::sort(kept, middle, longer);
        std::inplace_merge(kept, middle, items_.end(), longer);
    }

    static constexpr uint32_t FINISHED = 0xffffffffu;
    std::vector<Item> items_;
    size_t next_ = 0;
    uint64_t window_;
    size_t most_;
};

}  // namespace breath

#endif
