#include "steps/child_message.h"

#include "base/error.h"
#include "base/text.h"
#include "io/json_text.h"

namespace rankflow {
namespace {

constexpr std::uint64_t largest_head = std::uint64_t{1} << 30;

struct __attribute__((packed)) Lengths {
  std::uint32_t head;
  std::uint64_t payload;
};

}  // namespace

void send_message(const SendBytes& send, const Json& head, std::string_view payload) {
  const std::string text = json_text(head);
  const Lengths lengths{static_cast<std::uint32_t>(text.size()), payload.size()};
  send({reinterpret_cast<const char*>(&lengths), sizeof lengths});
  send(text);
  send(payload);
}

ChildMessage receive_message(const ReceiveBytes& receive, const std::string& sender) {
  Lengths lengths{};
  receive(&lengths, sizeof lengths);
  if (lengths.head > largest_head)
    throw Error(ExitStatus::step_failed, str(sender, " wrote to its socket what is no message"));
  ChildMessage message;
  std::string head(lengths.head, '\0');
  receive(head.data(), head.size());
  message.head = Json::parse(head);
  message.payload.resize(lengths.payload);
  receive(message.payload.data(), message.payload.size());
  return message;
}

}  // namespace rankflow
