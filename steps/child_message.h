// What a rank and a child process of it say to each other over a local socket: a JSON object and bytes. Python's side of it is in
// rankflow_step.py.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "io/json.h"

namespace rankflow {

struct ChildMessage {
  Json head;
  std::string payload;
};

using SendBytes = std::function<void(std::string_view bytes)>;
using ReceiveBytes = std::function<void(void* data, std::size_t bytes)>;

void send_message(const SendBytes& send, const Json& head, std::string_view payload);
/// Throws Error (step_failed) where the other side, `sender`, sends what is no message.
ChildMessage receive_message(const ReceiveBytes& receive, const std::string& sender);

}  // namespace rankflow
