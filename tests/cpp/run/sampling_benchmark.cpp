// What sampling at 1 % and live progress cost within one run (MEASURING R11): both go on and off
// every 500 ms, and each period's CPU of the process per operation is printed, one line a period:
// "on|off nanoseconds". Usage: sampling_benchmark PORT SECONDS [PIPELINE]
#include <cstdio>
#include <cstdlib>

#include "redisload/run/run.hpp"
#include "redisload/run/switched_sampling.hpp"

int main(int argc, char** argv) {
  using namespace redisload;
  if (argc < 3) {
    std::fprintf(stderr, "usage: sampling_benchmark PORT SECONDS [PIPELINE]\n");
    return 2;
  }
  RunConfig config;
  config.target.port = static_cast<std::uint16_t>(std::atoi(argv[1]));
  config.duration = std::chrono::seconds(std::atoi(argv[2]));
  config.pipeline = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 16;
  config.keys.count = 100'000;
  config.prefill = false;
  config.sample_rate = 0.01;
  config.workload.weights = {{"SET", 1}, {"GET", 1}};
  try {
    Run run(config);
    // As the live display does: a snapshot four times a second.
    while (!run.wait(std::chrono::milliseconds(250))) {
      if (SwitchedSampling::on()) run.results();
    }
    run.raise_error();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  for (const SwitchedPeriod& period : SwitchedSampling::periods()) {
    if (period.operations == 0) continue;
    std::printf("%s %.3f\n", period.on ? "on" : "off",
                static_cast<double>(period.cpu_ns) / static_cast<double>(period.operations));
  }
  return 0;
}
