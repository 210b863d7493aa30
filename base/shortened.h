// Texts that are too long to be shown, cut between UTF-8 characters.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace rankflow {

/// At most `most` bytes of the text's end.
std::string_view last_part(std::string_view text, std::size_t most);
/// The text, or its beginning and its end, of `most` bytes in all, and between them how much is left out.
std::string shortened(std::string_view text, std::size_t most);

}  // namespace rankflow
