#include "redisload/workload/pub_sub.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "redisload/workload/key_names.hpp"
#include "redisload/workload/pub_sub_streams.hpp"
#include "redisload/workload/workloads.hpp"

namespace redisload {
namespace {

constexpr double kChannels = 16;
constexpr double kMostChannels = 100'000;
// A subscriber keeps a position for every publisher and channel: 8 bytes each.
constexpr double kMostPositions = 1 << 24;

double round_number(const RunConfig& config, const char* name, double otherwise) {
  return std::floor(option(config.workload, name, otherwise));
}

PubSubRoles roles_of(const RunConfig& config) {
  PubSubRoles roles;
  roles.connections = config.topology.connections();
  roles.subscribers = static_cast<std::uint64_t>(round_number(config, "subscribers", 0));
  if (roles.subscribers == 0) roles.subscribers = roles.connections / 2;
  roles.patterns = static_cast<std::uint64_t>(round_number(config, "patterns", 0));
  return roles;
}

std::string channel_prefix(const KeysConfig& keys) { return KeyNames::of(keys, "channel").prefix; }

std::string channel_name(const std::string& prefix, std::size_t number) {
  constexpr std::size_t kDigits = 6;
  const std::string digits = std::to_string(number);
  return prefix + std::string(kDigits - std::min(kDigits, digits.size()), '0') + digits;
}

// As PSUBSCRIBE reads patterns (glob style): a prefix may hold characters that mean something
// there.
std::string escaped(const std::string& text) {
  std::string pattern;
  for (const char c : text) {
    if (std::string_view("*?[]^-\\").find(c) != std::string_view::npos) pattern += '\\';
    pattern += c;
  }
  return pattern;
}

// Padding is never read back, so it needs no checksum.
ValuesConfig padding_of(ValuesConfig values) {
  if (values.content == ValueContent::verified) values.content = ValueContent::random;
  return values;
}

void check_roles(const RunConfig& config, std::vector<ConfigProblem>& found) {
  const std::uint64_t connections = config.topology.connections();
  if (connections < 2) {
    found.push_back({"topology.max_connections", std::to_string(config.topology.max_connections),
                     "at least 2 connections: a publisher and a subscriber"});
    return;
  }
  const PubSubRoles roles = roles_of(config);
  if (roles.subscribers >= connections) {
    found.push_back(
        {"workload.options.subscribers", std::to_string(roles.subscribers),
         "fewer than the " + std::to_string(connections) + " connections: at least one publishes"});
    return;
  }
  if (roles.patterns > roles.subscribers) {
    found.push_back({"workload.options.patterns", std::to_string(roles.patterns),
                     "at most the " + std::to_string(roles.subscribers) + " subscribers"});
  }
  const double channels = round_number(config, "channels", kChannels);
  const double positions =
      channels * static_cast<double>(roles.publishers()) * static_cast<double>(roles.subscribers);
  if (positions > kMostPositions) {
    found.push_back({"workload.options.channels",
                     std::to_string(static_cast<std::uint64_t>(channels)),
                     "publishers × channels × subscribers of at most 16,777,216"});
  }
}

std::vector<ConfigProblem> problems(const RunConfig& config) {
  std::vector<ConfigProblem> found;
  check_roles(config, found);
  if (config.target.protocol == 2) {
    found.push_back({"target.protocol", "2", "3 (or not given): messages arrive as RESP3 pushes"});
  }
  if (config.topology.checkout == Checkout::per_operation) {
    found.push_back({"topology.checkout", "per_operation",
                     "pinned: a subscriber's connection stays with its worker"});
  }
  if (!config.workload.weights.empty()) {
    found.push_back({"workload.weights", "given", "none: pub_sub has one operation, PUBLISH"});
  }
  try {
    const std::uint64_t smallest = ValueSizes::of(config.values).smallest();
    if (smallest < sizeof(MessageHeader)) {
      found.push_back({config.values.sizes ? "values.sizes" : "values.size_bytes",
                       std::to_string(smallest),
                       "at least " + std::to_string(sizeof(MessageHeader)) +
                           " bytes: every message begins with its number and its time"});
    }
  } catch (const std::invalid_argument&) {  // a problem that the registry reports
  }
  return found;
}

std::size_t room(std::size_t total, std::size_t among) {
  return std::clamp<std::size_t>(total / std::max<std::size_t>(among, 1), 16, 1 << 16);
}

}  // namespace

PubSub::PubSub(const RunConfig& config, std::uint64_t seed, const TimeSource& clock)
    : roles_(roles_of(config)),
      seed_(seed),
      clock_(clock),
      grace_ns_(config.timeouts.grace.count()),
      window_(config.pipeline),
      values_(padding_of(config.values)),
      labels_{{"PUBLISH", ""}} {
  std::uint64_t mix = seed;
  run_ = static_cast<std::uint32_t>(splitmix64(mix));
  const std::string prefix = channel_prefix(config.keys);
  pattern_ = escaped(prefix) + "*";
  const auto channels = static_cast<std::size_t>(round_number(config, "channels", kChannels));
  for (std::size_t c = 0; c < channels; ++c) {
    channels_.push_back(channel_name(prefix, c));
    heads_.push_back("*3\r\n$7\r\nPUBLISH\r\n$" + std::to_string(channels_.back().size()) + "\r\n" +
                     channels_.back() + "\r\n$");
  }
  endings_ = std::make_unique<Ending[]>(roles_.publishers());
}

std::unique_ptr<OperationStream> PubSub::stream(std::uint64_t connection,
                                                std::uint64_t /*connections*/,
                                                WorkloadEvents& events) const {
  if (roles_.subscribes(connection)) return std::make_unique<Subscriber>(*this, connection, events);
  return std::make_unique<Publisher>(*this, connection, events);
}

// The label names no command, so that its stream hears of every sending: see Publisher::sent().
std::vector<Tally> PubSub::tallies() const {
  return {{Tally::Kind::sent, "PUBLISH"},       {Tally::Kind::counter, "published"},
          {Tally::Kind::counter, "receivers"},  {Tally::Kind::counter, "delivered"},
          {Tally::Kind::counter, "duplicated"}, {Tally::Kind::counter, "out_of_order"},
          {Tally::Kind::counter, "foreign"}};
}

std::size_t PubSub::most_ranges() const { return room(1 << 21, lanes()); }
std::size_t PubSub::most_gaps() const { return room(1 << 21, roles_.subscribers); }

WorkloadReport PubSub::report(const std::vector<const OperationStream*>& streams) const {
  std::vector<const Publisher*> publishers;
  std::vector<const Subscriber*> subscribers(roles_.subscribers);
  for (const OperationStream* stream : streams) {
    if (const auto* one = dynamic_cast<const Publisher*>(stream)) publishers.push_back(one);
    if (const auto* one = dynamic_cast<const Subscriber*>(stream)) subscribers[one->number()] = one;
  }
  Balance balance;
  balance.subscribers.resize(subscribers.size());
  std::uint64_t published = 0, receivers = 0, unknown = 0;
  std::vector<std::vector<Gap>> gaps(subscribers.size());
  for (const Publisher* publisher : publishers) {
    const PublisherBook* const book = publisher->book();
    if (book == nullptr) continue;
    published += book->published();
    receivers += book->receivers();
    unknown += book->unknown();
    for (std::size_t c = 0; c < channels_.size(); ++c) {
      const PublishedLane lane = book->lane(c);
      for (std::size_t s = 0; s < subscribers.size(); ++s)
        gaps[s] = subscribers[s]->gaps(publisher->number() * channels_.size() + c, lane.sent);
      add_lane(lane, gaps, balance);
    }
  }
  WorkloadReport report = table(subscribers, balance);
  report.counters.insert(report.counters.end(), {{"published", published},
                                                 {"receivers", receivers},
                                                 {"unknown", unknown},
                                                 {"other_receivers", balance.other_receivers},
                                                 {"uncounted", balance.uncounted}});
  return report;
}

WorkloadReport PubSub::table(const std::vector<const Subscriber*>& subscribers,
                             const Balance& balance) const {
  WorkloadReport report;
  report.table = "subscribers";
  Deliveries sum;
  std::uint64_t duplicated = 0, out_of_order = 0;
  const auto number = [](std::uint64_t value) { return static_cast<std::int64_t>(value); };
  for (std::size_t s = 0; s < subscribers.size(); ++s) {
    const Subscriber& one = *subscribers[s];
    const Deliveries& found = balance.subscribers[s];
    report.rows.push_back({{{"connection", number(one.connection())},
                            {"delivered", number(found.delivered)},
                            {"lost", number(found.lost)},
                            {"absent", number(found.absent)},
                            {"duplicated", number(one.duplicated())},
                            {"out_of_order", number(one.out_of_order())},
                            {"unconfirmed", number(found.unconfirmed)},
                            {"reconnects", number(one.reconnects())}}});
    sum.delivered += found.delivered;
    sum.lost += found.lost;
    sum.absent += found.absent;
    sum.unconfirmed += found.unconfirmed;
    duplicated += one.duplicated();
    out_of_order += one.out_of_order();
  }
  report.counters = {{"delivered", sum.delivered},        {"lost", sum.lost},
                     {"missed_while_absent", sum.absent}, {"unconfirmed", sum.unconfirmed},
                     {"duplicated", duplicated},          {"out_of_order", out_of_order}};
  return report;
}

WorkloadKind pub_sub() {
  static const MonotonicClock clock;
  WorkloadKind kind;
  kind.name = "pub_sub";
  kind.doc = "publishers and subscribers; every message accounted for, deliveries timed";
  kind.options = {
      {"subscribers", 0, 0, 1e6, "how many of the connections subscribe; 0: half of them"},
      {"channels", kChannels, 1, kMostChannels, "channels; every subscriber hears all of them"},
      {"patterns", 0, 0, 1e6, "how many of the subscribers use PSUBSCRIBE with one pattern"}};
  kind.problems = problems;
  kind.make = [](const RunConfig& config, std::uint64_t seed) {
    return std::make_shared<const PubSub>(config, seed, clock);
  };
  return kind;
}

}  // namespace redisload
