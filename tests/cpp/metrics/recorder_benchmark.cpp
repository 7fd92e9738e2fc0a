// What recording an operation costs (MEASURING R11: at most 10 ns): prints nanoseconds per
// succeeded operation with both histograms, counters, interval boundaries and sampling.
// Latencies and operations are drawn beforehand; the loop without recording is subtracted.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <vector>

#include "redisload/base/random.hpp"
#include "redisload/metrics/collector.hpp"

namespace {

using redisload::Collector;
using redisload::Phase;
using redisload::Recorder;
using redisload::Sample;

constexpr std::size_t kDrawn = 1 << 11;
constexpr std::size_t kOperations = 1 << 24;
constexpr std::size_t kPerPoll = 1 << 16;

// Small, so that the benchmark's own memory does not push the recorder's out of the cache.
struct Drawn {
  std::uint32_t wait_ns;     // intended to sent
  std::uint32_t service_ns;  // sent to completed
  std::uint16_t label;
};

std::vector<Drawn> drawn_operations() {
  redisload::Random random(1);
  std::vector<Drawn> operations(kDrawn);
  for (Drawn& op : operations) {
    // Log-normal around 100 µs, as round trips are.
    const double u = random.unit_positive();
    const double normal = std::sqrt(-2 * std::log(u)) * std::cos(6.283185307 * random.unit());
    op.service_ns = static_cast<std::uint32_t>(100e3 * std::exp(0.5 * normal));
    op.wait_ns = static_cast<std::uint32_t>(random.below(20'000));
    op.label = static_cast<std::uint16_t>(random.below(4));
  }
  return operations;
}

// CPU time of this thread: what the host takes away meanwhile does not count.
double cpu_ns() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
}

double measure(const std::vector<Drawn>& operations, double sample_rate, bool record) {
  redisload::CollectorOptions options;
  options.layout.labels = {{"SET", "SET"}, {"GET", "GET"}, {"DEL", "DEL"}, {"INCR", "INCR"}};
  options.layout.operation_labels = 4;
  options.interval_ns = 1'000'000'000;
  options.sample_rate = sample_rate;
  options.sample_limit = 10'000'000;
  Collector collector(options);
  Recorder& recorder = collector.recorder(0);
  recorder.begin_phase(Phase::measure, 0);
  std::int64_t now_ns = 0;
  double spent = 0;
  std::size_t done = 0;
  while (done < kOperations) {
    const double start = cpu_ns();
    for (std::size_t i = 0; i < kPerPoll; ++i) {
      const Drawn& drawn = operations[i % kDrawn];
      now_ns += 500;
      Sample op;
      op.intended_ns = now_ns;
      op.sent_ns = now_ns + drawn.wait_ns;
      op.completed_ns = op.sent_ns + drawn.service_ns;
      op.label = drawn.label;
      op.bytes = 5;
      if (record) {
        recorder.advance(now_ns);
        recorder.sent(op.label, true, 40);
        recorder.succeeded(op, 1, 0);
      } else {
        asm volatile("" : : "r"(&op) : "memory");
      }
    }
    spent += cpu_ns() - start;
    done += kPerPoll;
    collector.poll();  // the collector's work is not the worker's
  }
  return spent / kOperations;
}

}  // namespace

int main() {
  const std::vector<Drawn> operations = drawn_operations();
  for (const double rate : {0.0, 0.01, 1.0}) {
    std::vector<double> recording;
    std::vector<double> loop;
    for (int round = 0; round < 9; ++round) {
      recording.push_back(measure(operations, rate, true));
      loop.push_back(measure(operations, rate, false));
    }
    std::sort(recording.begin(), recording.end());
    std::sort(loop.begin(), loop.end());
    std::printf(
        "sample_rate %4.2f: %5.2f ns an operation (best; median %.2f), loop without recording "
        "%.2f ns subtracted\n",
        rate, recording[0] - loop[0], recording[4] - loop[4], loop[0]);
  }
  return 0;
}
