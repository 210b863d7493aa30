// Inputs that are nearly right, for tests of parsers: seeded mutations of valid ones, the same on every machine. Whatever a file
// holds, a parser may answer with an Error alone: no crash, no hang, no other exception.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/text.h"

namespace rankflow {

class Mutations {
 public:
  /// `valid`: texts or bytes to start from. `words`: what the format is made of.
  Mutations(std::vector<std::string> valid, std::vector<std::string> words)
      : valid_(std::move(valid)), words_(std::move(words)) {}

  /// One of the inputs with one to five changes.
  std::string next() {
    std::string input = valid_[below(valid_.size())];
    for (std::size_t changes = 1 + below(5); changes > 0; --changes) change(input);
    return input;
  }

 private:
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(generator_() % n); }
  char any_byte() {
    static constexpr std::array<unsigned char, 8> odd = {0, 1, 0x7f, 0x80, 0xc3, 0xff, '\n', '"'};
    return static_cast<char>(below(2) == 0 ? odd[below(odd.size())] : below(256));
  }

  void change(std::string& input) {
    const std::size_t at = below(input.size() + 1), left = input.size() - at;
    const std::size_t length = std::min(left, 1 + below(below(8) == 0 ? 200 : 8));
    switch (below(8)) {
      case 0:  // one bit
        if (left > 0) input[at] = static_cast<char>(input[at] ^ (1 << below(8)));
        break;
      case 1:
        if (left > 0) input[at] = any_byte();
        break;
      case 2:
        input.erase(at, length);
        break;
      case 3:  // twice
        input.insert(at, input.substr(at, length));
        break;
      case 4:
        input.insert(at, words_[below(words_.size())]);
        break;
      case 5:
        input.replace(at, length, words_[below(words_.size())]);
        break;
      case 6: {  // a piece of another input
        const std::string& other = valid_[below(valid_.size())];
        input.replace(at, length, other.substr(below(other.size() + 1), 1 + below(40)));
        break;
      }
      default:
        if (below(4) == 0) input.resize(at);
        break;
    }
  }

  std::vector<std::string> valid_, words_;
  std::mt19937_64 generator_{20'261'125};
};

/// Gives `count` mutations to `parse`, which has to return, or throw an Error with one of these statuses. Both have to happen:
/// where nothing passes, or everything does, the mutations test nothing.
template <typename Parse>
void expect_only_errors(Mutations mutations, int count, const std::set<ExitStatus>& statuses,
                        const Parse& parse) {
  int passed = 0, refused = 0;
  for (int i = 0; i < count; ++i) {
    const std::string input = mutations.next();
    try {
      parse(input);
      ++passed;
    } catch (const Error& e) {
      ++refused;
      EXPECT_TRUE(statuses.contains(e.status()))
          << e.message() << "\nmutation " << i << ": " << testing::PrintToString(input);
      EXPECT_FALSE(e.message().empty());
    } catch (const std::exception& e) {
      ADD_FAILURE() << e.what() << "\nmutation " << i << ": " << testing::PrintToString(input);
    }
  }
  EXPECT_GT(passed, 0);
  EXPECT_GT(refused, count / 10);
}

}  // namespace rankflow
