#include "redisload/metrics/window_totals.hpp"

namespace redisload {

namespace {

bool in_window(Phase phase) { return phase == Phase::measure || phase == Phase::drain; }

void set_rates(OperationMetrics& metrics, const OperationCounts& inside, double window_s) {
  if (window_s <= 0) return;
  metrics.throughput = static_cast<double>(inside.succeeded + inside.error_replies) / window_s;
  metrics.goodput = static_cast<double>(inside.good) / window_s;
}

}  // namespace

WindowTotals::WindowTotals(const RecorderLayout& layout, std::int64_t deadline_ns)
    : layout_(layout),
      deadline_ns_(deadline_ns),
      labels_(layout.labels.size()),
      series_(kSeries + layout.extra_series.size()) {
  for (std::size_t i = 0; i < labels_.size(); ++i) labels_[i].metrics.name = layout.labels[i].name;
  for (auto& tallies : tallies_) tallies.resize(layout.tallies.size());
}

const std::string& WindowTotals::known(std::string_view name) {
  const auto found = error_names_.find(name);
  if (found != error_names_.end()) return *found;
  if (name == other_ || error_names_.size() >= kMaxErrorNames) return other_;
  return *error_names_.emplace(name).first;
}

void WindowTotals::add_errors(const ErrorNumbers& numbers, const ErrorKinds& kinds,
                              std::initializer_list<ErrorCounts*> into) {
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (numbers[i] == 0) continue;
    const std::string& name = known(kinds.name(static_cast<std::uint8_t>(i)));
    for (ErrorCounts* counts : into) (*counts)[name] += numbers[i];
  }
}

void WindowTotals::add(const IntervalSet& set, const ErrorKinds& kinds) {
  const Phase phase = set.first.phase;
  PhaseCounts& in_phase = phases_[static_cast<std::size_t>(phase)];
  const bool window = in_window(phase);
  samples_dropped_ += set.samples_dropped;
  in_phase.counts.offered += set.offered;
  in_phase.counts.not_sent += set.not_sent;
  ErrorCounts unused;
  add_errors(set.errors, kinds, {&in_phase.errors, window ? &window_errors_ : &unused});
  add_errors(set.connection_faults, kinds, {&connection_faults_});
  for (std::size_t i = 0; i < labels_.size(); ++i) {
    Label& label = labels_[i];
    const LabelSet& part = set.labels[i];
    in_phase.counts += part.counts;
    label.attempts[static_cast<std::size_t>(phase)] += part.counts.attempts;
    if (window) {
      add_errors(part.errors, kinds, {&in_phase.errors, &window_errors_, &label.metrics.errors});
    } else {
      add_errors(part.errors, kinds, {&in_phase.errors});
    }
  }
  for (std::size_t i = 0; i < set.tallies.size(); ++i)
    tallies_[static_cast<std::size_t>(phase)][i] += set.tallies[i];
  // Connections are opened before the window, and their times are a result all the same.
  constexpr auto kConnect = static_cast<std::size_t>(Series::connect_time);
  for (std::size_t i = 0; i < series_.size(); ++i) {
    if (window || i == kConnect) series_[i].merge(set.series[i]);
  }
  if (window) add_window(set);
}

void WindowTotals::add_window(const IntervalSet& set) {
  const bool inside = set.first.phase == Phase::measure;
  window_offered_ += set.offered;
  window_not_sent_ += set.not_sent;
  for (std::size_t i = 0; i < labels_.size(); ++i) {
    Label& label = labels_[i];
    const LabelSet& part = set.labels[i];
    label.metrics.counts += part.counts;
    if (inside) label.inside += part.counts;
    add_latencies(part, deadline_ns_, label.metrics.service_time, label.metrics.response_time);
    label.metrics.error_time.merge(part.error_time);
  }
}

void WindowTotals::fill(MetricsSnapshot& snapshot, std::int64_t window_ns) const {
  const double window_s = snapshot.elapsed_s = static_cast<double>(window_ns) / 1e9;
  OperationMetrics& totals = snapshot.totals;
  OperationCounts inside;
  for (std::size_t i = 0; i < labels_.size(); ++i) {
    const OperationMetrics& label = labels_[i].metrics;
    totals.counts += label.counts;
    totals.service_time.merge(label.service_time);
    totals.response_time.merge(label.response_time);
    totals.error_time.merge(label.error_time);
    inside += labels_[i].inside;
    if (i >= layout_.operation_labels) continue;
    OperationMetrics& operation = snapshot.operations.emplace_back(label);
    operation.counts.offered = label.counts.issued + label.counts.not_sent;
    set_rates(operation, labels_[i].inside, window_s);
  }
  totals.counts.offered += window_offered_;
  totals.counts.not_sent += window_not_sent_;
  totals.response_time.record_censored(window_not_sent_);
  totals.errors = window_errors_;
  set_rates(totals, inside, window_s);
  snapshot.connection_faults = connection_faults_;
  snapshot.phases = phases_;
  snapshot.samples_dropped += samples_dropped_;
  fill_series(snapshot);
  fill_commands(snapshot);
  fill_counters(snapshot);
}

void WindowTotals::fill_series(MetricsSnapshot& snapshot) const {
  const auto of = [this](Series series) { return series_[static_cast<std::size_t>(series)]; };
  snapshot.lateness = of(Series::lateness);
  snapshot.connect_time = of(Series::connect_time);
  snapshot.pool_wait = of(Series::pool_wait);
  for (std::size_t i = 0; i < layout_.extra_series.size(); ++i) {
    snapshot.extra_series.emplace_back(layout_.extra_series[i], series_[kSeries + i]);
  }
}

void WindowTotals::fill_commands(MetricsSnapshot& snapshot) const {
  for (const Phase phase :
       {Phase::prefill, Phase::warmup, Phase::measure, Phase::drain, Phase::cleanup}) {
    const Phase key = phase == Phase::drain ? Phase::measure : phase;
    auto& commands = snapshot.commands[std::string(to_string(key))];
    for (std::size_t i = 0; i < labels_.size(); ++i) {
      const std::uint64_t attempts = labels_[i].attempts[static_cast<std::size_t>(phase)];
      const std::string& command = layout_.labels[i].command;
      if (attempts != 0 && !command.empty()) commands[command] += attempts;
    }
    for (std::size_t i = 0; i < layout_.tallies.size(); ++i) {
      const Tally& tally = layout_.tallies[i];
      const std::uint64_t times = tallies_[static_cast<std::size_t>(phase)][i];
      if (times == 0 || tally.kind == Tally::Kind::counter) continue;
      if (tally.kind == Tally::Kind::sent) commands[tally.name] += times;
      if (tally.kind == Tally::Kind::queued_only)
        snapshot.commands["queued_only"][tally.name] += times;
      if (tally.kind == Tally::Kind::in_script) snapshot.commands["in_script"][tally.name] += times;
    }
  }
}

void WindowTotals::fill_counters(MetricsSnapshot& snapshot) const {
  for (std::size_t i = 0; i < layout_.tallies.size(); ++i) {
    if (layout_.tallies[i].kind != Tally::Kind::counter) continue;
    snapshot.counters[layout_.tallies[i].name] +=
        tallies_[static_cast<std::size_t>(Phase::measure)][i] +
        tallies_[static_cast<std::size_t>(Phase::drain)][i];
  }
}

}  // namespace redisload
