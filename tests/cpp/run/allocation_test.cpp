// MEASURING R10: nothing is allocated on the path of an operation. operator new is counted here, so
// this is an executable of its own.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "support/run_checks.hpp"
#include "support/stepped_workload.hpp"
#include "support/worker_rig.hpp"

namespace {

thread_local bool counts_here = false;
std::atomic<std::uint64_t> allocations{0};

void* counted(std::size_t size) {
  if (counts_here) allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}

}  // namespace

// Not inlined: the compiler would see free() of what it takes for memory of its own operator new.
[[gnu::noinline]] void* operator new(std::size_t size) { return counted(size); }
[[gnu::noinline]] void* operator new[](std::size_t size) { return counted(size); }
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete[](void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

namespace redisload {
namespace {

using namespace std::chrono_literals;
using test::SteppedWorkload;
using test::TestServer;
using test::WorkerRig;

struct Load {
  const char* name;
  std::uint64_t pipeline;
  bool open_loop;
  const char* reply;
};

class Allocation : public ::testing::TestWithParam<Load> {};

// Counted by the worker's thread alone, from its 2,000th operation to its 10,000th.
TEST_P(Allocation, NothingIsAllocatedPerOperation) {
  const Load load = GetParam();
  TestServer server([load](const TestServer::Command& command) {
    return command.is_operation ? TestServer::Answer{load.reply, false, {}}
                                : TestServer::usual(command);
  });
  SteppedWorkload workload({{{"GET", "k"}, 1, NextStep::Kind::done, 0}});
  std::uint64_t drawn = 0;
  bool counted_all = false;
  workload.on_next = [&] {
    ++drawn;
    if (drawn == 2'000) counts_here = true;
    if (drawn == 10'000) {
      counts_here = false;
      counted_all = true;
    }
  };
  RunConfig config = test::small_run(server);
  config.interval = 1h;
  config.pipeline = load.pipeline;
  config.operations = 10'500;
  config.sample_rate = 1;
  if (load.open_loop) config.rate = 20'000;
  allocations = 0;
  WorkerRig rig(config, workload);
  ASSERT_TRUE(rig.connect());
  ASSERT_TRUE(rig.measure(Duration::max(), 1s));
  const MetricsSnapshot metrics = rig.finish();
  EXPECT_EQ(metrics.totals.counts.succeeded + metrics.totals.counts.failed, 10'500U);
  EXPECT_TRUE(counted_all);
  EXPECT_EQ(allocations.load(), 0U);
}

INSTANTIATE_TEST_SUITE_P(Each, Allocation,
                         ::testing::Values(Load{"ClosedLoop", 1, false, "$3\r\nfoo\r\n"},
                                           Load{"Pipelined", 16, false, "$3\r\nfoo\r\n"},
                                           Load{"OpenLoop", 16, true, "$3\r\nfoo\r\n"},
                                           Load{"ErrorReplies", 16, false,
                                                "-MASTERDOWN Link with MASTER is down\r\n"}),
                         [](const auto& each) { return each.param.name; });

TEST(AllocationCount, SeesWhatIsAllocated) {
  allocations = 0;
  counts_here = true;
  delete new std::string(100, 'x');
  counts_here = false;
  EXPECT_GE(allocations.load(), 1U);
}

}  // namespace
}  // namespace redisload
