// The extension module redisload._core.
#include <hiredis/hiredis.h>
#include <openssl/crypto.h>

#include "bindings.hpp"

PYBIND11_MODULE(_core, module) {
  module.doc() = "The C++ core of redisload. Private: use the package redisload.";
  module.attr("hiredis_version") = std::to_string(HIREDIS_MAJOR) + "." +
                                   std::to_string(HIREDIS_MINOR) + "." +
                                   std::to_string(HIREDIS_PATCH);
  module.attr("openssl_version") = OpenSSL_version(OPENSSL_VERSION);
  redisload::bind_errors(module);
  redisload::bind_histogram(module);
  redisload::bind_metrics(module);
  redisload::bind_config(module);
  redisload::bind_control(module);
  redisload::bind_run(module);
}
