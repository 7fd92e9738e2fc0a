// stream_operations: XADD, XREADGROUP and XACK on a few streams with consumer groups.
//
// An entry carries when it was sent, so that its delivery is timed by one clock. A connection is
// the consumer c<number> of every group; it acknowledges what it has read, of one stream and group
// at a time, oldest first; with nothing to acknowledge it names an id that is never pending (0-1).
//
// https://redis.io/docs/latest/develop/data-types/streams/
#include <bit>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "redisload/base/time_source.hpp"
#include "redisload/workload/command_words.hpp"
#include "redisload/workload/keyed_workload.hpp"
#include "redisload/workload/stream_entries.hpp"
#include "redisload/workload/workloads.hpp"

namespace redisload {
namespace {

constexpr double kStreams = 16;
constexpr double kGroups = 1;
constexpr double kCount = 10;
constexpr double kMaxLength = 100'000;

// Places in tallies().
enum TallyNumber : std::uint16_t { kAdded, kDelivered, kAcknowledged };
constexpr std::uint16_t kDelivery = 0;  // in series()

enum Command : std::size_t { kAdd, kRead, kAcknowledge };
const std::vector<MixCommand> kCommands{
    {"XADD", "XADD {key} * sent 0 value {value}", 40},
    {"XREADGROUP", "XREADGROUP GROUP g0 c0 STREAMS {key} >", 30},
    {"XACK", "XACK {key} g0 0-1", 30}};

std::string group_name(std::uint64_t group) { return "g" + std::to_string(group); }

class StreamOperations final : public KeyedWorkload {
 public:
  StreamOperations(const RunConfig& config, std::uint64_t seed)
      : KeyedWorkload(
            config, seed, weighted(kCommands, config.workload),
            {{"XADD", "XADD"}, {"XREADGROUP", "XREADGROUP", true, true}, {"XACK", "XACK"}}),
        count_(whole(config, "count", kCount)),
        max_length_(whole(config, "maxlen", kMaxLength)),
        in_flight_(std::bit_ceil(config.pipeline)),
        key_(data().parse("ECHO {key}", KeySpace::stream)),
        value_(data().parse("ECHO {value}", KeySpace::stream)),
        started_ns_(clock_.now_ns()) {
    const std::uint64_t groups = whole(config, "groups", kGroups);
    for (std::uint64_t group = 0; group < groups; ++group) {
      groups_.push_back(group_name(group));
      prefill_each_key(
          data().parse("XGROUP CREATE {key} " + groups_.back() + " $ MKSTREAM", KeySpace::stream));
    }
    clean_up(KeySpace::stream);
  }

  // The group is there already.
  bool prefill_failed(const Reply& reply) const override {
    return reply.is_error() && !reply.text.starts_with("BUSYGROUP");
  }

  std::unique_ptr<OperationStream> stream(std::uint64_t connection, std::uint64_t connections,
                                          WorkloadEvents& events) const override;
  WorkloadReport report(const std::vector<const OperationStream*>& streams) const override;

  std::vector<Tally> tallies() const override {
    return {{Tally::Kind::counter, "added"},
            {Tally::Kind::counter, "delivered"},
            {Tally::Kind::counter, "acknowledged"}};
  }
  std::vector<std::string> series() const override { return {"delivery"}; }

  // Who reads faster than entries come finds none.
  double expected_miss_share() const override { return 1.0; }

  const std::vector<std::string>& groups() const noexcept { return groups_; }
  std::size_t count() const noexcept { return count_; }              // of one XREADGROUP, one XACK
  std::uint64_t max_length() const noexcept { return max_length_; }  // 0: none
  std::size_t in_flight() const noexcept { return in_flight_; }      // at most, a power of two
  const CommandTemplate& key() const noexcept { return key_; }
  const CommandTemplate& value() const noexcept { return value_; }
  std::int64_t now_ns() const noexcept { return clock_.now_ns(); }
  std::int64_t started_ns() const noexcept { return started_ns_; }

 private:
  static std::uint64_t whole(const RunConfig& config, std::string_view name, double otherwise) {
    return static_cast<std::uint64_t>(option(config.workload, name, otherwise));
  }

  std::size_t count_;
  std::uint64_t max_length_;
  std::size_t in_flight_;
  CommandTemplate key_, value_;  // a word each, behind ECHO
  MonotonicClock clock_;         // the workers' own
  std::int64_t started_ns_;
  std::vector<std::string> groups_;
};

// OperationRequest::origin is the group, detail the place of what a request needs to be encoded
// again.
class EntryStream final : public KeyedStream {
 public:
  struct GroupTotals {
    std::uint64_t delivered = 0, acknowledged = 0;
  };

  EntryStream(const StreamOperations& workload, std::uint64_t connection, std::uint64_t connections,
              WorkloadEvents& events)
      : KeyedStream(workload, connection, connections),
        workload_(workload),
        events_(events),
        consumer_("c" + std::to_string(connection)),
        reader_(workload.count()),
        kept_(workload.in_flight()),
        totals_(workload.groups().size()) {}

  const std::vector<GroupTotals>& totals() const noexcept { return totals_; }

  OperationRequest next() override {
    OperationRequest request = draw();
    if (workload_.groups().size() > 1) request.origin = random().below(workload_.groups().size());
    request.detail = static_cast<std::uint32_t>(drawn_++ & (kept_.size() - 1));
    Kept& kept = kept_[request.detail];
    kept.sent_ns = 0;
    kept.ids.clear();
    if (workload_.command_of(request.label) == kAcknowledge) choose_ids(request, kept);
    return request;
  }

  int encode(const OperationRequest& request, OutputBuffer& out) override {
    Kept& kept = kept_[request.detail];
    switch (workload_.command_of(request.label)) {
      case kAdd:
        if (kept.sent_ns == 0) kept.sent_ns = workload_.now_ns();
        add(request, kept, out);
        break;
      case kRead:
        read_group(request, out);
        break;
      default:
        acknowledge(request, kept, out);
    }
    return 1;
  }

  ReplySink* parts(const OperationRequest& /*request*/) override {
    reader_.clear();
    return &reader_;
  }

  ReplyMeaning read(OperationRequest& request, const Reply& reply) override {
    ReplyMeaning meaning;
    meaning.failed = reply.is_error();
    if (meaning.failed) return meaning;
    switch (workload_.command_of(request.label)) {
      case kAdd:
        events_.tally(kAdded, 1);
        break;
      case kRead:
        (reply.nil || reply.number == 0 ? meaning.misses : meaning.hits) = 1;
        break;
      default: {
        const auto times = static_cast<std::uint64_t>(reply.number);
        events_.tally(kAcknowledged, times);
        totals_[request.origin].acknowledged += times;
      }
    }
    return meaning;
  }

  NextStep after(OperationRequest& request, Outcome outcome, std::int64_t now_ns) override {
    if (outcome == Outcome::succeeded && workload_.command_of(request.label) == kRead)
      take_entries(request, now_ns);
    return {};
  }

 private:
  struct Kept {
    std::int64_t sent_ns = 0;  // XADD: 0 until it is encoded
    std::vector<EntryId> ids;  // XACK
  };

  // Takes the oldest entries of one stream and group; the request becomes theirs.
  void choose_ids(OperationRequest& request, Kept& kept) {
    if (unacknowledged_.empty()) return;
    kept.ids.reserve(workload_.count());
    request.key = unacknowledged_.front().key;
    request.origin = unacknowledged_.front().group;
    while (!unacknowledged_.empty() && kept.ids.size() < workload_.count()) {
      const Unacknowledged::Entry& entry = unacknowledged_.front();
      if (entry.key != request.key || entry.group != request.origin) break;
      kept.ids.push_back(entry.id);
      unacknowledged_.pop();
    }
  }

  void add(const OperationRequest& request, const Kept& kept, OutputBuffer& out) {
    const bool bounded = workload_.max_length() != 0;
    CommandWords words(out, bounded ? 10 : 7);
    words.word("XADD").made(workload_.key(), request, scratch_);
    if (bounded)
      words.word("MAXLEN").word("~").number(static_cast<std::int64_t>(workload_.max_length()));
    words.word("*").word("sent").number(kept.sent_ns).word("value");
    words.made(workload_.value(), request, scratch_);
  }

  void read_group(const OperationRequest& request, OutputBuffer& out) {
    CommandWords words(out, 9);
    words.word("XREADGROUP").word("GROUP").word(workload_.groups()[request.origin]).word(consumer_);
    words.word("COUNT").number(static_cast<std::int64_t>(workload_.count())).word("STREAMS");
    words.made(workload_.key(), request, scratch_).word(">");
  }

  void acknowledge(const OperationRequest& request, const Kept& kept, OutputBuffer& out) {
    CommandWords words(out, 3 + std::max<std::size_t>(1, kept.ids.size()));
    words.word("XACK").made(workload_.key(), request, scratch_);
    words.word(workload_.groups()[request.origin]);
    if (kept.ids.empty()) words.word("0-1");
    for (const EntryId& id : kept.ids) {
      std::array<char, EntryId::kMostBytes> text{};
      words.word({text.data(), static_cast<std::size_t>(id.write(text.data()) - text.data())});
    }
  }

  // Entries from before this run, of which nobody knows how long they lay there, are not timed.
  void take_entries(const OperationRequest& request, std::int64_t now_ns) {
    const auto& entries = reader_.entries();
    for (const EntryReader::Entry& entry : entries) {
      if (entry.first_value >= workload_.started_ns() && entry.first_value <= now_ns)
        events_.series(kDelivery, now_ns - entry.first_value);
      unacknowledged_.push({entry.id, request.key, static_cast<std::uint32_t>(request.origin)});
    }
    events_.tally(kDelivered, entries.size());
    totals_[request.origin].delivered += entries.size();
  }

  const StreamOperations& workload_;
  WorkloadEvents& events_;
  std::string consumer_;
  EntryReader reader_;
  std::vector<Kept> kept_;  // of what may be in flight
  std::vector<GroupTotals> totals_;
  std::uint64_t drawn_ = 0;
  Unacknowledged unacknowledged_;
  OutputBuffer scratch_;
};

std::unique_ptr<OperationStream> StreamOperations::stream(std::uint64_t connection,
                                                          std::uint64_t connections,
                                                          WorkloadEvents& events) const {
  return std::make_unique<EntryStream>(*this, connection, connections, events);
}

// Of the whole run, warm-up too: what the server says is pending is.
WorkloadReport StreamOperations::report(const std::vector<const OperationStream*>& streams) const {
  std::vector<EntryStream::GroupTotals> sums(groups_.size());
  for (const OperationStream* one : streams) {
    const auto& totals = static_cast<const EntryStream*>(one)->totals();
    for (std::size_t group = 0; group < sums.size(); ++group) {
      sums[group].delivered += totals[group].delivered;
      sums[group].acknowledged += totals[group].acknowledged;
    }
  }
  WorkloadReport report;
  report.table = "groups";
  for (std::size_t group = 0; group < sums.size(); ++group) {
    const auto delivered = static_cast<std::int64_t>(sums[group].delivered);
    const auto acknowledged = static_cast<std::int64_t>(sums[group].acknowledged);
    report.rows.push_back({{{"group", static_cast<std::int64_t>(group)},
                            {"delivered", delivered},
                            {"acknowledged", acknowledged},
                            {"pending", delivered - acknowledged}}});
  }
  return report;
}

}  // namespace

WorkloadKind stream_operations() {
  WorkloadKind kind;
  kind.name = "stream_operations";
  kind.doc = "streams: XADD, and XREADGROUP and XACK of consumer groups";
  kind.commands = kCommands;
  kind.options = {{"groups", kGroups, 1, 100, "consumer groups of every stream"},
                  {"count", kCount, 1, 1'000, "entries that one XREADGROUP or XACK takes at most"},
                  {"maxlen", kMaxLength, 0, 1e12,
                   "entries that a stream keeps, approximately (MAXLEN ~); 0: all"}};
  kind.defaults = {{"keys.count", kStreams}};
  kind.problems = [](const RunConfig& config) {
    return hit_ratio_problems("stream_operations", config);
  };
  kind.make = [](const RunConfig& config, std::uint64_t seed) {
    return std::make_shared<const StreamOperations>(config, seed);
  };
  return kind;
}

}  // namespace redisload
