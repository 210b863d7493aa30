#include "launchers/remote_questions.h"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

#include "base/error.h"
#include "base/text.h"
#include "launchers/child_process.h"
#include "runtime/messages.h"

namespace rankflow {
namespace {

/// Reads what is there; false at the end.
bool read_from(int fd, std::string& text) {
  std::array<char, 4096> bytes{};
  const ssize_t got = ::read(fd, bytes.data(), bytes.size());
  if (got < 0) {
    if (errno == EINTR || errno == EAGAIN) return true;
    throw system_error("cannot read from", "rankflow-rank", errno);
  }
  text.append(bytes.data(), static_cast<std::size_t>(got));
  return got > 0;
}

/// Both outputs of a process, to their ends.
void read_all(ChildProcess& child, std::string& out, std::string& err) {
  while (child.out_fd() >= 0 || child.err_fd() >= 0) {
    std::array<pollfd, 2> ends = {pollfd{child.out_fd(), POLLIN, 0}, pollfd{child.err_fd(), POLLIN, 0}};
    if (::poll(ends.data(), ends.size(), -1) < 0 && errno != EINTR)
      throw system_error("cannot wait for", "rankflow-rank", errno);
    if (ends[0].revents != 0 && !read_from(child.out_fd(), out)) child.close_out();
    if (ends[1].revents != 0 && !read_from(child.err_fd(), err)) child.close_err();
  }
}

Json answer_to(const char* word, const Json& question) {
  ChildProcess child({find_rank_program(), word, question.dump()}, {}, SIGKILL);
  std::string out, err;
  read_all(child, out, err);
  Json answer = Json::parse(out, nullptr, false);
  if (!answer.is_object())
    throw Error(ExitStatus::internal, str("rankflow-rank ", word, " gave no answer: ", trim(err)));
  if (answer.contains("error")) throw error_from_json(answer.at("error"));
  return answer;
}

}  // namespace

std::string list_remote(const Location& location) {
  return files_at(location).digest;
}

RemoteListing files_at(const Location& location) {
  const Json answer = answer_to(list_remote_word, to_json(location));
  RemoteListing listing{answer.at("digest"), {}};
  for (const Json& file : answer.at("files"))
    listing.files.push_back({file.at("path"), file.at("size"), "", file.at("version")});
  return listing;
}

void copy_remote_to(const Location& location, const std::string& path) {
  answer_to(copy_remote_word, {{"location", to_json(location)}, {"to", path}});
}

bool deliver_through_rank(const StoreLayout& store, const Delivery& delivery) {
  return answer_to(deliver_word, {{"store", store.root}, {"delivery", to_json(delivery)}}).at("copied");
}

}  // namespace rankflow
