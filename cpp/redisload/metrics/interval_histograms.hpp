// The histograms of closed intervals, small enough to keep for a whole run: merged over any range
// of rows they give the percentiles of that time (MEASURING R7). When they outgrow their limit,
// neighbours of one phase are joined; covered() then says which rows an answer is about.
//
// A value: what it holds is immutable and shared, so a copy is cheap. Not synchronised.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "redisload/base/operation.hpp"
#include "redisload/metrics/histogram.hpp"

namespace redisload {

// One row's histograms, or several joined rows', as HistogramCodec's bytes.
struct RowHistograms {
  struct Label {
    std::uint32_t label;
    std::string service, response;
  };
  std::size_t first_row = 0, last_row = 0;
  Phase phase = Phase::measure;
  std::uint64_t not_sent = 0;  // arrivals without a label: censored in the response time of all
  std::string lateness;
  std::vector<Label> labels;  // ascending; those without an event are left out

  std::size_t bytes() const noexcept;
};

enum class IntervalMeasure : std::uint8_t { service, response, lateness };

class IntervalHistograms {
 public:
  static constexpr std::size_t kLimitBytes = std::size_t{64} << 20;

  explicit IntervalHistograms(std::vector<std::string> labels = {},
                              std::size_t limit_bytes = kLimitBytes)
      : labels_(std::move(labels)), limit_bytes_(limit_bytes) {}

  // Rows come in ascending order.
  void add(RowHistograms row);

  // Rows first_row to last_row, both included; label: one operation's, or none: all together
  // (lateness has no label). Throws std::invalid_argument for an unknown label.
  Histogram merged(std::size_t first_row, std::size_t last_row, IntervalMeasure measure,
                   std::optional<std::string_view> label = std::nullopt) const;
  // The rows that merged() really covers, wider where rows were joined; none: no such row is kept.
  std::optional<std::pair<std::size_t, std::size_t>> covered(std::size_t first_row,
                                                             std::size_t last_row) const;

  const std::vector<std::string>& labels() const noexcept { return labels_; }
  std::size_t entries() const noexcept { return rows_.size(); }
  std::size_t bytes() const noexcept { return bytes_; }

  // For saving; from_bytes() throws std::invalid_argument for what to_bytes() did not write.
  std::string to_bytes() const;
  static IntervalHistograms from_bytes(std::string_view bytes);

 private:
  using Row = std::shared_ptr<const RowHistograms>;
  void join_neighbours();

  std::vector<std::string> labels_;
  std::size_t limit_bytes_;
  std::size_t bytes_ = 0;
  std::size_t width_ = 1;  // up to so many rows are joined
  std::vector<Row> rows_;
};

}  // namespace redisload
