// A workload whose operations take several commands: another at once, another after a wait, several
// replies each. For what the engine must be able to carry, before workloads need it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "redisload/net/handshake.hpp"
#include "redisload/workload/workload.hpp"

namespace redisload::test {

class SteppedWorkload : public Workload {
 public:
  struct Step {
    std::vector<std::string> words;
    int replies = 1;                             // commands sent together; `words` is repeated
    NextStep::Kind then = NextStep::Kind::done;  // after its last reply
    std::int64_t wait_ns = 0;                    // for wait_until
  };

  explicit SteppedWorkload(std::vector<Step> steps)
      : steps_(std::move(steps)), labels_{{"STEPS", "STEPS", false}} {
    for (const Step& step : steps_) {
      std::string bytes;
      for (int i = 0; i < step.replies; ++i) bytes += format_command(step.words);
      encoded_.push_back(std::move(bytes));
    }
  }

  const std::vector<OperationLabel>& labels() const override { return labels_; }
  std::unique_ptr<OperationStream> stream(std::uint64_t, std::uint64_t,
                                          WorkloadEvents&) const override {
    return std::make_unique<Stream>(*this);
  }

  const std::vector<OperationLabel>& prefill_labels() const override { return none_; }
  std::uint64_t prefill_count() const override { return 0; }
  OperationRequest prefill(std::uint64_t) const override { return {}; }
  int encode_prefill(const OperationRequest&, OutputBuffer&) const override { return 0; }
  const std::vector<OperationLabel>& cleanup_labels() const override { return none_; }
  std::uint64_t cleanup_count() const override { return 0; }
  OperationRequest cleanup(std::uint64_t) const override { return {}; }
  int encode_cleanup(const OperationRequest&, OutputBuffer&) const override { return 0; }
  double expected_miss_share() const override { return 1; }

  // Called by the worker's thread for every operation drawn.
  std::function<void()> on_next = [] {};

 private:
  class Stream final : public OperationStream {
   public:
    explicit Stream(const SteppedWorkload& workload) : workload_(workload) {}
    OperationRequest next() override {
      workload_.on_next();
      return {};
    }

    int encode(const OperationRequest& request, OutputBuffer& out) override {
      out.append(workload_.encoded_[request.stage]);
      return workload_.steps_[request.stage].replies;
    }
    ReplyMeaning read(OperationRequest&, const Reply& reply) override {
      ReplyMeaning meaning;
      meaning.failed = reply.is_error();
      if (reply.type == '$') (reply.nil ? meaning.misses : meaning.hits) = 1;
      return meaning;
    }
    NextStep after(OperationRequest& request, Outcome, std::int64_t now_ns) override {
      const Step& step = workload_.steps_[request.stage];
      if (step.then != NextStep::Kind::done) ++request.stage;
      return {step.then, now_ns + step.wait_ns};
    }

   private:
    const SteppedWorkload& workload_;
  };

  std::vector<Step> steps_;
  std::vector<std::string> encoded_;
  std::vector<OperationLabel> labels_;
  std::vector<OperationLabel> none_;
};

}  // namespace redisload::test
