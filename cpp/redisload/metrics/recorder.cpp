#include "redisload/metrics/recorder.hpp"

#include <algorithm>

namespace redisload {

namespace {
// Prefill and cleanup are not sampled: they would thin out what is measured.
bool is_sampled(Phase phase) {
  return phase == Phase::warmup || phase == Phase::measure || phase == Phase::drain;
}
}  // namespace

Recorder::Recorder(const RecorderLayout& layout, std::uint32_t worker, std::int64_t zero_ns,
                   std::int64_t interval_ns, Queue<IntervalSet*>& handed, SampleQueue& samples,
                   double sample_rate, Random random)
    : objective_ns_(layout.objective_ns.value_or(INT64_MAX)),
      sampler_(samples, worker, sample_rate, random),
      layout_(layout),
      worker_(worker),
      interval_ns_(interval_ns),
      phase_start_ns_(zero_ns),
      handed_(handed),
      handed_token_(handed) {
  for (std::size_t i = 0; i < kSets; ++i) {
    sets_.push_back(std::make_unique<IntervalSet>(layout_, worker_));
    free_.enqueue(sets_.back().get());
  }
  open(free_or_new_set(), Position{Phase::connect, 0}, zero_ns);
}

std::uint64_t Recorder::index_at(std::int64_t ns) const noexcept {
  return phase_base_ +
         static_cast<std::uint64_t>(std::max<std::int64_t>(ns - phase_start_ns_, 0) / interval_ns_);
}

IntervalSet* Recorder::free_set() noexcept {
  IntervalSet* set = nullptr;
  return free_.try_dequeue(set) ? set : nullptr;
}

// Phases never share a set, however late the collector is; a change of phase may allocate.
IntervalSet* Recorder::free_or_new_set() {
  if (IntervalSet* set = free_set()) return set;
  sets_.push_back(std::make_unique<IntervalSet>(layout_, worker_));
  return sets_.back().get();
}

void Recorder::open(IntervalSet* set, Position position, std::int64_t start_ns) {
  set_ = set;
  open_ = position;
  set->first = set->last = position;
  set->start_ns = start_ns;
  set->phase_start_ns = phase_start_ns_;
  set->phase_base = phase_base_;
  boundary_ns_ = std::min(end_of(position.index), start_ns + kPartNs);
}

void Recorder::hand_over(std::int64_t end_ns, Position next) {
  set_->samples_dropped += sampler_.take_dropped();
  set_->last = open_;
  set_->next = next;
  set_->end_ns = std::max(end_ns, set_->start_ns);
  set_->gauges = gauges_;
  handed_.enqueue(handed_token_, set_);
  set_ = nullptr;
}

void Recorder::roll(std::int64_t now_ns) {
  const bool part = now_ns < end_of(open_.index);
  const Position next{open_.phase, index_at(now_ns)};
  if (!part) sampler_.end_interval();
  IntervalSet* fresh = free_set();
  if (fresh == nullptr) {
    open_ = next;
    boundary_ns_ = std::min(end_of(open_.index), now_ns + kPartNs);
    return;
  }
  hand_over(part ? now_ns : end_of(open_.index), next);
  open(fresh, next, part ? now_ns : end_of(next.index) - interval_ns_);
  opened_by_phase_ = opened_by_phase_ && part;
}

void Recorder::begin_phase(Phase phase, std::int64_t start_ns) {
  sampler_.end_interval();
  const bool again = phase == open_.phase;
  const Position position{phase, again ? open_.index + 1 : 0};
  const bool take_over =
      !again && start_ns <= set_->start_ns && (!opened_by_phase_ || set_->empty());
  IntervalSet* fresh = set_;
  if (!take_over) {
    // A set that spans several intervals may reach beyond the start of the phase.
    open_.index = std::clamp(index_at(start_ns - 1), set_->first.index, open_.index);
    fresh = free_or_new_set();
    hand_over(start_ns, position);
  }
  phase_start_ns_ = start_ns;
  phase_base_ = position.index;
  open(fresh, position, start_ns);
  opened_by_phase_ = true;
  sampler_.set_active(is_sampled(phase));
}

void Recorder::finish(std::int64_t end_ns) {
  sampler_.finish();
  open_.index = std::clamp(index_at(end_ns - 1), set_->first.index, open_.index);
  // Nobody collects this one: a stray call stays harmless.
  IntervalSet* spare = free_or_new_set();
  hand_over(end_ns, kRunOver);
  set_ = spare;
  open_ = kRunOver;
  boundary_ns_ = INT64_MAX;
}

void Recorder::failed_reply(const Sample& op, std::uint8_t error_kind) noexcept {
  LabelSet& label = set_->labels[op.label];
  ++label.counts.failed;
  ++label.counts.error_replies;
  label.counts.bytes_received += op.bytes;
  ++label.errors[error_kind];
  label.error_time.record(op.completed_ns - op.sent_ns);
  Sample sample = op;
  sample.outcome = Outcome::failed;
  sampler_.offer(sample, op.completed_ns - op.intended_ns);
}

void Recorder::ended(const Sample& op, std::uint8_t error_kind) noexcept {
  LabelSet& label = set_->labels[op.label];
  switch (op.outcome) {
    case Outcome::failed:
      ++label.counts.failed;
      break;
    case Outcome::timed_out:
      ++label.counts.timed_out;
      break;
    case Outcome::lost:
      ++label.counts.lost;
      break;
    case Outcome::not_sent:
      ++label.counts.not_sent;
      break;
    case Outcome::succeeded:
      return;  // has a reply: recorded by succeeded()
  }
  ++label.errors[error_kind];
  ++label.censored_response;
  if (op.outcome != Outcome::not_sent) ++label.censored_service;
  sampler_.offer(op, INT64_MAX);
}

}  // namespace redisload
