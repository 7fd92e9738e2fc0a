// Bookkeeping of messages without sockets: gaps, duplicates, order, and what was lost or absent.
#include "redisload/workload/delivery_books.hpp"

#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "redisload/base/random.hpp"

namespace redisload {

bool operator==(const Gap& a, const Gap& b) {
  return a.begin == b.begin && a.end == b.end && a.missing == b.missing;
}
void PrintTo(const Gap& gap, std::ostream* out) {
  *out << "[" << gap.begin << ", " << gap.end << "): " << gap.missing;
}

namespace {

using Arrival = SubscriberBook::Arrival;
using Gaps = std::vector<Gap>;

constexpr std::size_t kEnough = 1000;

SubscriberBook with_arrivals(const std::vector<std::uint64_t>& numbers,
                             std::size_t most_gaps = kEnough) {
  SubscriberBook book(1, most_gaps);
  for (const std::uint64_t number : numbers) book.arrived(0, number);
  return book;
}

TEST(SubscriberBook, KnowsWhatIsMissing) {
  EXPECT_EQ(with_arrivals({0, 1, 2}).gaps(0, 3), Gaps{});
  EXPECT_EQ(with_arrivals({}).gaps(0, 3), (Gaps{{0, 3, 3}}));
  EXPECT_EQ(with_arrivals({2, 3, 7}).gaps(0, 10), (Gaps{{0, 2, 2}, {4, 7, 3}, {8, 10, 2}}));
}

TEST(SubscriberBook, LanesAreTheirOwn) {
  SubscriberBook book(2, kEnough);
  EXPECT_EQ(book.arrived(0, 0), Arrival::in_order);
  EXPECT_EQ(book.arrived(1, 1), Arrival::in_order);
  EXPECT_EQ(book.gaps(0, 1), Gaps{});
  EXPECT_EQ(book.gaps(1, 2), (Gaps{{0, 1, 1}}));
  book.reset();
  EXPECT_EQ(book.gaps(0, 1), (Gaps{{0, 1, 1}}));
}

TEST(SubscriberBook, ALateMessageFillsItsGap) {
  SubscriberBook book(1, kEnough);
  for (const std::uint64_t number : {0, 9}) EXPECT_EQ(book.arrived(0, number), Arrival::in_order);
  EXPECT_EQ(book.arrived(0, 1), Arrival::late);  // its first, its last, one in its middle
  EXPECT_EQ(book.arrived(0, 8), Arrival::late);
  EXPECT_EQ(book.arrived(0, 4), Arrival::late);
  EXPECT_EQ(book.gaps(0, 10), (Gaps{{2, 4, 2}, {5, 8, 3}}));
  for (const std::uint64_t number : {2, 3, 6, 5, 7})
    EXPECT_EQ(book.arrived(0, number), Arrival::late);
  EXPECT_EQ(book.gaps(0, 10), Gaps{});
}

TEST(SubscriberBook, AMessageThatWasHereIsADuplicate) {
  SubscriberBook book = with_arrivals({0, 1, 5, 3});
  for (const std::uint64_t number : {0, 1, 5, 3})
    EXPECT_EQ(book.arrived(0, number), Arrival::duplicate);
  EXPECT_EQ(book.gaps(0, 6), (Gaps{{2, 3, 1}, {4, 5, 1}}));
}

TEST(SubscriberBook, TooManyGapsAreJoinedAndStillCounted) {
  SubscriberBook book = with_arrivals({0, 2, 4, 6, 8}, 2);
  EXPECT_EQ(book.gaps(0, 9), (Gaps{{1, 2, 1}, {3, 8, 3}}));
  EXPECT_EQ(book.arrived(0, 5), Arrival::late);
  EXPECT_EQ(book.gaps(0, 9), (Gaps{{1, 2, 1}, {3, 8, 2}}));
}

TEST(PublisherBook, KeepsOnlyWhatIsOutOfTheOrdinary) {
  PublisherBook book(1, 3, kEnough);
  for (std::uint64_t number = 0; number < 10; ++number) {
    EXPECT_EQ(book.draw(0), number);
    book.sent(0, number);
  }
  book.draw(0);  // drawn and never sent
  for (const std::uint64_t receivers : {3, 3, 2, 2, 2, 1, 3}) {
    book.answered(0, book.answered_to(0), receivers);
  }
  book.refused(0, 8);  // 7 was never answered
  const PublishedLane lane = book.lane(0);
  EXPECT_EQ(lane.sent, 10u);
  ASSERT_EQ(lane.ranges.size(), 3u);
  EXPECT_EQ(lane.ranges[0].begin, 2u);
  EXPECT_EQ(lane.ranges[0].end, 5u);
  EXPECT_EQ(lane.ranges[0].absent, 3);
  EXPECT_EQ(lane.ranges[1].absent, 2);
  EXPECT_EQ(lane.ranges[2].begin, 7u);
  EXPECT_EQ(lane.ranges[2].unknown, 3u);
  EXPECT_EQ(book.published(), 7u);
  EXPECT_EQ(book.receivers(), 16u);
  EXPECT_EQ(book.unknown(), 2u);  // 7 and 9; 8 was refused
}

TEST(PublisherBook, TooManyRangesAreJoinedAndStillCounted) {
  PublisherBook book(1, 2, 1);
  const std::vector<std::uint64_t> receivers{1, 2, 0, 2, 1};
  for (std::uint64_t number = 0; number < receivers.size(); ++number) {
    book.sent(0, book.draw(0));
    book.answered(0, number, receivers[number]);
  }
  const PublishedLane lane = book.lane(0);
  ASSERT_EQ(lane.ranges.size(), 1u);
  EXPECT_FALSE(lane.ranges[0].alike);
  EXPECT_EQ(lane.ranges[0].size(), 5u);
  EXPECT_EQ(lane.ranges[0].absent, 4);
}

Balance balance_of(const PublishedLane& lane, const std::vector<std::vector<Gap>>& gaps) {
  Balance balance;
  balance.subscribers.resize(gaps.size());
  add_lane(lane, gaps, balance);
  return balance;
}

void expect(const Deliveries& found, std::uint64_t delivered, std::uint64_t lost,
            std::uint64_t absent, std::uint64_t unconfirmed = 0) {
  EXPECT_EQ(found.delivered, delivered);
  EXPECT_EQ(found.lost, lost);
  EXPECT_EQ(found.absent, absent);
  EXPECT_EQ(found.unconfirmed, unconfirmed);
}

// 100 messages to two subscribers. The first misses 40 … 80; from 60 on the server did not count
// it.
TEST(Balance, AGapIsLostUntilTheServerCountsItOut) {
  const PublishedLane lane{100, {{60, 80, 20, 0}}};
  const Balance found = balance_of(lane, {{{40, 80, 40}}, {}});
  expect(found.subscribers[0], 60, 20, 20);
  expect(found.subscribers[1], 100, 0, 0);
  EXPECT_EQ(found.other_receivers + found.uncounted, 0u);
}

TEST(Balance, TwoAwayAtOnceAreToldApartByWhatIsCertainAroundThem) {
  // The first misses 10 … 90 and is away from 20 on; the second misses 40 … 90, is subscribed until
  // 50, then away too. 20 … 40 is certain of the first; 40 … 50 follows from it.
  const PublishedLane one{100, {{20, 50, 30, 0}, {50, 90, 80, 0}}};
  Balance found = balance_of(one, {{{10, 90, 80}}, {{40, 90, 50}}});
  expect(found.subscribers[0], 20, 10, 70);
  expect(found.subscribers[1], 50, 10, 40);
  // Both miss messages from 10 on; the first is the only one to miss some later, and lost these: so
  // it was subscribed before.
  const PublishedLane two{100, {{10, 50, 40, 0}}};
  found = balance_of(two, {{{10, 60, 50}}, {{10, 50, 40}}});
  expect(found.subscribers[0], 50, 50, 0);
  expect(found.subscribers[1], 60, 0, 40);
}

TEST(Balance, WhatWasNeverAnsweredStandsApart) {
  // 10 … 20 has no reply: the first subscriber got half of it, the second nothing.
  const PublishedLane lane{30, {{10, 20, 0, 10}}};
  const Balance found = balance_of(lane, {{{15, 20, 5}}, {{10, 22, 12}}});
  expect(found.subscribers[0], 20, 0, 0, 5);
  expect(found.subscribers[1], 18, 2, 0, 0);
}

TEST(Balance, OthersWhoListenAndDeliveriesThatNobodyCounted) {
  Balance found = balance_of({10, {{0, 4, -4, 0}}}, {{}});
  expect(found.subscribers[0], 10, 0, 0);
  EXPECT_EQ(found.other_receivers, 4u);
  found = balance_of({10, {{0, 4, 4, 0}}}, {{{0, 1, 1}}});
  expect(found.subscribers[0], 9, 0, 1);
  EXPECT_EQ(found.uncounted, 3u);
}

// A server with subscribers that are well, or whose messages go into a buffer that is thrown away,
// or away; one lane. What really happened is known.
struct Simulation {
  static constexpr std::size_t kSubscribers = 3;
  enum class State : std::uint8_t { well, doomed, away };

  Simulation(std::uint64_t seed, std::uint64_t messages, bool one_at_a_time, std::size_t room)
      : random(seed), publisher(1, kSubscribers, room) {
    for (std::size_t s = 0; s < kSubscribers; ++s) books.emplace_back(1, room);
    for (std::uint64_t number = 0; number < messages; ++number) {
      for (std::size_t s = 0; s < kSubscribers; ++s) change(s, one_at_a_time);
      publish(number);
    }
    std::vector<std::vector<Gap>> gaps;
    for (const SubscriberBook& book : books) gaps.push_back(book.gaps(0, messages));
    balance.subscribers.resize(kSubscribers);
    add_lane(publisher.lane(0), gaps, balance);
  }

  void change(std::size_t s, bool one_at_a_time) {
    if (states[s] != State::well) {
      if (random.below(20) == 0) states[s] = states[s] == State::doomed ? State::away : State::well;
      return;
    }
    bool others_well = true;
    for (std::size_t other = 0; other < kSubscribers; ++other)
      others_well = others_well && states[other] == State::well;
    if ((others_well || !one_at_a_time) && random.below(60) == 0) states[s] = State::doomed;
  }

  void publish(std::uint64_t number) {
    std::uint64_t receivers = 0;
    const bool answered = random.below(50) != 0;
    for (std::size_t s = 0; s < kSubscribers; ++s) {
      receivers += states[s] == State::away ? 0 : 1;
      Deliveries& is = truth[s];
      if (states[s] == State::well) books[s].arrived(0, number);
      if (!answered) {
        is.unconfirmed += states[s] == State::well ? 1 : 0;
      } else {
        ++(states[s] == State::well   ? is.delivered
           : states[s] == State::away ? is.absent
                                      : is.lost);
      }
    }
    publisher.sent(0, publisher.draw(0));
    if (answered) publisher.answered(0, number, receivers);
  }

  Random random;
  PublisherBook publisher;
  std::vector<SubscriberBook> books;
  std::array<State, kSubscribers> states{};
  std::array<Deliveries, kSubscribers> truth{};
  Balance balance;
};

void expect_sums(const Simulation& run, std::uint64_t messages) {
  std::uint64_t delivered = 0, lost = 0;
  for (const Deliveries& one : run.balance.subscribers) {
    EXPECT_EQ(one.delivered + one.lost + one.absent, run.publisher.published());
    delivered += one.delivered;
    lost += one.lost;
  }
  EXPECT_EQ(run.publisher.receivers() - delivered,
            lost + run.balance.other_receivers - run.balance.uncounted);
  EXPECT_EQ(run.publisher.published() + run.publisher.unknown(), messages);
}

TEST(Balance, OfOneAwayAtATimeIsTheTruth) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const Simulation run(seed, 5'000, true, kEnough);
    expect_sums(run, 5'000);
    std::uint64_t lost = 0;
    for (std::size_t s = 0; s < Simulation::kSubscribers; ++s) {
      const Deliveries& is = run.truth[s];
      SCOPED_TRACE(testing::Message() << "seed " << seed << ", subscriber " << s);
      expect(run.balance.subscribers[s], is.delivered, is.lost, is.absent, is.unconfirmed);
      lost += is.lost;
    }
    EXPECT_GT(lost, 0u);
  }
}

TEST(Balance, OfManyAwayAtOnceHasTheRightSums) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const Simulation run(seed, 5'000, false, kEnough);
    expect_sums(run, 5'000);
    std::uint64_t lost = 0, really_lost = 0, right = 0, all = 0;
    for (std::size_t s = 0; s < Simulation::kSubscribers; ++s) {
      const Deliveries& found = run.balance.subscribers[s];
      const Deliveries& is = run.truth[s];
      EXPECT_EQ(found.delivered, is.delivered);
      EXPECT_EQ(found.unconfirmed, is.unconfirmed);
      lost += found.lost;
      really_lost += is.lost;
      right += std::min(found.lost, is.lost);
      all += is.lost;
    }
    EXPECT_EQ(lost, really_lost);
    EXPECT_GT(static_cast<double>(right), 0.8 * static_cast<double>(all));
  }
}

TEST(Balance, WithLittleRoomStillHasTheRightSums) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    for (const std::size_t room : {std::size_t{1}, std::size_t{3}, std::size_t{16}})
      expect_sums(Simulation(seed, 5'000, false, room), 5'000);
  }
}

}  // namespace
}  // namespace redisload
