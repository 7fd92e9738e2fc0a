// What a run asks of the server and the machine around the load.
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <fstream>

#include "redisload/run/run.hpp"

namespace redisload {
namespace {

constexpr int kPings = 20;
constexpr std::int64_t kPingTime = 250 * kMillisecond;  // a distant target gets fewer of them
constexpr std::int64_t kSilence = 250 * kMillisecond;
constexpr Duration kHurried = std::chrono::milliseconds(150);

bool same_address(const sockaddr* a, const sockaddr* b) {
  if (a == nullptr || a->sa_family != b->sa_family) return false;
  if (a->sa_family == AF_INET) {
    return reinterpret_cast<const sockaddr_in*>(a)->sin_addr.s_addr ==
           reinterpret_cast<const sockaddr_in*>(b)->sin_addr.s_addr;
  }
  return a->sa_family == AF_INET6 &&
         std::memcmp(&reinterpret_cast<const sockaddr_in6*>(a)->sin6_addr,
                     &reinterpret_cast<const sockaddr_in6*>(b)->sin6_addr, sizeof(in6_addr)) == 0;
}

// Whether an address is one of this machine's own.
bool is_local(const Address& address) {
  if (address.family() == AF_UNIX) return true;
  if (address.family() == AF_INET) {
    const auto* raw = reinterpret_cast<const sockaddr_in*>(address.raw());
    if ((ntohl(raw->sin_addr.s_addr) >> 24) == 127) return true;
  }
  ifaddrs* all = nullptr;
  if (getifaddrs(&all) != 0) return false;
  bool local = false;
  for (const ifaddrs* one = all; one != nullptr; one = one->ifa_next)
    local = local || same_address(one->ifa_addr, address.raw());
  freeifaddrs(all);
  return local;
}

std::optional<double> number(const std::map<std::string, std::string>& fields,
                             const std::string& name) {
  const auto found = fields.find(name);
  if (found == fields.end()) return std::nullopt;
  double value = 0;
  const std::string& text = found->second;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return std::nullopt;
  return value;
}

// Processor seconds of the thread that runs commands; of the whole server where it does not say.
std::optional<double> server_cpu_s(const std::map<std::string, std::string>& info) {
  for (const std::string suffix : {"_main_thread", ""}) {
    const auto user = number(info, "used_cpu_user" + suffix);
    const auto system = number(info, "used_cpu_sys" + suffix);
    if (user && system) return *user + *system;
  }
  return std::nullopt;
}

std::uint64_t growth(const std::map<std::string, std::string>& before,
                     const std::map<std::string, std::string>& after, const std::string& name) {
  const double grown = number(after, name).value_or(0) - number(before, name).value_or(0);
  return grown > 0 ? static_cast<std::uint64_t>(grown) : 0;
}

// This machine's processor time so far: all, idle, and what its host took (proc(5), /proc/stat).
ProcessorTimes processor_times() {
  constexpr int kIdle = 3;
  constexpr int kIoWait = 4;
  constexpr int kSteal = 7;
  std::ifstream stat("/proc/stat");
  std::string word;
  stat >> word;
  ProcessorTimes times;
  double value = 0;
  for (int column = 0; column <= kSteal && stat >> value; ++column) {
    times.total += value;
    if (column == kIdle || column == kIoWait) times.idle += value;
    if (column == kSteal) times.steal = value;
  }
  return times;
}

constexpr const char* kServerFacts[] = {"redis_version",
                                        "valkey_version",
                                        "server_name",
                                        "redis_mode",
                                        "role",
                                        "os",
                                        "process_id",
                                        "io_threads_active",
                                        "maxmemory_human",
                                        "maxmemory_policy",
                                        "aof_enabled",
                                        "connected_slaves",
                                        "used_memory"};
constexpr const char* kServerSettings[] = {"maxmemory",  "maxmemory-policy", "io-threads",
                                           "appendonly", "appendfsync",      "save",
                                           "maxclients"};

}  // namespace

void Run::open_control() {
  const Duration timeout =
      std::min<Duration>(plan_.config.timeouts.response, std::chrono::seconds(1));
  for (const Address& address : setup_.addresses) {
    control_ = std::make_unique<ControlConnection>(address, plan_.config.target,
                                                   control_connection_name(plan_), timeout);
    const std::lock_guard lock(mutex_);
    facts_.observed.same_host = is_local(address);
    if (control_->connected()) break;
  }
  measure_base_rtt();
}

void Run::measure_base_rtt() {
  Histogram round_trips;
  const std::int64_t start_ns = clock_.now_ns();
  for (int i = 0; i < kPings && control_->connected(); ++i) {
    const std::int64_t before_ns = clock_.now_ns();
    if (before_ns - start_ns > kPingTime) break;
    if (control_->ask({"PING"})) round_trips.record(clock_.now_ns() - before_ns);
  }
  const std::lock_guard lock(mutex_);
  if (round_trips.count() != 0) facts_.base_rtt.push_back(round_trips);
}

void Run::observe_server(bool before) {
  // A run that ends does not wait for a server that no longer answers, nor does a user who stopped
  // it.
  const StopReason reason = stop_reason_;
  const bool hurried = reason == StopReason::interrupted || reason == StopReason::stopped ||
                       facts_.observed.silent_at_end_ns > kSilence;
  if (!before && hurried) control_->set_timeout(kHurried);
  auto info = control_->info();
  const std::int64_t now_ns = clock_.now_ns();
  if (before) {
    info_before_ = std::move(info);
    processor_before_ = processor_times();
    info_before_ns_ = now_ns;
    std::map<std::string, std::string> facts;
    for (const char* name : kServerFacts) {
      if (const auto found = info_before_.find(name); found != info_before_.end())
        facts.insert(*found);
    }
    // A server that takes its time over each question must not hold up the window.
    const std::int64_t until_ns = now_ns + kSecond;
    for (const char* name : kServerSettings) {
      if (clock_.now_ns() >= until_ns) break;
      for (const auto& pair : control_->ask_pairs({"CONFIG", "GET", name})) facts.insert(pair);
    }
    const std::lock_guard lock(mutex_);
    facts_.server = std::move(facts);
    return;
  }
  const std::lock_guard lock(mutex_);
  Observations& observed = facts_.observed;
  observed.control_lost = info.empty();
  const ProcessorTimes times = processor_times();
  if (const double passed = times.total - processor_before_.total; passed > 0) {
    observed.steal_share = (times.steal - processor_before_.steal) / passed;
    observed.idle_share = (times.idle - processor_before_.idle) / passed;
  }
  const auto cpu_before = server_cpu_s(info_before_);
  const auto cpu_after = server_cpu_s(info);
  if (cpu_before && cpu_after && now_ns > info_before_ns_ && *cpu_after >= *cpu_before) {
    observed.server_cpu =
        (*cpu_after - *cpu_before) * 1e9 / static_cast<double>(now_ns - info_before_ns_);
  }
  if (!info.empty()) {
    observed.evicted_keys = growth(info_before_, info, "evicted_keys");
    observed.expired_keys = growth(info_before_, info, "expired_keys");
  }
}

void Run::observe_window(std::int64_t start_ns, std::int64_t end_ns) {
  const auto busy = busy_now();
  const std::int64_t last_ns = latest(&WorkerStatus::last_answer_ns);
  const std::int64_t now_ns = clock_.now_ns();
  const std::lock_guard lock(mutex_);
  if (paused_since_ns_ != kNever) {  // stopped while paused
    paused_total_ns_ += std::max<std::int64_t>(0, end_ns - paused_since_ns_);
    paused_since_ns_ = kNever;
  }
  Observations& observed = facts_.observed;
  observed.window_ns = std::max<std::int64_t>(0, end_ns - start_ns - paused_total_ns_);
  observed.silent_at_end_ns = std::max<std::int64_t>(0, end_ns - last_ns);
  for (std::size_t w = 0; w < busy.size(); ++w) {
    const auto wall = static_cast<double>(std::max<std::int64_t>(1, now_ns - start_ns));
    observed.worker_busy.push_back(static_cast<double>(busy[w] - busy_before_[w]) / wall);
  }
}

// Exactly one key each (MEASURING R14): as many in the database as there should be, or more where
// others stand in it too.
void Run::check_prefill() {
  const auto found = control_->ask({"DBSIZE"});
  const std::lock_guard lock(mutex_);
  facts_.observed.keys_expected = workload_->prefill_keys();
  facts_.observed.prefill_operations = workload_->prefill_count();
  if (found) facts_.observed.keys_found = std::strtoull(found->c_str(), nullptr, 10);
}

}  // namespace redisload
