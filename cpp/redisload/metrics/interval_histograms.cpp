#include "redisload/metrics/interval_histograms.hpp"

#include <algorithm>
#include <map>
#include <stdexcept>

#include "redisload/metrics/byte_codec.hpp"
#include "redisload/metrics/histogram_codec.hpp"

namespace redisload {

namespace {

constexpr std::string_view kMagic = "RLIH";
constexpr std::uint8_t kFormat = 1;

std::string joined(std::string_view a, std::string_view b) {
  Histogram histogram = HistogramCodec::decode(a);
  histogram.merge(HistogramCodec::decode(b));
  return HistogramCodec::encode(histogram);
}

RowHistograms joined(const RowHistograms& a, const RowHistograms& b) {
  RowHistograms both;
  both.first_row = a.first_row;
  both.last_row = b.last_row;
  both.phase = a.phase;
  both.not_sent = a.not_sent + b.not_sent;
  both.lateness = joined(a.lateness, b.lateness);
  std::map<std::uint32_t, RowHistograms::Label> labels;
  for (const auto& label : a.labels) labels[label.label] = label;
  for (const auto& label : b.labels) {
    const auto [found, inserted] = labels.try_emplace(label.label, label);
    if (inserted) continue;
    found->second.service = joined(found->second.service, label.service);
    found->second.response = joined(found->second.response, label.response);
  }
  for (auto& [number, label] : labels) both.labels.push_back(std::move(label));
  return both;
}

RowHistograms read_row(ByteReader& reader, std::size_t label_count) {
  RowHistograms row;
  row.first_row = reader.number();
  row.last_row = reader.number();
  const std::uint8_t phase = reader.byte();
  row.not_sent = reader.number();
  row.lateness = reader.text();
  HistogramCodec::decode(row.lateness);
  if (row.first_row > row.last_row || phase >= kPhases) {
    throw std::invalid_argument("not interval histograms: a row is out of range");
  }
  row.phase = static_cast<Phase>(phase);
  for (std::uint64_t left = reader.number(); left > 0; --left) {
    const std::uint64_t label = reader.number();
    if (label >= label_count || (!row.labels.empty() && label <= row.labels.back().label)) {
      throw std::invalid_argument("not interval histograms: a label is out of range");
    }
    row.labels.push_back({static_cast<std::uint32_t>(label), std::string(reader.text()),
                          std::string(reader.text())});
    HistogramCodec::decode(row.labels.back().service);
    HistogramCodec::decode(row.labels.back().response);
  }
  return row;
}

}  // namespace

std::size_t RowHistograms::bytes() const noexcept {
  std::size_t sum = sizeof(RowHistograms) + lateness.capacity();
  for (const Label& label : labels) {
    sum += sizeof(Label) + label.service.capacity() + label.response.capacity();
  }
  return sum;
}

void IntervalHistograms::add(RowHistograms row) {
  bytes_ += row.bytes();
  rows_.push_back(std::make_shared<const RowHistograms>(std::move(row)));
  // What cannot be joined any more (one entry a phase) is kept, whatever its size.
  for (std::size_t before = 0; bytes_ > limit_bytes_ && before != bytes_;) {
    before = bytes_;
    join_neighbours();
  }
}

void IntervalHistograms::join_neighbours() {
  width_ *= 2;
  std::vector<Row> kept;
  for (Row& row : rows_) {
    const bool fits = !kept.empty() && kept.back()->phase == row->phase &&
                      row->last_row - kept.back()->first_row < width_;
    if (fits) {
      kept.back() = std::make_shared<const RowHistograms>(joined(*kept.back(), *row));
    } else {
      kept.push_back(std::move(row));
    }
  }
  rows_ = std::move(kept);
  bytes_ = 0;
  for (const Row& row : rows_) bytes_ += row->bytes();
}

Histogram IntervalHistograms::merged(std::size_t first_row, std::size_t last_row,
                                     IntervalMeasure measure,
                                     std::optional<std::string_view> label) const {
  if (label && std::find(labels_.begin(), labels_.end(), *label) == labels_.end()) {
    throw std::invalid_argument("no operation is labelled \"" + std::string(*label) + "\"");
  }
  Histogram sum;
  for (const Row& row : rows_) {
    if (row->last_row < first_row || row->first_row > last_row) continue;
    if (measure == IntervalMeasure::lateness) {
      sum.merge(HistogramCodec::decode(row->lateness));
      continue;
    }
    const bool response = measure == IntervalMeasure::response;
    if (response && !label) sum.record_censored(row->not_sent);
    for (const auto& part : row->labels) {
      if (label && labels_[part.label] != *label) continue;
      sum.merge(HistogramCodec::decode(response ? part.response : part.service));
    }
  }
  return sum;
}

std::optional<std::pair<std::size_t, std::size_t>> IntervalHistograms::covered(
    std::size_t first_row, std::size_t last_row) const {
  std::optional<std::pair<std::size_t, std::size_t>> range;
  for (const Row& row : rows_) {
    if (row->last_row < first_row || row->first_row > last_row) continue;
    if (!range) range.emplace(row->first_row, row->last_row);
    range->second = row->last_row;
  }
  return range;
}

std::string IntervalHistograms::to_bytes() const {
  ByteWriter writer;
  writer.raw(kMagic);
  writer.byte(kFormat);
  writer.number(labels_.size());
  for (const std::string& label : labels_) writer.text(label);
  writer.number(rows_.size());
  for (const Row& row : rows_) {
    writer.number(row->first_row);
    writer.number(row->last_row);
    writer.byte(static_cast<std::uint8_t>(row->phase));
    writer.number(row->not_sent);
    writer.text(row->lateness);
    writer.number(row->labels.size());
    for (const auto& label : row->labels) {
      writer.number(label.label);
      writer.text(label.service);
      writer.text(label.response);
    }
  }
  return std::move(writer).take();
}

IntervalHistograms IntervalHistograms::from_bytes(std::string_view bytes) {
  ByteReader reader(bytes);
  if (reader.raw(kMagic.size()) != kMagic || reader.byte() != kFormat) {
    throw std::invalid_argument("not interval histograms: the format is unknown");
  }
  IntervalHistograms result;
  for (std::uint64_t left = reader.number(); left > 0; --left) {
    result.labels_.emplace_back(reader.text());
  }
  for (std::uint64_t left = reader.number(); left > 0; --left) {
    RowHistograms row = read_row(reader, result.labels_.size());
    if (!result.rows_.empty() && row.first_row <= result.rows_.back()->last_row) {
      throw std::invalid_argument("not interval histograms: rows are out of order");
    }
    result.bytes_ += row.bytes();
    result.rows_.push_back(std::make_shared<const RowHistograms>(std::move(row)));
  }
  if (!reader.at_end()) {
    throw std::invalid_argument("not interval histograms: bytes are left over");
  }
  return result;
}

}  // namespace redisload
