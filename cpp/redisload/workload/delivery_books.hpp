// Who got which message: the books of publishers and subscribers, and their balance. No socket, no
// clock. Every (publisher, channel) numbers its messages from 0 on; that is a lane. A publisher
// knows from each reply how many subscribers the message went to; a subscriber knows which numbers
// it never saw. Both keep only what is out of the ordinary, as ranges; where there are too many of
// them, neighbours are joined into a range that knows its sums and no longer its parts.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

namespace redisload {

// Messages [begin, end) of a lane whose receivers are not just all subscribers.
struct PublishedRange {
  std::uint64_t begin = 0, end = 0;
  std::int64_t absent = 0;    // Σ (subscribers − receivers) over those that were answered
  std::uint64_t unknown = 0;  // of them, never answered, or refused
  bool alike = true;          // each message as the others; false: joined neighbours

  std::uint64_t size() const noexcept { return end - begin; }
};

// One lane as its publisher knows it.
struct PublishedLane {
  std::uint64_t sent = 0;  // messages 0 … sent − 1
  std::vector<PublishedRange> ranges;
};

// A publisher's book. Its operations are answered in the order in which they were sent.
class PublisherBook {
 public:
  // `most_ranges`: kept for each lane.
  PublisherBook(std::size_t channels, std::uint64_t subscribers, std::size_t most_ranges);

  void reset();
  // The number of the next message.
  std::uint64_t draw(std::size_t channel) { return lanes_[channel].next++; }
  void sent(std::size_t channel, std::uint64_t sequence) { lanes_[channel].sent = sequence + 1; }
  // PUBLISH replied; or it replied with an error: nobody got it.
  void answered(std::size_t channel, std::uint64_t sequence, std::uint64_t receivers);
  void refused(std::size_t channel, std::uint64_t sequence);

  std::uint64_t published() const noexcept { return published_; }
  std::uint64_t receivers() const noexcept { return receivers_; }
  // Sent and never answered.
  std::uint64_t unknown() const noexcept;
  // Up to which number of a lane the replies have come.
  std::uint64_t answered_to(std::size_t channel) const { return lanes_[channel].answered; }
  // Behind a lane's last message that had a receiver.
  std::uint64_t received_to(std::size_t channel) const { return lanes_[channel].received; }
  // What was sent and not answered by now is unknown.
  PublishedLane lane(std::size_t channel) const;

 private:
  struct Lane {
    std::uint64_t next = 0, sent = 0, answered = 0, received = 0;
    std::vector<PublishedRange> ranges;
  };
  void note(std::vector<PublishedRange>& ranges, PublishedRange range) const;
  void skip_to(Lane& lane, std::uint64_t sequence) const;

  std::uint64_t subscribers_;
  std::size_t most_ranges_;
  std::uint64_t published_ = 0, receivers_ = 0, refused_ = 0;
  std::vector<Lane> lanes_;
};

// Messages [begin, end) of a lane of which a subscriber misses `missing`: all, or (joined
// neighbours) some of them.
struct Gap {
  std::uint64_t begin = 0, end = 0, missing = 0;

  bool whole() const noexcept { return missing == end - begin; }
};

// A subscriber's book.
class SubscriberBook {
 public:
  enum class Arrival : std::uint8_t { in_order, late, duplicate };

  // `most_gaps`: of all lanes together, beside one for each.
  SubscriberBook(std::size_t lanes, std::size_t most_gaps)
      : positions_(lanes, 0), most_gaps_(most_gaps) {}

  void reset();
  Arrival arrived(std::size_t lane, std::uint64_t sequence) {
    std::uint64_t& position = positions_[lane];
    if (sequence == position) [[likely]] {
      ++position;
      return Arrival::in_order;
    }
    return out_of_line(lane, sequence);
  }
  // Behind the newest message of the lane.
  std::uint64_t position(std::size_t lane) const { return positions_[lane]; }
  // What is missing of a lane's first `sent` messages, in order.
  std::vector<Gap> gaps(std::size_t lane, std::uint64_t sent) const;

 private:
  Arrival out_of_line(std::size_t lane, std::uint64_t sequence);
  Arrival fill(std::vector<Gap>& gaps, std::uint64_t sequence);

  std::vector<std::uint64_t> positions_;
  std::unordered_map<std::size_t, std::vector<Gap>> gaps_;  // by lane
  std::size_t most_gaps_;
  std::size_t kept_ = 0;
};

// What became of the messages that were published while a subscriber wanted them.
struct Deliveries {
  std::uint64_t delivered = 0;
  std::uint64_t lost = 0;         // the server had it among the receivers, and it did not come
  std::uint64_t absent = 0;       // the server did not have it among the receivers
  std::uint64_t unconfirmed = 0;  // came, though its PUBLISH was never answered; in no other count
};

// For each subscriber delivered + lost + absent is the number of answered messages; over all lanes
// Σ receivers − Σ delivered = Σ lost + other_receivers − uncounted.
struct Balance {
  std::vector<Deliveries> subscribers;
  std::uint64_t other_receivers = 0;  // receivers beyond the subscribers: others listen too
  std::uint64_t uncounted = 0;        // deliveries that no reply counted
};

// Adds one lane; gaps by subscriber, as SubscriberBook::gaps() has them for the lane's messages.
// Where only some of those who miss a message were away, it is decided by what is certain of the
// messages around it in the same gap: who was away before stays away until the gap's end, who is
// still subscribed later was so before; then who missed messages first.
void add_lane(const PublishedLane& lane, const std::vector<std::vector<Gap>>& gaps,
              Balance& balance);

}  // namespace redisload
