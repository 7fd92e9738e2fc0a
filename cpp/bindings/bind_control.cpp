// Questions to a server from Python, where a run asks none: what rl.Workload.like looks at.
#include <algorithm>
#include <memory>

#include "bindings.hpp"
#include "config_from_python.hpp"
#include "redisload/base/error.hpp"
#include "redisload/net/control_connection.hpp"

namespace redisload {
namespace {

using Questions = std::vector<std::vector<std::string>>;

// What goes wrong before the first answer is the target's refusal.
[[noreturn]] void raise(const ControlConnection& connection) {
  const Fault fault =
      connection.fault().value_or(Fault{"", "operation", "the connection is closed"});
  if (fault.stage == "operation") throw RunError(fault.message);
  throw TargetError(fault.stage, fault.message);
}

std::unique_ptr<ControlConnection> connect(const RunConfig& config, const std::string& name,
                                           Duration timeout) {
  const py::gil_scoped_release unlocked;
  std::unique_ptr<ControlConnection> connection;
  for (const Address& address :
       resolve(config.target, config.timeouts.resolve, [] { return false; })) {
    connection = std::make_unique<ControlConnection>(address, config.target, name, timeout);
    if (connection->connected()) break;
  }
  if (connection->fault()) raise(*connection);
  return connection;
}

py::object to_python(const ReplyTree& reply) {
  if (reply.nil) return py::none();
  if (reply.is_error()) return py::module_::import("redisload.errors").attr("RunError")(reply.text);
  if (reply.is_aggregate()) {
    py::list list;
    for (const ReplyTree& child : reply.children) list.append(to_python(child));
    return list;
  }
  if (reply.type == ':') return py::int_(reply.number);
  return py::bytes(reply.as_text());
}

py::list ask(ControlConnection& connection, const Questions& questions) {
  std::optional<std::vector<ReplyTree>> replies;
  {
    const py::gil_scoped_release unlocked;
    replies = connection.ask_all(questions);
  }
  if (!replies) raise(connection);
  py::list list;
  for (const ReplyTree& reply : *replies) list.append(to_python(reply));
  return list;
}

}  // namespace

void bind_control(py::module_& module) {
  py::class_<ControlConnection>(module, "ControlConnection",
                                "A connection for questions beside a load; for one thread.")
      .def(py::init([](const py::dict& config, const std::string& name, double timeout_s) {
             constexpr double kLongest = 1e9;
             const auto timeout =
                 Duration(static_cast<std::int64_t>(std::clamp(timeout_s, 0.0, kLongest) * 1e9));
             return connect(config_from_python(config), name, timeout);
           }),
           py::arg("config"), py::arg("name"), py::arg("timeout_s"),
           "Connects to the target of a configuration (nested dict) and names the connection. "
           "timeout_s, in seconds, holds for connecting, for the handshake and for each ask(). "
           "Raises TargetError.")
      .def("ask", &ask, py::arg("questions"),
           "Sends all questions, each a list of words, at once; their answers in their order: "
           "bytes, int, None, lists (of maps each key before its value), and a RunError, not "
           "raised, for an error reply. Raises TargetError before the connection's first answer, "
           "RunError later, when it is lost, does not answer in time or with more than 4 MiB. The "
           "GIL is free.")
      .def("close", &ControlConnection::close, "Closes the connection; harmless when it is.")
      .def_property_readonly("sent", &ControlConnection::sent,
                             "How often each command was sent, as commandstats names it.");
}

}  // namespace redisload
