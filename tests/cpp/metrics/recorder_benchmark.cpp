// What recording an operation costs (MEASURING R11: at most 10 ns): prints nanoseconds per
// succeeded operation with both histograms, counters, interval boundaries and sampling.
// Latencies and operations are drawn beforehand; the loop without recording is subtracted.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <vector>

#include "redisload/base/random.hpp"
#include "redisload/metrics/collector.hpp"

namespace {

using redisload::Collector;
using redisload::Phase;
using redisload::Recorder;
using redisload::Sample;

constexpr std::size_t kDrawn = 1 << 14;
constexpr std::size_t kOperations = 20'000'000;
constexpr std::size_t kPerPoll = 1 << 16;

std::vector<Sample> drawn_operations() {
  redisload::Random random(1);
  std::vector<Sample> operations(kDrawn);
  for (Sample& op : operations) {
    // Log-normal around 100 µs, as round trips are.
    const double u = random.unit_positive();
    const double normal = std::sqrt(-2 * std::log(u)) * std::cos(6.283185307 * random.unit());
    op.completed_ns = static_cast<std::int64_t>(100e3 * std::exp(0.5 * normal));
    op.sent_ns = static_cast<std::int64_t>(random.below(20'000));
    op.completed_ns += op.sent_ns;
    op.intended_ns = 0;
    op.label = static_cast<std::uint16_t>(random.below(4));
    op.bytes = 5;
  }
  return operations;
}

template <typename Body>
double ns_per_operation(const Body& body) {
  const auto start = std::chrono::steady_clock::now();
  body();
  const std::chrono::duration<double, std::nano> spent = std::chrono::steady_clock::now() - start;
  return spent.count() / kOperations;
}

double measure(const std::vector<Sample>& operations, double sample_rate, bool record) {
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
    spent += ns_per_operation([&] {
      for (std::size_t i = 0; i < kPerPoll; ++i) {
        Sample op = operations[i % kDrawn];
        now_ns += 500;
        op.completed_ns += now_ns;
        op.sent_ns += now_ns;
        op.intended_ns += now_ns;
        if (record) {
          recorder.advance(now_ns);
          recorder.sent(op.label, true, 40);
          recorder.succeeded(op, 1, 0);
        } else {
          asm volatile("" : : "r"(&op) : "memory");
        }
      }
    });
    done += kPerPoll;
    collector.poll();  // the collector's work is not the worker's
  }
  return spent;
}

}  // namespace

int main() {
  const std::vector<Sample> operations = drawn_operations();
  for (const double rate : {0.0, 0.01, 1.0}) {
    double best = 1e9;
    double loop = 1e9;
    for (int round = 0; round < 5; ++round) {
      best = std::min(best, measure(operations, rate, true));
      loop = std::min(loop, measure(operations, rate, false));
    }
    std::printf("sample_rate %4.2f: %.2f ns an operation (loop without recording: %.2f ns)\n", rate,
                best - loop, loop);
  }
  return 0;
}
