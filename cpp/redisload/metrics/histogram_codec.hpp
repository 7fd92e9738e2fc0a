// A Histogram as bytes and back: a form of our own that keeps everything, and HdrHistogram's V2
// encoding for interchange. Pure functions; any thread.
#pragma once

#include <string>
#include <string_view>

#include "redisload/metrics/histogram.hpp"

namespace redisload {

class HistogramCodec {
 public:
  // Compact and complete: decode(encode(h)) == h. Typically 2 bytes a touched bucket.
  static std::string encode(const Histogram& histogram);
  // Throws std::invalid_argument when the bytes are not what encode() gives.
  static Histogram decode(std::string_view bytes);

  // HdrHistogram's V2 encoding, not compressed (cookie 0x1c849303 | 0x10): header and zigzag-LEB128
  // counts (https://github.com/HdrHistogram/HdrHistogram, AbstractHistogram.java,
  // encodeIntoByteBuffer). Values are nanoseconds. Overflow is counted in the bucket of 1 h;
  // censored events, true extremes and the exact sum have no place in the format.
  static std::string encode_hdr_v2(const Histogram& histogram);
  // Reads V2 of the same layout (lowest value 1, 3 significant digits, any highest value).
  // Extremes are read as those of their buckets, the mean from buckets' middles.
  // Throws std::invalid_argument for anything else.
  static Histogram decode_hdr_v2(std::string_view bytes);
};

}  // namespace redisload
