#include "redisload/workload/delivery_books.hpp"

#include <algorithm>
#include <utility>

namespace redisload {
namespace {

// The same for every message of both: neighbours that may become one range without losing anything.
bool same_kind(const PublishedRange& a, const PublishedRange& b) {
  if (!a.alike || !b.alike || a.end != b.begin) return false;
  if (a.unknown != 0 || b.unknown != 0) return a.unknown == a.size() && b.unknown == b.size();
  return a.absent / static_cast<std::int64_t>(a.size()) ==
         b.absent / static_cast<std::int64_t>(b.size());
}

}  // namespace

PublisherBook::PublisherBook(std::size_t channels, std::uint64_t subscribers,
                             std::size_t most_ranges)
    : subscribers_(subscribers), most_ranges_(most_ranges), lanes_(channels) {}

void PublisherBook::reset() {
  published_ = receivers_ = refused_ = 0;
  for (Lane& lane : lanes_) lane = Lane{};
}

void PublisherBook::note(std::vector<PublishedRange>& ranges, PublishedRange range) const {
  if (ranges.empty() || (!same_kind(ranges.back(), range) && ranges.size() < most_ranges_)) {
    ranges.push_back(range);
    return;
  }
  PublishedRange& last = ranges.back();
  last.alike = same_kind(last, range);
  last.end = range.end;
  last.absent += range.absent;
  last.unknown += range.unknown;
}

// Replies come in order: what has been passed over gets none.
void PublisherBook::skip_to(Lane& lane, std::uint64_t sequence) const {
  if (lane.answered < sequence)
    note(lane.ranges, {lane.answered, sequence, 0, sequence - lane.answered});
  lane.answered = sequence;
}

void PublisherBook::answered(std::size_t channel, std::uint64_t sequence, std::uint64_t receivers) {
  Lane& lane = lanes_[channel];
  ++published_;
  receivers_ += receivers;
  if (lane.answered != sequence) [[unlikely]]
    skip_to(lane, sequence);
  ++lane.answered;
  if (receivers != 0) [[likely]]
    lane.received = lane.answered;
  if (receivers == subscribers_) [[likely]]
    return;
  note(lane.ranges,
       {sequence, sequence + 1,
        static_cast<std::int64_t>(subscribers_) - static_cast<std::int64_t>(receivers), 0});
}

void PublisherBook::refused(std::size_t channel, std::uint64_t sequence) {
  ++refused_;
  skip_to(lanes_[channel], sequence + 1);
}

std::uint64_t PublisherBook::unknown() const noexcept {
  std::uint64_t sent = 0;
  for (const Lane& lane : lanes_) sent += lane.sent;
  return sent - published_ - refused_;
}

PublishedLane PublisherBook::lane(std::size_t channel) const {
  Lane copy = lanes_[channel];
  skip_to(copy, copy.sent);
  return {copy.sent, std::move(copy.ranges)};
}

void SubscriberBook::reset() {
  std::fill(positions_.begin(), positions_.end(), 0);
  gaps_.clear();
  kept_ = 0;
}

SubscriberBook::Arrival SubscriberBook::out_of_line(std::size_t lane, std::uint64_t sequence) {
  std::uint64_t& position = positions_[lane];
  if (sequence < position) {
    const auto found = gaps_.find(lane);
    return found == gaps_.end() ? Arrival::duplicate : fill(found->second, sequence);
  }
  std::vector<Gap>& gaps = gaps_[lane];
  const std::uint64_t missing = sequence - position;
  if (gaps.empty() || kept_ < most_gaps_) {
    gaps.push_back({position, sequence, missing});
    ++kept_;
  } else {
    gaps.back().end = sequence;
    gaps.back().missing += missing;
  }
  position = sequence + 1;
  return Arrival::in_order;
}

SubscriberBook::Arrival SubscriberBook::fill(std::vector<Gap>& gaps, std::uint64_t sequence) {
  const auto gap = std::partition_point(gaps.begin(), gaps.end(),
                                        [&](const Gap& one) { return one.end <= sequence; });
  if (gap == gaps.end() || gap->begin > sequence) return Arrival::duplicate;
  if (--gap->missing == 0) {
    gaps.erase(gap);
    --kept_;
  } else if (gap->missing + 1 == gap->end - gap->begin) {  // it was whole
    if (sequence == gap->begin) {
      ++gap->begin;
    } else if (sequence + 1 == gap->end) {
      --gap->end;
    } else if (kept_ < most_gaps_) {
      const Gap behind{sequence + 1, gap->end, gap->end - sequence - 1};
      *gap = {gap->begin, sequence, sequence - gap->begin};
      gaps.insert(gap + 1, behind);
      ++kept_;
    }
  }
  return Arrival::late;
}

std::vector<Gap> SubscriberBook::gaps(std::size_t lane, std::uint64_t sent) const {
  std::vector<Gap> all;
  if (const auto found = gaps_.find(lane); found != gaps_.end()) all = found->second;
  const std::uint64_t position = positions_[lane];
  if (position < sent) all.push_back({position, sent, sent - position});
  return all;
}

namespace {

enum class Verdict : std::uint8_t { none, subscribed, away, mixed };

// Messages between two places where something changes for somebody.
struct Segment {
  std::uint64_t begin, end;
  std::int64_t absent = 0;
  std::uint64_t unknown = 0;
  std::vector<std::uint64_t> missing = {};  // by those who have gaps
  std::vector<Verdict> verdict = {};
};

class LaneBalance {
 public:
  LaneBalance(const PublishedLane& lane, const std::vector<std::vector<Gap>>& gaps,
              Balance& balance)
      : lane_(lane), gaps_(gaps), balance_(balance) {
    for (std::size_t s = 0; s < gaps.size(); ++s) {
      if (!gaps[s].empty()) who_.push_back(s);
    }
    for (Deliveries& one : balance_.subscribers) one.delivered += lane_.sent;
    if (who_.empty() && lane_.ranges.empty()) return;
    cut();
    fill();
    for (Segment& segment : segments_) set_apart_unknown(segment);
    for (Segment& segment : segments_) judge_certain(segment);
    decide();
  }

 private:
  // Joined neighbours are of one piece.
  void cut() {
    std::vector<std::uint64_t> cuts;
    std::vector<std::pair<std::uint64_t, std::uint64_t>> solid;
    const auto take = [&](std::uint64_t begin, std::uint64_t end, bool divisible) {
      cuts.push_back(begin);
      cuts.push_back(end);
      if (!divisible) solid.emplace_back(begin, end);
    };
    for (const PublishedRange& range : lane_.ranges) take(range.begin, range.end, range.alike);
    for (const std::size_t s : who_) {
      for (const Gap& gap : gaps_[s]) take(gap.begin, gap.end, gap.whole());
    }
    std::sort(cuts.begin(), cuts.end());
    cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
    std::sort(solid.begin(), solid.end());
    std::uint64_t solid_end = 0;
    std::size_t next = 0;
    std::erase_if(cuts, [&](std::uint64_t at) {
      for (; next < solid.size() && solid[next].first < at; ++next)
        solid_end = std::max(solid_end, solid[next].second);
      return at < solid_end;
    });
    for (std::size_t i = 1; i < cuts.size(); ++i) {
      segments_.push_back({cuts[i - 1], cuts[i]});
      segments_.back().missing.resize(who_.size());
      segments_.back().verdict.resize(who_.size());
    }
  }

  // Calls body(segment, how many messages of it) for every segment that [begin, end) touches.
  template <typename Body>
  void over(std::uint64_t begin, std::uint64_t end, Body&& body) {
    auto segment = std::partition_point(segments_.begin(), segments_.end(),
                                        [&](const Segment& one) { return one.end <= begin; });
    for (; segment != segments_.end() && segment->begin < end; ++segment)
      body(*segment, std::min(end, segment->end) - std::max(begin, segment->begin));
  }

  void fill() {
    for (const PublishedRange& range : lane_.ranges) {
      over(range.begin, range.end, [&](Segment& segment, std::uint64_t part) {
        const std::uint64_t size = range.size();
        segment.absent += part == size ? range.absent
                                       : range.absent / static_cast<std::int64_t>(size) *
                                             static_cast<std::int64_t>(part);
        segment.unknown += part == size ? range.unknown : range.unknown / size * part;
      });
    }
    for (std::size_t i = 0; i < who_.size(); ++i) {
      for (const Gap& gap : gaps_[who_[i]]) {
        over(gap.begin, gap.end, [&](Segment& segment, std::uint64_t part) {
          segment.missing[i] += gap.whole() ? part : gap.missing;
        });
      }
    }
  }

  // What nobody confirmed is not in the balance. Whoever misses something in a joined piece misses
  // the unconfirmed first.
  void set_apart_unknown(Segment& segment) {
    if (segment.unknown == 0) return;
    for (Deliveries& one : balance_.subscribers) {
      one.delivered -= segment.unknown;
      one.unconfirmed += segment.unknown;
    }
    for (std::size_t i = 0; i < who_.size(); ++i) {
      const std::uint64_t missed = std::min(segment.unknown, segment.missing[i]);
      segment.missing[i] -= missed;
      balance_.subscribers[who_[i]].unconfirmed -= missed;
    }
  }

  void judge_certain(Segment& segment) {
    std::uint64_t missing = 0;
    for (std::size_t i = 0; i < who_.size(); ++i) {
      missing += segment.missing[i];
      balance_.subscribers[who_[i]].delivered -= segment.missing[i];
    }
    if (segment.absent < 0) {
      balance_.other_receivers += static_cast<std::uint64_t>(-segment.absent);
      segment.absent = 0;
    }
    const auto most = static_cast<std::int64_t>(missing);
    if (segment.absent > most) {
      balance_.uncounted += static_cast<std::uint64_t>(segment.absent - most);
      segment.absent = most;
    }
    if (segment.absent != 0 && segment.absent != most) return;
    for (std::size_t i = 0; i < who_.size(); ++i)
      settle(segment, i, segment.absent == 0 ? 0 : segment.missing[i]);
  }

  void settle(Segment& segment, std::size_t i, std::uint64_t absent) {
    const std::uint64_t missing = segment.missing[i];
    if (missing == 0) return;
    balance_.subscribers[who_[i]].absent += absent;
    balance_.subscribers[who_[i]].lost += missing - absent;
    segment.verdict[i] = absent == missing ? Verdict::away
                         : absent == 0     ? Verdict::subscribed
                                           : Verdict::mixed;
  }

  // The segments where some of those who miss messages were away and others were not.
  void decide() {
    std::vector<std::uint64_t> gap_begin(who_.size(), 0);
    for (std::size_t k = 0; k < segments_.size(); ++k) {
      Segment& segment = segments_[k];
      std::vector<std::size_t> candidates;
      bool open = false;
      for (std::size_t i = 0; i < who_.size(); ++i) {
        if (segment.missing[i] == 0) continue;
        if (k == 0 || segments_[k - 1].missing[i] == 0) gap_begin[i] = segment.begin;
        candidates.push_back(i);
        open = open || segment.verdict[i] == Verdict::none;
      }
      if (!open) continue;
      std::vector<int> rank(who_.size());
      for (const std::size_t i : candidates) rank[i] = away_rank(k, i);
      std::stable_sort(candidates.begin(), candidates.end(), [&](std::size_t a, std::size_t b) {
        return rank[a] != rank[b] ? rank[a] < rank[b] : gap_begin[a] < gap_begin[b];
      });
      auto left = static_cast<std::uint64_t>(segment.absent);
      for (const std::size_t i : candidates) {
        const std::uint64_t absent = std::min(left, segment.missing[i]);
        settle(segment, i, absent);
        left -= absent;
      }
    }
  }

  // 0: was away before in this gap; 2: is subscribed later in it; 1: nobody knows.
  int away_rank(std::size_t k, std::size_t i) const {
    constexpr std::size_t kFarthest = 64;
    if (k != 0 && segments_[k - 1].verdict[i] == Verdict::away) return 0;
    const std::size_t last = std::min(segments_.size(), k + kFarthest);
    for (std::size_t j = k + 1; j < last && segments_[j].missing[i] != 0; ++j) {
      if (segments_[j].verdict[i] == Verdict::subscribed) return 2;
    }
    return 1;
  }

  const PublishedLane& lane_;
  const std::vector<std::vector<Gap>>& gaps_;
  Balance& balance_;
  std::vector<std::size_t> who_;  // the subscribers that have gaps
  std::vector<Segment> segments_;
};

}  // namespace

void add_lane(const PublishedLane& lane, const std::vector<std::vector<Gap>>& gaps,
              Balance& balance) {
  LaneBalance(lane, gaps, balance);
}

}  // namespace redisload
