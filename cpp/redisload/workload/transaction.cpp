// transaction: several commands that the server runs as one.
//
//   MULTI   MULTI, SET, GET, INCR …, EXEC, sent together: blind
//   WATCH   WATCH and GET of a key; then MULTI, SET of that key, EXEC. EXEC answers nil when
//   somebody
//           else wrote the key in between: a conflict, counted, and not tried again.
//
// https://redis.io/docs/latest/develop/interact/transactions/. A transaction is one operation; what
// it is made of is tallied.
#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "redisload/workload/keyed_workload.hpp"
#include "redisload/workload/workloads.hpp"

namespace redisload {
namespace {

constexpr double kQueued = 3;
constexpr double kMostQueued = 50;  // each has a bit in OperationRequest::origin

// Commands that transactions are made of; those that can be queued stand first.
enum class Part : std::uint8_t { set, get, incr, multi, exec, watch, unwatch };
constexpr std::size_t kQueueable = 3;
constexpr std::array<std::string_view, 7> kNames{"SET",  "GET",   "INCR",   "MULTI",
                                                 "EXEC", "WATCH", "UNWATCH"};
using Parts = std::vector<Part>;

// Places in tallies().
constexpr std::uint16_t kConflicts = 0;
constexpr std::uint16_t sent_tally(Part part) {
  return static_cast<std::uint16_t>(1 + static_cast<std::size_t>(part));
}
constexpr std::uint16_t queued_only_tally(Part part) {
  return static_cast<std::uint16_t>(1 + kNames.size() + static_cast<std::size_t>(part));
}

enum Command : std::size_t { kMulti, kWatch };
const std::vector<MixCommand> kCommands{
    {"MULTI", "MULTI SET {key} {value} GET {key:1} INCR {key:1} EXEC", 70},
    {"WATCH", "WATCH {key} GET {key:1} MULTI SET {key:1} {value} EXEC", 30}};

class Transaction final : public KeyedWorkload {
 public:
  Transaction(const RunConfig& config, std::uint64_t seed)
      : KeyedWorkload(config, seed, weighted(kCommands, config.workload),
                      {{"MULTI", "", true, true}, {"WATCH", "", true, true}}) {
    const std::string expires = expiry(config.values);
    const auto add = [this](const std::string& text, KeySpace space) {
      templates_.push_back(data().parse(text, space));
    };
    add("SET {key} {value}" + expires, KeySpace::string);
    add("GET {key}", KeySpace::string);
    add("INCR {key}", KeySpace::counter);  // of the same number, so of the same hash tag
    add("MULTI", KeySpace::string);
    add("EXEC", KeySpace::string);
    add("WATCH {key}", KeySpace::string);
    add("UNWATCH", KeySpace::string);
    const auto queued = static_cast<std::size_t>(option(config.workload, "queued", kQueued));
    multi_ = {Part::multi};
    for (std::size_t i = 0; i < queued; ++i) multi_.push_back(static_cast<Part>(i % kQueueable));
    multi_.push_back(Part::exec);
    prefill_each_key(templates_.front());
    clean_up(KeySpace::string);
    clean_up(KeySpace::counter);
  }

  std::unique_ptr<OperationStream> stream(std::uint64_t connection, std::uint64_t connections,
                                          WorkloadEvents& events) const override;

  std::vector<Tally> tallies() const override {
    std::vector<Tally> all{{Tally::Kind::counter, "conflicts"}};
    for (const std::string_view name : kNames)
      all.push_back({Tally::Kind::sent, std::string(name)});
    for (std::size_t i = 0; i < kQueueable; ++i)
      all.push_back({Tally::Kind::queued_only, std::string(kNames[i])});
    return all;
  }

  // GET stands behind a SET of its key in MULTI; in WATCH it finds what prefill wrote.
  double expected_miss_share() const override { return keys_stay() ? 0.0 : 1.0; }

  const Parts& parts(std::uint16_t label, std::uint16_t stage) const {
    if (command_of(label) == kMulti) return multi_;
    return stage == 0 ? watch_ : commit_;
  }
  const CommandTemplate& text(Part part) const {
    return templates_[static_cast<std::size_t>(part)];
  }

 private:
  std::vector<CommandTemplate> templates_;  // by Part
  Parts multi_;
  Parts watch_{Part::watch, Part::get};
  Parts commit_{Part::multi, Part::set, Part::exec};
};

// OperationRequest::detail counts the replies that have come; origin holds what is below.
class TransactionStream final : public KeyedStream, private ReplySink {
 public:
  TransactionStream(const Transaction& workload, std::uint64_t connection,
                    std::uint64_t connections, WorkloadEvents& events)
      : KeyedStream(workload, connection, connections), workload_(workload), events_(events) {}

  OperationRequest next() override {
    OperationRequest request = draw();
    if (watching_) [[unlikely]]
      request.origin = kUnwatch;
    return request;
  }

  int encode(const OperationRequest& request, OutputBuffer& out) override {
    int replies = 0;
    for_each_part(request, [&](Part part) {
      workload_.text(part).encode(request, out);
      ++replies;
    });
    return replies;
  }

  void sent(const OperationRequest& request) override {
    for_each_part(request, [&](Part part) {
      events_.tally(sent_tally(part), 1);
      if (part == Part::unwatch) watching_ = false;
      if (part == Part::watch) watching_ = true;
    });
  }

  ReplySink* parts(const OperationRequest& request) override {
    if (part_at(request) != Part::exec) return nullptr;
    run_ = &workload_.parts(request.label, request.stage);
    place_ = hits_ = misses_ = 0;
    nested_failed_ = capturing_ = false;
    error_.clear();
    return this;
  }

  ReplyMeaning read(OperationRequest& request, const Reply& reply) override {
    const Part part = part_at(request);
    const std::uint32_t position = request.detail++;
    if (part == Part::exec) return executed(request, reply);
    ReplyMeaning meaning;
    if (reply.is_error()) {
      meaning.failed = true;
      if (position < kMostRejected) request.origin |= 1ULL << position;
    } else if (part == Part::get && is_watch(request)) {
      (reply.nil ? meaning.misses : meaning.hits) = 1;
    }
    return meaning;
  }

  std::string_view error() const override { return error_; }

  NextStep after(OperationRequest& request, Outcome outcome, std::int64_t /*now_ns*/) override {
    const bool watched = is_watch(request) && outcome == Outcome::succeeded;
    request.detail = 0;
    request.origin = 0;
    if (!watched) return {};
    request.stage = 1;
    return {NextStep::Kind::another_command, 0};
  }

  void disconnected(std::int64_t /*now_ns*/) override { watching_ = false; }

 private:
  // Something before it left its key watched (an error, a timeout): UNWATCH goes first.
  static constexpr std::uint64_t kUnwatch = 1ULL << 63;
  // Below: bit p is set when the p-th command was refused, so it was not queued.
  static constexpr std::uint32_t kMostRejected = 63;
  static constexpr std::size_t kErrorBytes = 64;

  bool is_watch(const OperationRequest& request) const {
    return request.stage == 0 && workload_.command_of(request.label) == kWatch;
  }
  static std::uint32_t before(const OperationRequest& request) {
    return (request.origin & kUnwatch) != 0 ? 1 : 0;
  }
  template <typename Each>
  void for_each_part(const OperationRequest& request, Each&& each) const {
    if (before(request) != 0) each(Part::unwatch);
    for (const Part part : workload_.parts(request.label, request.stage)) each(part);
  }
  Part part_at(const OperationRequest& request) const {
    if (request.detail < before(request)) return Part::unwatch;
    const Parts& all = workload_.parts(request.label, request.stage);
    return all[std::min<std::size_t>(request.detail - before(request), all.size() - 1)];
  }

  ReplyMeaning executed(const OperationRequest& request, const Reply& reply) {
    ReplyMeaning meaning;
    // Refused as a command by itself ("ERR EXEC without MULTI"): then nothing was queued.
    const bool without_multi = reply.is_error() && reply.text.starts_with("ERR");
    watching_ = watching_ && without_multi;
    if (reply.nil) events_.tally(kConflicts, 1);
    if (reply.nil || (reply.is_error() && !without_multi)) count_queued_only(request);
    meaning.failed = reply.is_error();
    if (reply.is_error() || reply.nil) return meaning;
    meaning.failed = nested_failed_;
    meaning.hits = hits_;
    meaning.misses = misses_;
    return meaning;
  }

  void count_queued_only(const OperationRequest& request) {
    const Parts& all = workload_.parts(request.label, request.stage);
    for (std::size_t i = 1; i + 1 < all.size(); ++i) {
      if ((request.origin >> (i + before(request)) & 1) == 0)
        events_.tally(queued_only_tally(all[i]), 1);
    }
  }

  // Elements of what EXEC answers: place_ 1 is the first queued command's.
  void element(char type, std::int64_t /*number*/, bool nil, int depth) override {
    capturing_ = false;
    if (depth != 1) return;
    ++place_;
    const bool error = type == '-' || type == '!';
    capturing_ = error && !nested_failed_;
    nested_failed_ = nested_failed_ || error;
    if (!error && place_ < run_->size() && (*run_)[place_] == Part::get) ++(nil ? misses_ : hits_);
  }
  void bytes(std::string_view chunk) override {
    if (capturing_)
      error_.append(chunk.substr(0, kErrorBytes - std::min(kErrorBytes, error_.size())));
  }

  const Transaction& workload_;
  WorkloadEvents& events_;
  bool watching_ = false;  // the server watches a key for this connection
  const Parts* run_ = nullptr;
  std::uint32_t place_ = 0, hits_ = 0, misses_ = 0;
  bool nested_failed_ = false, capturing_ = false;
  std::string error_;
};

std::unique_ptr<OperationStream> Transaction::stream(std::uint64_t connection,
                                                     std::uint64_t connections,
                                                     WorkloadEvents& events) const {
  return std::make_unique<TransactionStream>(*this, connection, connections, events);
}

std::vector<ConfigProblem> problems(const RunConfig& config) {
  std::vector<ConfigProblem> found = hit_ratio_problems("transaction", config);
  if (config.pipeline > 1 && weighted(kCommands, config.workload)[kWatch].weight > 0) {
    found.push_back({"pipeline", std::to_string(config.pipeline),
                     "1 with WATCH, which other operations of its connection would break into; or "
                     "workload.weights of MULTI alone"});
  }
  return found;
}

}  // namespace

WorkloadKind transaction() {
  WorkloadKind kind;
  kind.name = "transaction";
  kind.doc = "MULTI … EXEC, and WATCH with conflicts counted";
  kind.commands = kCommands;
  kind.options = {{"queued", kQueued, 1, kMostQueued,
                   "commands between MULTI and EXEC: SET, GET, INCR in turn"}};
  kind.problems = problems;
  kind.make = [](const RunConfig& config, std::uint64_t seed) {
    return std::make_shared<const Transaction>(config, seed);
  };
  return kind;
}

}  // namespace redisload
