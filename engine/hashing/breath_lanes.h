// Messages that come piece by piece: their states stay on the device, what is not hashed yet waits here.
#ifndef BREATH_LANES_H
#define BREATH_LANES_H

#include <memory>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "breath_pipeline.h"

namespace breath {

class Lanes {
public:
    explicit Lanes(Pipeline &pipeline) : pipeline_(pipeline), states_(table(INITIAL)), capacity_(INITIAL) {}

    uint64_t open() {
        const uint32_t state = free_.empty() ? used_++ : free_.back();
        const bool reused = !free_.empty();
        if (state >= capacity_) grow();
        lanes_.emplace(next_, Lane{state, 0, true, {}});
        if (reused) free_.pop_back();
        return next_++;
    }

    bool is_open(uint64_t lane) const { return lanes_.count(lane) != 0; }

    void update(uint64_t number, const uint8_t *data, uint64_t size) {
        Lane &lane = lanes_.at(number);
        while (size != 0) {
            const uint64_t piece = std::min(size, pipeline_.window() - std::min(waiting_, pipeline_.window() - BLOCK));
            lane.waiting.insert(lane.waiting.end(), data, data + piece);
            lane.total += piece;
            waiting_ += piece;
            data += piece, size -= piece;
            if (lane.waiting.size() >= BLOCK) ready_.insert(number);
            if (waiting_ >= pipeline_.window()) flush(nullptr);
        }
    }

    void finish(uint64_t number, uint8_t *digest) {
        Lane &lane = lanes_.at(number);
        ready_.insert(number);
        flush(&lane);
        pipeline_.read(states_->as<uint32_t>() + lane.state * size_t{8}, 1, digest);
        abandon(number);
    }

    void abandon(uint64_t number) {
        const auto found = lanes_.find(number);
        waiting_ -= found->second.waiting.size();
        free_.push_back(found->second.state);
        ready_.erase(number);
        lanes_.erase(found);
    }

private:
    struct Lane {
        uint32_t state;
        uint64_t total;
        bool first;
        std::vector<uint8_t> waiting;
    };

    static constexpr uint32_t INITIAL = 1024;

    static std::unique_ptr<DeviceBlock> table(size_t lanes) {
        return std::make_unique<DeviceBlock>(lanes * BREATH_GPU_DIGEST_SIZE);
    }

    void grow() {
        auto larger = table(size_t{capacity_} * 2);
        pipeline_.wait();
        Stream &stream = pipeline_.slot().stream;
        stream.within(larger->bytes(), states_->bytes(), size_t{capacity_} * BREATH_GPU_DIGEST_SIZE);
        stream.wait();
        states_ = std::move(larger);
        capacity_ *= 2;
    }

    // Every lane's whole blocks in as few launches as there are windows; with `last` to its end.
    void flush(Lane *last) {
        std::vector<Item> items;
        std::vector<Lane *> taken;
        for (const uint64_t number : ready_) {
            Lane &lane = lanes_.at(number);
            const bool ends = &lane == last;
            const uint64_t size = ends ? lane.waiting.size() : lane.waiting.size() / BLOCK * BLOCK;
            const uint32_t flags = (lane.first ? BREATH_FIRST : 0u) | (ends ? BREATH_LAST : 0u);
            items.push_back({lane.waiting.data(), size, lane.total, lane.state, flags});
            taken.push_back(&lane);
        }
        pipeline_.staged(std::move(items), states_->as<uint32_t>());
        for (Lane *lane : taken) {
            const uint64_t rest = lane == last ? 0 : lane->waiting.size() % BLOCK;
            waiting_ -= lane->waiting.size() - rest;
            // A fresh vector: the old one's room would stay for as long as the lane does.
            lane->waiting = std::vector<uint8_t>(lane->waiting.end() - rest, lane->waiting.end());
            lane->first = false;
        }
        ready_.clear();
    }

    Pipeline &pipeline_;
    std::unique_ptr<DeviceBlock> states_;
    uint32_t capacity_;
    uint32_t used_ = 0;
    std::vector<uint32_t> free_;
    std::unordered_map<uint64_t, Lane> lanes_;
    std::unordered_set<uint64_t> ready_;  // Lanes with a whole block waiting, or at their end.
    uint64_t next_ = 1;
    uint64_t waiting_ = 0;
};

}  // namespace breath

#endif
