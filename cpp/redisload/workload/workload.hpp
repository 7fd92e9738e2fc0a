// A workload says which operation is next, how it reads as a command, and what its reply means.
//
// A Workload is immutable and shared by all workers; what changes lives in an OperationStream, one
// per logical connection (MEASURING R16): the k-th operation of a stream depends on the run's seed
// and the stream's number alone. Streams are on the hot path: no lock, no allocation.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "redisload/base/operation.hpp"
#include "redisload/base/output_buffer.hpp"
#include "redisload/base/reply.hpp"
#include "redisload/base/time_source.hpp"
#include "redisload/base/workload_events.hpp"

namespace redisload {

// One kind of operation; its index in Workload::labels() is OperationRequest::label.
struct OperationLabel {
  std::string name;  // how results name it: "GET", "SET#2", or what the user called it
  // As the server's commandstats counts it, upper case: "GET", "CLIENT|SETNAME". Empty: an
  // operation of several commands, which its stream tallies itself in sent().
  std::string command;
  bool reads_keys = false;   // its replies count hits and misses
  bool wants_parts = false;  // its replies are shown to OperationStream::parts()
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

// One row of a table that a workload adds to the result, such as one subscriber.
struct ReportRow {
  std::vector<std::pair<std::string, std::int64_t>> values;
};
struct WorkloadReport {
  std::string table;  // result.report[table]; empty: none
  std::vector<ReportRow> rows;
  // Counters that only all streams together can tell, or tell exactly: in the place of tallies.
  std::vector<std::pair<std::string, std::uint64_t>> counters = {};
};

// Operations of one logical connection; used by one worker.
class OperationStream {
 public:
  virtual ~OperationStream() = default;
  virtual OperationRequest next() = 0;

  // Appends the operation's RESP form; returns how many replies the server will send for it. Called
  // again, it appends the same bytes.
  virtual int encode(const OperationRequest& request, OutputBuffer& out) = 0;

  // Its bytes went out (only asked where its label has no command).
  virtual void sent(const OperationRequest& /*request*/) {}

  // Reads one reply of the operation.
  virtual ReplyMeaning read(OperationRequest& request, const Reply& reply) = 0;

  // What failed the reply just read where it is no error itself: the text of an error within it, as
  // of a command in an EXEC.
  virtual std::string_view error() const { return {}; }

  // Sees the parts of the operation's next reply (where its label wants that).
  virtual ReplySink* parts(const OperationRequest& /*request*/) { return nullptr; }

  // After its last reply; may change the request's stage.
  virtual NextStep after(OperationRequest& /*request*/, Outcome /*outcome*/,
                         std::int64_t /*now_ns*/) {
    return {};
  }

  // Commands at the end of the connection's handshake, each confirmed by `confirmations` pushes,
  // and who takes what the server pushes (null: nobody).
  struct Subscription {
    std::vector<std::string> words;
    std::size_t confirmations = 1;
  };
  virtual std::vector<Subscription> subscriptions() const { return {}; }
  virtual PushHandler* pushes() { return nullptr; }
  // Its connection was lost, or stands again.
  virtual void disconnected(std::int64_t /*now_ns*/) {}
  virtual void connected(std::int64_t /*now_ns*/) {}
  // Its first operations of warm-up or of the measured window are next; `done`: the window is over.
  virtual void entered(Phase /*phase*/) {}
  // Everything that is to come has come: a phase may end. Asked again and again once the worker's
  // operations of the phase have all ended.
  virtual bool settled(std::int64_t /*now_ns*/) const { return true; }
  // Where it waits for what other streams send: when the last of these had ended its operations of
  // the phase; kNever: not all have. 0: it does not wait for others, or there was nothing to end.
  virtual std::int64_t others_ended_ns() const { return 0; }
};

class Workload {
 public:
  virtual ~Workload() = default;

  virtual const std::vector<OperationLabel>& labels() const = 0;

  // The stream of logical connection `connection` of `connections` in all; `events` outlives it.
  virtual std::unique_ptr<OperationStream> stream(std::uint64_t connection,
                                                  std::uint64_t connections,
                                                  WorkloadEvents& events) const = 0;

  // Whether operations go out on this connection; a subscriber's only receives.
  virtual bool sends(std::uint64_t /*connection*/, std::uint64_t /*connections*/) const {
    return true;
  }

  // What its streams tally and time.
  virtual std::vector<Tally> tallies() const { return {}; }
  virtual std::vector<std::string> series() const { return {}; }

  // Prefill: operations that write every key of the keyspace exactly once; idempotent, so a lost
  // one may be sent again. Labelled apart: their label is an index into prefill_labels().
  virtual const std::vector<OperationLabel>& prefill_labels() const = 0;
  virtual std::uint64_t prefill_count() const = 0;
  virtual OperationRequest prefill(std::uint64_t index) const = 0;
  virtual int encode_prefill(const OperationRequest& request, OutputBuffer& out) const = 0;
  // Whether this reply to one says that it failed; a group that is there already has not.
  virtual bool prefill_failed(const Reply& reply) const { return reply.is_error(); }
  // How many keys stand in the database after it.
  virtual std::uint64_t prefill_keys() const { return prefill_count(); }

  // Cleanup: operations that remove every key that the run may have written.
  virtual const std::vector<OperationLabel>& cleanup_labels() const = 0;
  virtual std::uint64_t cleanup_count() const = 0;
  virtual OperationRequest cleanup(std::uint64_t index) const = 0;
  virtual int encode_cleanup(const OperationRequest& request, OutputBuffer& out) const = 0;

  // The share of reads that miss because of the workload itself (DEL), 0 … 1: more than this plus
  // one point is a warning (MEASURING R14).
  virtual double expected_miss_share() const = 0;

  // RESP version that it needs; 0: any.
  virtual int protocol() const { return 0; }

  // Operations that are sent together and wait for all of them; 1: none.
  virtual std::uint64_t batch() const { return 1; }

  // What its streams found, after the last worker has ended.
  virtual WorkloadReport report(const std::vector<const OperationStream*>& /*streams*/) const {
    return {};
  }
};

}  // namespace redisload
