#include "redisload/run/worker_base.hpp"

#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <ctime>

namespace redisload {

void settle_thread(std::uint32_t worker, const std::optional<int>& cpu) {
  const std::string name = "redisload-w" + std::to_string(worker);
  pthread_setname_np(pthread_self(), name.substr(0, 15).c_str());
  // The kernel may round a sleep up by 50 µs to batch wake-ups: arrivals would start that late.
  prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
  if (cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(static_cast<std::size_t>(*cpu), &set);
    pthread_setaffinity_np(pthread_self(), sizeof set, &set);
  }
}

std::int64_t thread_cpu_ns() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return t.tv_sec * kSecond + t.tv_nsec;
}

long thread_preemptions() {
  rusage usage{};
  getrusage(RUSAGE_THREAD, &usage);
  return usage.ru_nivcsw;
}

// A target may answer every operation with an error.
std::uint8_t reply_error_kind(Recorder& recorder, std::string_view text) {
  constexpr std::string_view kClass = "reply.";
  std::array<char, 64> name{};
  const std::string_view code = error_code(text);
  std::copy(kClass.begin(), kClass.end(), name.begin());
  std::copy(code.begin(), code.end(), name.begin() + kClass.size());
  return recorder.error_kind({name.data(), kClass.size() + code.size()});
}

void count_handshake(const Connection& connection, std::map<std::string, std::uint64_t>& counts) {
  for (std::size_t i = 0; i < connection.handshake_sent(); ++i)
    ++counts[connection.handshake().steps[i].command];
}

}  // namespace redisload
