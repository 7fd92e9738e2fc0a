// How operations begin: arrivals, batches, places in the window that come free, think time.
#include <algorithm>

#include "redisload/run/worker.hpp"

namespace redisload {

// Of operations still to be offered under a limit, in whole batches but for the last.
std::uint64_t Worker::batch_share(std::uint64_t wanted) const noexcept {
  return std::min(wanted, arrivals_left_);
}

void Worker::release_arrivals(std::int64_t until_ns, std::int64_t now_ns) {
  pacer_->release(until_ns, [&](std::int64_t intended_ns) {
    const std::uint64_t together = batch_share(batch_);
    arrivals_left_ -= arrivals_left_ == UINT64_MAX ? 0 : together;
    batches_waiting_ += together;
    recorder_.offered(together);
    recorder_.lateness(now_ns - intended_ns);
  });
  assign_arrivals();
}

// Gives waiting arrivals to whichever connections have room.
void Worker::assign_arrivals() {
  while (pacer_->waiting() && !free_.empty()) {
    const std::uint32_t index = free_.take();
    Slot& slot = slots_[index];
    if (!slot.connection->ready() || !has_room(slot)) continue;
    if (batched()) {
      next_batch(slot, pacer_->take());
      continue;
    }
    push(slot, slot.stream->next(), pacer_->take());
    if (has_room(slot)) free_.add(index);
  }
}

InFlight& Worker::push(Slot& slot, const OperationRequest& request, std::int64_t intended_ns) {
  InFlight& op = slot.connection->window().push();
  op.request = request;
  op.intended_ns = intended_ns;
  op.phase = phase_;
  if (source_ != Source::indexed)
    op.composite = context_.workload.labels()[request.label].command.empty();
  ++outstanding_;
  mark_dirty(slot);
  return op;
}

// Commands that are sent together; the next batch waits for all of their replies.
void Worker::next_batch(Slot& slot, std::int64_t intended_ns) {
  if (paused_ && source_ == Source::closed_loop) {
    ++slot.parked;
    return;
  }
  slot.batch_ns = intended_ns;
  std::uint64_t together = batch_;
  if (source_ == Source::closed_loop) {
    together = std::min(batch_, slot.budget);
    if (slot.budget != UINT64_MAX) {
      slot.budget -= together;
      budget_left_ -= together;
    }
    recorder_.offered(together);
  } else if (share_.arrivals && pacer_->taken_count() == pacer_->budget()) {
    together = *share_.arrivals - (pacer_->budget() - 1) * batch_;  // the last one of a limit
  }
  if (source_ == Source::open_loop) batches_waiting_ -= together;
  slot.batch_open = together != 0;
  for (std::uint64_t k = 0; k < together; ++k) push(slot, slot.stream->next(), intended_ns);
}

void Worker::batch_ended(Slot& slot, std::int64_t now_ns) {
  slot.batch_open = false;
  if (slot.connection->ready()) workload_events_.series(0, now_ns - slot.batch_ns);
}

// A new operation, or batch of them, in a place that is free.
void Worker::next_place(Slot& slot, std::int64_t at_ns) {
  if (batched()) {
    next_batch(slot, at_ns);
  } else {
    next_operation(slot, at_ns);
  }
}

void Worker::next_operation(Slot& slot, std::int64_t intended_ns) {
  if (paused_) {
    ++slot.parked;
    return;
  }
  if (source_ == Source::indexed) {
    next_indexed(slot, intended_ns);
    return;
  }
  if (slot.budget == 0) return;
  if (slot.budget != UINT64_MAX) {
    --slot.budget;
    --budget_left_;
  }
  recorder_.offered(1);
  push(slot, slot.stream->next(), intended_ns);
}

bool Worker::next_indexed(Slot& slot, std::int64_t intended_ns) {
  std::uint64_t index = 0;
  if (!index_again_.empty()) {
    index = index_again_.back();
    index_again_.pop_back();
  } else if (index_left_ != 0) {
    index = index_next_;
    index_next_ += context_.plan.workers.size();
    --index_left_;
  } else {
    return false;
  }
  const Workload& workload = context_.workload;
  recorder_.offered(1);
  push(slot, phase_ == Phase::prefill ? workload.prefill(index) : workload.cleanup(index),
       intended_ns)
      .index = index;
  return true;
}

std::int64_t Worker::think_now(std::int64_t now_ns) {
  const auto& steps = context_.plan.thinks;
  if (phase_ != Phase::measure || steps.empty()) [[likely]]
    return think_ns_;
  while (think_step_ + 1 < steps.size() && now_ns - start_ns_ >= steps[think_step_ + 1].offset_ns)
    ++think_step_;
  return steps[think_step_].think_ns;
}

void Worker::slot_freed(Slot& slot, std::int64_t now_ns) {
  // A batch's places come free together: one new batch follows, not one for each of them.
  if (batched()) {
    if (!slot.connection->window().empty() || slot.reserved != 0 || slot.parked != 0) return;
    if (slot.batch_open) batch_ended(slot, now_ns);
  }
  if (!generating_) return;
  if (source_ == Source::open_loop) {
    if (slot.connection->ready()) free_.add(index_of(slot));
  } else if (source_ != Source::none && now_ns < end_ns_) {
    if (const std::int64_t think_ns = think_now(now_ns);
        think_ns != 0 && source_ == Source::closed_loop) {
      ++slot.reserved;
      timers_.push(Timer{now_ns + think_ns, index_of(slot), Timer::What::think, {}});
    } else {
      next_place(slot, now_ns);
    }
  }
}

}  // namespace redisload
