// Builds the tree of yaml.h from libyaml's events, without recursion.
#include <yaml.h>

#include <algorithm>
#include <new>
#include <unordered_map>

#include "base/text.h"
#include "runtime/yaml.h"

namespace rankflow {

namespace {

class Parser {
 public:
  explicit Parser(const std::string& text) {
    if (!yaml_parser_initialize(&parser_)) throw std::bad_alloc();
    yaml_parser_set_encoding(&parser_, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()), text.size());
  }
  ~Parser() { yaml_parser_delete(&parser_); }
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;
  yaml_parser_t* get() { return &parser_; }

 private:
  yaml_parser_t parser_;
};

class Event {
 public:
  Event() = default;
  ~Event() { release(); }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  /// False where the text is no YAML.
  bool next(Parser& parser) {
    release();
    filled_ = yaml_parser_parse(parser.get(), &event_) != 0;
    return filled_;
  }
  const yaml_event_t* operator->() const { return &event_; }

 private:
  void release() {
    if (filled_) yaml_event_delete(&event_);
    filled_ = false;
  }
  yaml_event_t event_;
  bool filled_ = false;
};

const char* text_of(const yaml_char_t* t) {
  return reinterpret_cast<const char*>(t);
}

std::string context_of(const yaml_parser_t& parser) {
  if (!parser.context || parser.context_mark.line == parser.problem_mark.line) return {};
  return str(", ", parser.context, " that starts on line ", parser.context_mark.line + 1);
}

/// What a person can do about the mistakes that libyaml describes least well.
std::string advice(const yaml_parser_t& parser, std::string_view text, std::size_t at) {
  if (parser.context && std::string_view(parser.context).find("alias") != std::string_view::npos) {
    return " (text that starts with * must be in quotes)";
  }
  at = std::min(at, text.size());
  const auto before = text.substr(0, at).rfind('\n');
  const std::size_t begin = before == std::string_view::npos ? 0 : before + 1;
  const auto line = text.substr(begin, text.find('\n', begin) - begin);
  if (at < text.size() && text[at] == '\t') return " (YAML is indented with spaces: this is a tab)";
  if (at < text.size() && std::string_view("@`%").find(text[at]) != std::string_view::npos) {
    return str(" (text that starts with ", text.substr(at, 1), " must be in quotes)");
  }
  if (line.find("${{") != std::string_view::npos)
    return " (inside [ ] and { } a binding must be in quotes: \"${{…}}\")";
  return {};
}

class TreeBuilder {
 public:
  TreeBuilder(const std::string& text, const std::string& file, const YamlLimits& limits)
      : text_(text), file_(file), limits_(limits), parser_(text) {}

  Node build() {
    for (Event event; next(event), event->type != YAML_STREAM_END_EVENT;) handle(event);
    return std::move(root_);
  }

 private:
  struct Frame {
    Node node;
    std::string anchor;
    Node key;
    bool has_key = false;
  };

  void next(Event& event) {
    if (!event.next(parser_)) throw syntax_error();
  }

  void handle(const Event& event) {
    switch (event->type) {
      case YAML_DOCUMENT_START_EVENT:
        if (documents_++)
          throw error_at(event->start_mark, "a second document starts here; a file holds one");
        return;
      case YAML_ALIAS_EVENT:
        return add(aliased(event), {});
      case YAML_SCALAR_EVENT:
        return add_scalar(event);
      case YAML_SEQUENCE_START_EVENT:
        refuse_tag(event->data.sequence_start.tag, event->start_mark);
        return open(Node::Kind::sequence, event->data.sequence_start.anchor, event->start_mark);
      case YAML_MAPPING_START_EVENT:
        refuse_tag(event->data.mapping_start.tag, event->start_mark);
        return open(Node::Kind::mapping, event->data.mapping_start.anchor, event->start_mark);
      case YAML_SEQUENCE_END_EVENT:
      case YAML_MAPPING_END_EVENT:
        return close();
      default:
        return;
    }
  }

  void add_scalar(const Event& event) {
    const auto& scalar = event->data.scalar;
    refuse_tag(scalar.tag, event->start_mark);
    Node node = Node::scalar(std::string(text_of(scalar.value), scalar.length),
                             scalar.style != YAML_PLAIN_SCALAR_STYLE);
    place(node, event->start_mark);
    if (node.text.find('\0') != std::string::npos)
      throw error_at(event->start_mark, "text can't hold a NUL character");
    if (node.text.find("${{") != std::string::npos) {
      const auto& [begin, end] = std::pair(event->start_mark, event->end_mark);
      // Escapes and folded lines make the text shorter or longer than what stands in the file.
      const std::size_t length = end.index - begin.index - (node.quoted ? 2 : 0);
      const auto continues = [](char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; };
      const auto more = std::count_if(node.text.begin(), node.text.end(), continues);
      node.verbatim = begin.line == end.line && length + static_cast<std::size_t>(more) == node.text.size();
    }
    if (!wants_key() && node.scalar_type() == Node::ScalarType::null) node.kind = Node::Kind::null;
    count(1, 0, event->start_mark);
    add(std::move(node), scalar.anchor ? text_of(scalar.anchor) : "");
  }

  void open(Node::Kind kind, const yaml_char_t* anchor, const yaml_mark_t& mark) {
    if (wants_key()) {
      throw error_at(mark,
                     str("a key must be text, not a ", kind == Node::Kind::mapping ? "mapping" : "list"));
    }
    if (frames_.size() >= static_cast<std::size_t>(limits_.depth)) {
      throw error_at(mark, str("nested more than ", limits_.depth, " levels deep"));
    }
    count(1, 0, mark);
    Frame& frame = frames_.emplace_back();
    frame.node.kind = kind;
    place(frame.node, mark);
    if (anchor) {
      frame.anchor = text_of(anchor);
      open_anchors_.push_back(frame.anchor);
    }
  }

  void close() {
    Frame frame = std::move(frames_.back());
    frames_.pop_back();
    if (!frame.anchor.empty()) open_anchors_.pop_back();
    if (frame.node.kind == Node::Kind::mapping) refuse_duplicates(frame.node);
    add(std::move(frame.node), frame.anchor);
  }

  void add(Node node, const std::string& anchor) {
    if (!anchor.empty()) remember(anchor, node);
    if (frames_.empty()) {
      root_ = std::move(node);
      return;
    }
    Frame& frame = frames_.back();
    if (frame.node.kind == Node::Kind::sequence) {
      frame.node.items.push_back(std::move(node));
    } else if (!frame.has_key) {
      check_key(node);
      frame.key = std::move(node);
      frame.has_key = true;
    } else {
      frame.node.entries.emplace_back(std::move(frame.key), std::move(node));
      frame.has_key = false;
    }
  }

  void check_key(const Node& key) const {
    const Mark mark{file_, key.line, key.column};
    if (key.kind != Node::Kind::scalar) throw ConfigError(mark, "a key must be text");
    if (key.text == "<<" && !key.quoted)
      throw ConfigError(mark, "merge keys (<<) are not supported; write the keys out");
    if (key.text.empty()) throw ConfigError(mark, "a key is empty");
  }

  void refuse_duplicates(const Node& mapping) const {
    const auto& entries = mapping.entries;
    auto refuse = [&](const Node& again, const Node& first) {
      throw ConfigError(
          {file_, again.line, again.column},
          str("the key ", in_quotes(again.text), " stands here twice (first on line ", first.line, ")"));
    };
    if (entries.size() <= 16) {
      for (std::size_t i = 1; i < entries.size(); ++i) {
        for (std::size_t k = 0; k < i; ++k) {
          if (entries[i].first.text == entries[k].first.text) refuse(entries[i].first, entries[k].first);
        }
      }
      return;
    }
    std::unordered_map<std::string_view, const Node*> seen;
    seen.reserve(entries.size());
    for (const auto& [key, value] : entries) {
      const auto [first, added] = seen.emplace(key.text, &key);
      if (!added) refuse(key, *first->second);
    }
  }

  Node aliased(const Event& event) {
    const std::string name = text_of(event->data.alias.anchor);
    if (std::find(open_anchors_.begin(), open_anchors_.end(), name) != open_anchors_.end()) {
      throw error_at(event->start_mark, str("the alias *", name, " stands inside the value that it names"));
    }
    const auto found = anchors_.find(name);
    if (found == anchors_.end())
      throw error_at(
          event->start_mark,
          str("the alias *", name, " names no anchor above it (text that starts with * must be in quotes)"));
    count(found->second.nodes, found->second.bytes, event->start_mark);
    return found->second.node;
  }

  struct Anchored {
    Node node;
    std::size_t nodes = 0;
    std::size_t bytes = 0;
  };

  static void measure(const Node& node, Anchored& sum) {
    sum.nodes += 1;
    sum.bytes += node.text.size();
    for (const auto& item : node.items) measure(item, sum);
    for (const auto& [key, value] : node.entries) measure(key, sum), measure(value, sum);
  }

  /// Anchored values are copied, so they count twice.
  void remember(const std::string& anchor, const Node& node) {
    Anchored anchored;
    measure(node, anchored);
    count(anchored.nodes, anchored.bytes,
          {0, static_cast<std::size_t>(node.line - 1), static_cast<std::size_t>(node.column - 1)});
    anchored.node = node;
    anchors_[anchor] = std::move(anchored);
  }

  void count(std::size_t nodes, std::size_t copied_bytes, const yaml_mark_t& mark) {
    nodes_ += nodes;
    copied_bytes_ += copied_bytes;
    if (nodes_ > limits_.nodes || copied_bytes_ > limits_.bytes) {
      throw error_at(mark, str("more than ", human_count(static_cast<std::int64_t>(limits_.nodes)),
                               " values or ", human_bytes(static_cast<double>(limits_.bytes)),
                               ", aliases counted as what they stand for"));
    }
  }

  bool wants_key() const {
    return !frames_.empty() && frames_.back().node.kind == Node::Kind::mapping && !frames_.back().has_key;
  }

  void refuse_tag(const yaml_char_t* tag, const yaml_mark_t& mark) const {
    if (tag)
      throw error_at(
          mark, str("the tag ", in_quotes(text_of(tag)), " is not supported: types follow from the keys"));
  }

  static void place(Node& node, const yaml_mark_t& mark) {
    node.line = static_cast<int>(mark.line) + 1;
    node.column = static_cast<int>(mark.column) + 1;
  }

  ConfigError error_at(const yaml_mark_t& mark, const std::string& message) const {
    return {Mark{file_, static_cast<int>(mark.line) + 1, static_cast<int>(mark.column) + 1}, message};
  }

  ConfigError syntax_error() {
    const yaml_parser_t& parser = *parser_.get();
    if (parser.error == YAML_MEMORY_ERROR) throw std::bad_alloc();
    if (parser.error == YAML_READER_ERROR) {
      const auto read = std::string_view(text_).substr(0, parser.problem_offset);
      const auto line = static_cast<std::size_t>(std::count(read.begin(), read.end(), '\n'));
      const auto last = read.rfind('\n');
      const std::size_t column = last == std::string_view::npos ? read.size() : read.size() - last - 1;
      return error_at({0, line, column}, str("not YAML: ", parser.problem));
    }
    // libyaml counts characters; the advice only looks at ASCII, so find the byte by line and column.
    std::size_t at = 0;
    for (std::size_t line = 0; line < parser.problem_mark.line && at != std::string::npos; ++line)
      at = text_.find('\n', at) + 1;
    return error_at(parser.problem_mark, str("not YAML: ", parser.problem, context_of(parser),
                                             advice(parser, text_, at + parser.problem_mark.column)));
  }

  const std::string& text_;
  const std::string& file_;
  const YamlLimits& limits_;
  Parser parser_;
  Node root_;
  std::vector<Frame> frames_;
  std::vector<std::string> open_anchors_;
  std::unordered_map<std::string, Anchored> anchors_;
  std::size_t nodes_ = 0;
  std::size_t copied_bytes_ = 0;
  int documents_ = 0;
};

Mark first_bad_byte(const std::string& text, const std::string& file) {
  // Lines are checked one by one: no character of UTF-8 crosses a line feed.
  int line = 1;
  for (std::string_view rest = text; !rest.empty(); ++line) {
    const auto end = std::min(rest.find('\n'), rest.size());
    const auto here = rest.substr(0, end);
    if (!is_utf8(here)) return {file, line, 1};
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return {file, line, 1};
}

}  // namespace

Node parse_yaml(const std::string& text, const std::string& file, const YamlLimits& limits) {
  if (text.size() > limits.bytes) {
    throw ConfigError({file}, str(human_bytes(static_cast<double>(text.size())), " of text; ",
                                  human_bytes(static_cast<double>(limits.bytes)), " are the most"));
  }
  if (!is_utf8(text)) throw ConfigError(first_bad_byte(text, file), "this line is not UTF-8");
  constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";  // some editors begin UTF-8 with it
  if (text.starts_with(byte_order_mark)) return parse_yaml(text.substr(byte_order_mark.size()), file, limits);
  return TreeBuilder(text, file, limits).build();
}

}  // namespace rankflow
