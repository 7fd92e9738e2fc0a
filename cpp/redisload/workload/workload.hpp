// A workload says which operation is next, how it reads as a command, and what its reply means.
//
// A Workload is immutable and shared by all workers; what changes lives in an OperationStream, one
// per logical connection (MEASURING R16): the k-th operation of a stream depends on the run's seed
// and the stream's number alone. Streams and encode() are on the hot path: no lock, no allocation.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "redisload/base/operation.hpp"
#include "redisload/base/output_buffer.hpp"
#include "redisload/base/reply.hpp"
#include "redisload/base/time_source.hpp"

namespace redisload {

// One kind of operation; its index in Workload::labels() is OperationRequest::label.
struct OperationLabel {
  std::string name;  // how results name it: "GET", "SET#2", or what the user called it
  std::string
      command;  // as the server's commandstats counts it, upper case: "GET", "CLIENT|SETNAME"
  bool reads_keys = false;  // its replies count hits and misses
};

// What a reply means for its operation.
struct ReplyMeaning {
  bool failed = false;       // an error reply
  std::uint32_t hits = 0;    // keys found, of those read
  std::uint32_t misses = 0;  // keys not found
};

// What an operation does after its reply (or fault): it is done; or it sends its next command, on
// the same connection and with the same intended time; or it sends it at `until_ns`.
struct NextStep {
  enum class Kind : std::uint8_t { done, another_command, wait_until };
  Kind kind = Kind::done;
  std::int64_t until_ns = 0;
};

// Operations of one logical connection; used by one worker.
class OperationStream {
 public:
  virtual ~OperationStream() = default;
  virtual OperationRequest next() = 0;
};

class Workload {
 public:
  virtual ~Workload() = default;

  virtual const std::vector<OperationLabel>& labels() const = 0;

  // The stream of logical connection `connection` of `connections` in all.
  virtual std::unique_ptr<OperationStream> stream(std::uint64_t connection,
                                                  std::uint64_t connections) const = 0;

  // Appends the operation's RESP form; returns how many replies the server will send for it.
  virtual int encode(const OperationRequest& request, OutputBuffer& out) const = 0;

  // Reads one reply of the operation.
  virtual ReplyMeaning read(const OperationRequest& request, const Reply& reply) const = 0;

  // After its last reply; may change the request's stage.
  virtual NextStep after(OperationRequest& request, Outcome /*outcome*/,
                         std::int64_t /*now_ns*/) const {
    (void)request;
    return {};
  }

  // Prefill: operations that write every key of the keyspace exactly once; idempotent, so a lost
  // one may be sent again. Labelled apart: their label is an index into prefill_labels().
  virtual const std::vector<OperationLabel>& prefill_labels() const = 0;
  virtual std::uint64_t prefill_count() const = 0;
  virtual OperationRequest prefill(std::uint64_t index) const = 0;
  virtual int encode_prefill(const OperationRequest& request, OutputBuffer& out) const = 0;

  // Cleanup: operations that remove every key that the run may have written.
  virtual const std::vector<OperationLabel>& cleanup_labels() const = 0;
  virtual std::uint64_t cleanup_count() const = 0;
  virtual OperationRequest cleanup(std::uint64_t index) const = 0;
  virtual int encode_cleanup(const OperationRequest& request, OutputBuffer& out) const = 0;

  // The share of reads that miss because of the workload itself (DEL), 0 … 1: more than this plus
  // one point is a warning (MEASURING R14).
  virtual double expected_miss_share() const = 0;
};

}  // namespace redisload
