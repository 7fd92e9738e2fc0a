// The samples of a run as contiguous columns, bounded by a limit: when it is reached every second
// sample goes and the rate is halved, so that what stays is uniform over the run (DESIGN).
// Owned by the collector and used by its thread alone, until the run is over; from then on the
// columns never change and are shared.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "redisload/metrics/sample.hpp"

namespace redisload {

// Times are nanoseconds since the run's zero; -1: never.
struct SampleColumns {
  std::vector<std::int64_t> intended_ns, sent_ns, completed_ns;
  std::vector<std::uint16_t> operation;
  std::vector<std::uint8_t> outcome;
  std::vector<std::uint32_t> connection;
  std::vector<std::uint32_t> bytes;
  std::vector<std::uint8_t> phase;
  std::vector<std::uint16_t> attempts;
  std::vector<std::uint16_t> node;
  std::vector<std::uint32_t> weight;

  std::size_t size() const noexcept { return weight.size(); }
  // Calls f(column) for each column, in a fixed order.
  template <typename F>
  void for_each(F&& f) {
    f(intended_ns), f(sent_ns), f(completed_ns), f(operation), f(outcome), f(connection);
    f(bytes), f(phase), f(attempts), f(node), f(weight);
  }
};

class SampleStore {
 public:
  SampleStore(std::uint64_t limit, std::int64_t zero_ns);

  void append(const SampleBlock& block);
  // How often the rate was halved so far.
  std::uint32_t halvings() const noexcept { return halvings_; }
  // Of the slowest, what found no room (they may fill half of the limit).
  std::uint64_t dropped() const noexcept { return dropped_; }
  const std::shared_ptr<SampleColumns>& columns() const noexcept { return columns_; }

 private:
  static constexpr std::uint32_t kMaxHalvings = 31;

  // The sample's weight at today's rate; 0 when it is thinned out.
  std::uint32_t thinned(std::uint32_t weight) noexcept;
  void add(const Sample& sample);
  void halve();

  std::uint64_t limit_;
  std::int64_t zero_ns_;
  std::shared_ptr<SampleColumns> columns_ = std::make_shared<SampleColumns>();
  std::vector<bool> slow_;
  std::uint64_t slow_only_ = 0;  // rows of weight 0
  std::uint32_t halvings_ = 0;
  std::array<bool, kMaxHalvings + 1> keep_next_{};  // every second one, for each level of weight
  std::uint64_t dropped_ = 0;
};

}  // namespace redisload
