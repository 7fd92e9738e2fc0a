#include "redisload/workload/pub_sub_streams.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>
#include <string_view>

namespace redisload {
namespace {

// A subscription that went out before its connection was confirmed may bring messages this late.
constexpr std::int64_t kConfirming = 100 * kMillisecond;

}  // namespace

Publisher::Publisher(const PubSub& workload, std::uint64_t connection, WorkloadEvents& events)
    : workload_(workload),
      events_(events),
      number_(static_cast<std::uint32_t>(workload.roles_.rank(connection))),
      random_(Random::stream(workload.seed_, StreamPurpose::operations, connection)),
      stamps_(std::bit_ceil(workload.window_)),
      book_(workload.channels(), workload.roles_.subscribers, workload.most_ranges()),
      answered_ns_(workload.channels(), 0) {}

OperationRequest Publisher::next() {
  OperationRequest request;
  request.key = random_.below(workload_.channels());
  request.value_seed = random_.next();
  request.origin = book_.draw(request.key);
  request.detail =
      static_cast<std::uint32_t>(phase_) << kDrawBits | (draws_++ & ((1U << kDrawBits) - 1));
  return request;
}

std::int64_t Publisher::stamp(const OperationRequest& request) {
  Stamp& stamp = stamps_[request.detail & (stamps_.size() - 1)];
  if (stamp.sent_ns < 0 || stamp.detail != request.detail || stamp.channel != request.key ||
      stamp.sequence != request.origin)
    stamp = {request.key, request.origin, request.detail, workload_.clock_.now_ns()};
  return stamp.sent_ns;
}

int Publisher::encode(const OperationRequest& request, OutputBuffer& out) {
  MessageHeader header;
  header.phase = static_cast<std::uint16_t>(phase_of(request));
  header.run = workload_.run_;
  header.channel = static_cast<std::uint32_t>(request.key);
  header.publisher = number_;
  header.sequence = request.origin;
  header.sent_ns = stamp(request);
  const std::size_t size = workload_.values_.size(request.value_seed);
  const std::string& head = workload_.heads_[request.key];
  constexpr std::size_t kLongestNumber = 20;
  char* const begin = out.reserve(head.size() + kLongestNumber + size + 4);
  std::memcpy(begin, head.data(), head.size());
  char* at = std::to_chars(begin + head.size(), begin + head.size() + kLongestNumber, size).ptr;
  std::memcpy(at, "\r\n", 2);
  std::memcpy(at + 2, &header, sizeof header);
  workload_.values_.fill(at + 2 + sizeof header, size - sizeof header, request.value_seed, 0);
  at += 2 + size;
  std::memcpy(at, "\r\n", 2);
  out.commit(static_cast<std::size_t>(at + 2 - begin));
  return 1;
}

void Publisher::sent(const OperationRequest& request) {
  events_.tally(PubSubTallies::sent, 1);
  if (phase_of(request) == phase_) book_.sent(request.key, request.origin);
}

ReplyMeaning Publisher::read(OperationRequest& request, const Reply& reply) {
  ReplyMeaning meaning;
  meaning.failed = reply.is_error();
  if (phase_of(request) != phase_) return meaning;  // an answer that came after its phase
  if (reply.type == ':' && reply.number >= 0) {
    const auto receivers = static_cast<std::uint64_t>(reply.number);
    book_.answered(request.key, request.origin, receivers);
    if (phase_ == Phase::measure) {
      events_.tally(PubSubTallies::published, 1);
      events_.tally(PubSubTallies::receivers, receivers);
    }
  } else {
    book_.refused(request.key, request.origin);
  }
  return meaning;
}

NextStep Publisher::after(OperationRequest& request, Outcome /*outcome*/, std::int64_t now_ns) {
  answered_ns_[request.key] = now_ns;
  return {};
}

void Publisher::entered(Phase phase) {
  phase_ = phase;
  if (phase == Phase::done) return;
  book_phase_ = phase;
  book_.reset();
  std::fill(answered_ns_.begin(), answered_ns_.end(), 0);
}

// Its worker sends no more in this phase: says so to the subscribers, once.
bool Publisher::settled(std::int64_t now_ns) const {
  PubSub::Ending& ending = workload_.endings_[number_];
  if (ending.finished.load(std::memory_order_relaxed) == phase_) return true;
  ending.at_ns = now_ns;
  ending.last_ns = *std::max_element(answered_ns_.begin(), answered_ns_.end());
  ending.received.resize(workload_.channels());
  for (std::size_t c = 0; c < ending.received.size(); ++c)
    ending.received[c] = book_.received_to(c);
  ending.answered_ns = answered_ns_;
  ending.finished.store(phase_, std::memory_order_release);
  return true;
}

Subscriber::Subscriber(const PubSub& workload, std::uint64_t connection, WorkloadEvents& events)
    : workload_(workload),
      events_(events),
      connection_(connection),
      number_(workload.roles_.rank(connection)),
      book_(workload.lanes(), workload.most_gaps()) {}

std::vector<OperationStream::Subscription> Subscriber::subscriptions() const {
  if (workload_.roles_.by_pattern(number_)) return {{{"PSUBSCRIBE", workload_.pattern_}, 1}};
  Subscription all{{"SUBSCRIBE"}, workload_.channels()};
  all.words.insert(all.words.end(), workload_.channels_.begin(), workload_.channels_.end());
  return {all};
}

void Subscriber::connected(std::int64_t now_ns) {
  connected_ = true;
  connected_ns_ = now_ns;
  ++connects_;
}

void Subscriber::disconnected(std::int64_t now_ns) {
  connected_ = false;
  disconnected_ns_ = now_ns;
  horizon_ns_ = std::max(horizon_ns_, now_ns);
}

void Subscriber::entered(Phase phase) {
  phase_ = phase;
  if (phase == Phase::done) return;
  begin_books(phase);
  for (const std::int64_t latency_ns : early_ns_)
    deliver(SubscriberBook::Arrival::in_order, latency_ns);
  early_ns_.clear();
}

// The first message of a phase may be here before our own worker has begun it.
void Subscriber::begin_books(Phase phase) {
  if (phase <= book_phase_) return;
  book_phase_ = phase;
  book_.reset();
  duplicated_ = out_of_order_ = 0;
  published_ns_ = 0;
  lanes_settled_ = 0;
  early_ns_.clear();
}

void Subscriber::element(char /*type*/, std::int64_t /*number*/, bool /*nil*/, int depth) {
  if (depth == 0) {
    elements_ = 0;
    kind_size_ = 0;
  } else if (depth == 1) {
    ++elements_;
    head_size_ = 0;
  }
}

void Subscriber::bytes(std::string_view chunk) {
  if (elements_ == 1) {
    const std::size_t part = std::min(chunk.size(), kind_.size() - kind_size_);
    std::memcpy(kind_.data() + kind_size_, chunk.data(), part);
    kind_size_ += part;
  } else if (elements_ > 1 && head_size_ != head_.size()) {
    const std::size_t part = std::min(chunk.size(), head_.size() - head_size_);
    std::memcpy(head_.data() + head_size_, chunk.data(), part);
    head_size_ += part;
  }
}

bool Subscriber::pushed(const Reply& /*push*/, std::int64_t now_ns) {
  const std::string_view kind(kind_.data(), kind_size_);
  if (kind == "message" || kind == "pmessage") {
    message(now_ns);
    return false;
  }
  return kind == "subscribe" || kind == "psubscribe";
}

void Subscriber::message(std::int64_t now_ns) {
  MessageHeader header;
  if (head_size_ == sizeof header) std::memcpy(&header, head_.data(), sizeof header);
  const auto phase = static_cast<Phase>(header.phase);
  const bool ours = head_size_ == sizeof header && header.magic == MessageHeader::kMagic &&
                    header.run == workload_.run_ && header.channel < workload_.channels() &&
                    header.publisher < workload_.roles_.publishers() &&
                    (phase == Phase::warmup || phase == Phase::measure);
  if (!ours) {
    events_.tally(PubSubTallies::foreign, 1);
    return;
  }
  if (phase_ == Phase::done || phase < book_phase_) return;
  begin_books(phase);
  horizon_ns_ = std::max(horizon_ns_, header.sent_ns);
  const auto arrival =
      book_.arrived(header.publisher * workload_.channels() + header.channel, header.sequence);
  if (phase != Phase::measure) return;
  if (arrival == SubscriberBook::Arrival::duplicate) {
    ++duplicated_;
    events_.tally(PubSubTallies::duplicated, 1);
  } else if (phase_ != phase) {
    early_ns_.push_back(now_ns - header.sent_ns);
  } else {
    deliver(arrival, now_ns - header.sent_ns);
  }
}

void Subscriber::deliver(SubscriberBook::Arrival arrival, std::int64_t latency_ns) {
  events_.tally(PubSubTallies::delivered, 1);
  events_.series(0, latency_ns);
  if (arrival != SubscriberBook::Arrival::late) return;
  ++out_of_order_;
  events_.tally(PubSubTallies::out_of_order, 1);
}

std::vector<Gap> Subscriber::gaps(std::size_t lane, std::uint64_t sent) const {
  if (book_phase_ == Phase::measure) return book_.gaps(lane, sent);
  if (sent == 0) return {};
  return {{0, sent, sent}};
}

bool Subscriber::all_published() const {
  if (published_ns_ != 0) return true;
  std::int64_t last_ns = 0;
  last_reply_ns_ = 0;
  for (std::size_t p = 0; p < workload_.roles_.publishers(); ++p) {
    const PubSub::Ending& ending = workload_.endings_[p];
    if (ending.finished.load(std::memory_order_acquire) != phase_) return false;
    last_ns = std::max(last_ns, ending.at_ns);
    last_reply_ns_ = std::max(last_reply_ns_, ending.last_ns);
  }
  published_ns_ = last_ns;
  return true;
}

bool Subscriber::settled(std::int64_t now_ns) const {
  if (phase_ != Phase::warmup && phase_ != Phase::measure) return true;
  if (!all_published()) return false;
  if (now_ns - published_ns_ >= workload_.grace_ns_) return true;
  if (!connected_) return now_ns - published_ns_ >= kConfirming;
  const std::size_t lanes = workload_.lanes();
  while (lanes_settled_ != lanes && lane_settled(lanes_settled_, now_ns)) ++lanes_settled_;
  return lanes_settled_ == lanes;
}

std::int64_t Subscriber::others_ended_ns() const {
  if (phase_ != Phase::warmup && phase_ != Phase::measure) return 0;
  return all_published() ? last_reply_ns_ : kNever;
}

// The server writes messages in the order in which it executed their PUBLISH. So what was answered
// before a message was sent that is here has come too, or the server never counted us in. Of what
// was published while we reconnected, nothing tells which; it would have come by now.
bool Subscriber::lane_settled(std::size_t lane, std::int64_t now_ns) const {
  const std::size_t channel = lane % workload_.channels();
  const PubSub::Ending& ending = workload_.endings_[lane / workload_.channels()];
  if (book_.position(lane) >= ending.received[channel]) return true;
  const std::int64_t answered_ns = ending.answered_ns[channel];
  if (answered_ns <= horizon_ns_) return true;
  const std::int64_t confirming_ns = std::max(kConfirming, connected_ns_ - disconnected_ns_);
  return connects_ > 1 && answered_ns <= connected_ns_ &&
         now_ns - std::max(connected_ns_, published_ns_) >= confirming_ns;
}

}  // namespace redisload
