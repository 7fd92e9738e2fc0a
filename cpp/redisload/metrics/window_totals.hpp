// The running sums of a run: what every handed-over set adds to. Owned by the collector; the caller
// locks.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "redisload/metrics/interval_set.hpp"
#include "redisload/metrics/snapshot.hpp"

namespace redisload {

class WindowTotals {
 public:
  WindowTotals(const RecorderLayout& layout, std::int64_t deadline_ns);

  // kinds: of the worker that recorded the set.
  void add(const IntervalSet& set, const ErrorKinds& kinds);
  // Fills all that is summed over the run; window_ns: the measured window's length.
  void fill(MetricsSnapshot& snapshot, std::int64_t window_ns) const;

 private:
  static constexpr std::size_t kMaxErrorNames = 64;
  struct Label {
    OperationMetrics metrics;  // measure and drain
    OperationCounts inside;    // measure alone
    std::array<std::uint64_t, kPhases> attempts{};
  };

  using ErrorNumbers = std::array<std::uint64_t, ErrorKinds::kNumbers>;
  void add_errors(const ErrorNumbers& numbers, const ErrorKinds& kinds,
                  std::initializer_list<ErrorCounts*> into);
  const std::string& known(std::string_view name);
  void add_window(const IntervalSet& set);
  void fill_series(MetricsSnapshot& snapshot) const;
  void fill_commands(MetricsSnapshot& snapshot) const;
  void fill_counters(MetricsSnapshot& snapshot) const;

  const RecorderLayout& layout_;
  std::int64_t deadline_ns_;
  std::vector<Label> labels_;
  std::vector<Histogram> series_;
  std::array<PhaseCounts, kPhases> phases_;
  std::array<std::vector<std::uint64_t>, kPhases> tallies_;
  ErrorCounts window_errors_;
  std::uint64_t window_offered_ = 0, window_not_sent_ = 0;  // not_sent: without a label
  ErrorCounts connection_faults_;
  std::set<std::string, std::less<>> error_names_;
  const std::string other_ = "other";
  std::uint64_t samples_dropped_ = 0;
};

}  // namespace redisload
