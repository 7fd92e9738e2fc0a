#include "redisload/workload/workload_registry.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace redisload {
namespace {

RunConfig named(const std::string& name) {
  RunConfig config;
  config.workload.name = name;
  return config;
}

TEST(WorkloadRegistry, MakesEveryWorkloadByItsName) {
  const auto names = workload_names();
  ASSERT_NE(std::ranges::find(names, "basic_rw"), names.end());
  for (const auto& name : names) {
    RunConfig config = named(name);
    if (name == "custom") config.workload.commands = {{"GET {key}", 1.0, std::nullopt}};
    config.topology.max_connections = 50;
    config.values.size_bytes = 64;
    const auto workload = make_workload(config, 1);
    ASSERT_NE(workload, nullptr);
    EXPECT_FALSE(workload->labels().empty());
  }
}

TEST(WorkloadRegistry, AnUnknownNameGetsTheNearestValidOne) {
  for (const std::string typo : {"basic_wr", "basicrw", "basic-rw", "Basic_RW"}) {
    const auto problems = workload_problems(named(typo));
    ASSERT_EQ(problems.size(), 1u);
    EXPECT_EQ(problems[0].path, "workload.name");
    EXPECT_EQ(problems[0].given, typo);
    EXPECT_NE(problems[0].allowed.find("did you mean basic_rw?"), std::string::npos) << typo;
  }
  const auto far = workload_problems(named("something_else_entirely"));
  EXPECT_EQ(far.at(0).allowed.find("did you mean"), std::string::npos);
  EXPECT_NE(far.at(0).allowed.find("one of: basic_rw"), std::string::npos);
  EXPECT_THROW(make_workload(named("basic_wr"), 1), ConfigError);
}

TEST(WorkloadRegistry, AWorkloadsOwnProblemsAreThrownTogether) {
  RunConfig config;
  config.workload.weights = {{"SET", -1}, {"NOPE", 1}};
  try {
    make_workload(config, 1);
    FAIL() << "accepted";
  } catch (const ConfigError& error) {
    EXPECT_EQ(error.problems().size(), 2u);
  }
}

TEST(WorkloadRegistry, TheSeedReachesTheWorkload) {
  const auto first = [](std::uint64_t seed) {
    const auto workload = make_workload(RunConfig{}, seed);
    OutputBuffer out;
    NoWorkloadEvents events;
    const auto stream = workload->stream(0, 1, events);
    for (int i = 0; i < 10; ++i) stream->encode(stream->next(), out);
    return std::string(out.view());
  };
  EXPECT_EQ(first(1), first(1));
  EXPECT_NE(first(1), first(2));
}

}  // namespace
}  // namespace redisload
