#include "runtime/explain.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "base/text.h"
#include "io/json_text.h"

namespace rankflow {
namespace {

const Json& absent() {
  static const Json null;
  return null;
}

const Json& at(const Json& object, const std::string& key) {
  if (!object.is_object()) return absent();
  const auto found = object.find(key);
  return found == object.end() ? absent() : *found;
}

const Json& at(const Json& list, std::size_t index) {
  return list.is_array() && index < list.size() ? list[index] : absent();
}

std::set<std::string> keys_of(const Json& a, const Json& b) {
  std::set<std::string> keys;
  for (const Json* object : {&a, &b}) {
    if (!object->is_object()) continue;
    for (const auto& [key, value] : object->items()) keys.insert(key);
  }
  return keys;
}

std::string short_digest(const std::string& digest) {
  return digest.substr(0, 4) + "…";
}

std::string in_list(const Json& value) {
  if (!value.is_array()) return json_text(value);
  std::vector<std::string> parts;
  for (const auto& element : value) parts.push_back(in_list(element));
  return str("[", join(parts, ", "), "]");
}

std::string shown(const Json& value) {
  if (value.is_null()) return "not set";
  if (value.is_string() && !value.get_ref<const std::string&>().empty()) return value.get<std::string>();
  return in_list(value);
}

std::string arrow(const Json& before, const Json& now) {
  return str(shown(before), " → ", shown(now));
}

// Collects the lines of one comparison.
class Explanation {
 public:
  Explanation(const Json& before, const Json& before_labels, const Json& now, const Json& now_labels)
      : before_(before), before_labels_(before_labels), now_(now), now_labels_(now_labels) {}

  std::vector<std::string> lines() {
    value("fingerprint format", "format");
    value("step type", "type");
    value("step type version", "version");
    compare("parameter ", "", named(at(before_, "parameters"), before_labels_),
            named(at(now_, "parameters"), now_labels_));
    inputs();
    contents();
    value("outputs", "outputs");
    value("device", "device");
    value("ranks", "ranks");
    if (at(before_, "program") != at(now_, "program")) {
      digest_line(str("program ", shown(at(at(at(now_, "parameters"), "command"), 0))),
                  at(before_, "program"), at(now_, "program"));
    }
    code();
    environment();
    return std::move(lines_);
  }

 private:
  void value(const std::string& what, const std::string& key) {
    if (at(before_, key) != at(now_, key))
      lines_.push_back(str(what, ": ", arrow(at(before_, key), at(now_, key))));
  }

  // Down to the innermost key that differs; lists of one length whose text would not fit a line down to the
  // element.
  void compare(const std::string& what, const std::string& name, const Json& before, const Json& now) {
    if (before == now) return;
    if (before.is_object() && now.is_object()) {
      for (const auto& key : keys_of(before, now)) {
        compare(what, name.empty() ? key : str(name, ".", key), at(before, key), at(now, key));
      }
      return;
    }
    constexpr std::size_t fits_a_line = 60;
    const bool same_length = before.is_array() && now.is_array() && before.size() == now.size();
    if (same_length && shown(before).size() + shown(now).size() > fits_a_line) {
      for (std::size_t i = 0; i < now.size(); ++i) compare(what, str(name, "[", i, "]"), before[i], now[i]);
      return;
    }
    lines_.push_back(str(what, name, ": ", arrow(before, now)));
  }

  // A copy in which "<content DIGEST>" reads as what the pipeline file says.
  static Json named(const Json& value, const Json& labels) {
    if (value.is_string()) {
      std::string text = value.get<std::string>();
      if (text.find('<') == std::string::npos || !labels.is_object()) return text;
      for (const auto& [key, label] : labels.items()) {
        const std::string mark = "<" + key + ">";
        for (auto found = text.find(mark); found != std::string::npos; found = text.find(mark, found)) {
          text.replace(found, mark.size(), label.get_ref<const std::string&>());
        }
      }
      return text;
    }
    Json out = value;
    if (value.is_structured()) {
      for (auto& element : out) element = named(element, labels);
    }
    return out;
  }

  // "content:DIGEST/below" → {"content", "DIGEST", "/below"}.
  struct Source {
    std::string kind, digest, below;
  };
  static Source source(const Json& value) {
    const std::string text = value.is_string() ? value.get<std::string>() : "";
    const auto colon = text.find(':');
    if (colon == std::string::npos) return {"", text, ""};
    const auto slash = std::min(text.find('/', colon), text.size());
    return {text.substr(0, colon), text.substr(colon + 1, slash - colon - 1), text.substr(slash)};
  }
  static std::string label_of(const Source& source, const Json& labels) {
    const Json& label = at(labels, source.kind + " " + source.digest);
    return label.is_string() ? label.get<std::string>() + source.below : "";
  }

  void inputs() {
    const Json &old = at(before_, "inputs"), &recent = at(now_, "inputs");
    for (const auto& name : keys_of(old, recent)) {
      const Json &was = at(old, name), &is = at(recent, name);
      if (was == is) continue;
      if (was.is_null() || is.is_null()) {
        lines_.push_back(str("input ", name, was.is_null() ? ": added" : ": removed"));
      } else {
        input(name, source(was), source(is));
      }
    }
  }

  void input(const std::string& name, const Source& was, const Source& is) {
    const std::string was_label = label_of(was, before_labels_), is_label = label_of(is, now_labels_);
    told_.insert(label_of({is.kind, is.digest, ""}, now_labels_));
    const bool same_place = was.kind == is.kind && was.below == is.below && was_label == is_label;
    if (same_place) {
      const std::string place = is_label.empty() ? "" : str(" (", is_label, ")");
      lines_.push_back(str("input ", name, place, ": ", changed(was, is)));
      return;
    }
    const auto shown_source = [](const Source& s, const std::string& label) {
      return str(label.empty() ? s.kind + s.below : label, " (", short_digest(s.digest), ")");
    };
    lines_.push_back(
        str("input ", name, ": ", shown_source(was, was_label), " → ", shown_source(is, is_label)));
  }

  static std::string changed(const Source& was, const Source& is) {
    return str(is.kind == "artifact" ? "output" : "content", " changed (", short_digest(was.digest), " → ",
               short_digest(is.digest), ")");
  }

  // What stands in texts and has other bytes than before, unless an input of the step said so already.
  void contents() {
    if (!before_labels_.is_object() || !now_labels_.is_object()) return;
    std::map<std::string, Source> old;
    for (const auto& [key, label] : before_labels_.items()) old[label.get<std::string>()] = mark(key);
    for (const auto& [key, label] : now_labels_.items()) {
      const auto found = old.find(label.get_ref<const std::string&>());
      if (found == old.end() || told_.contains(found->first)) continue;
      const Source is = mark(key);
      if (found->second.digest != is.digest)
        lines_.push_back(str(found->first, ": ", changed(found->second, is)));
    }
  }
  static Source mark(const std::string& key) {
    const auto blank = std::min(key.find(' '), key.size());
    return {key.substr(0, blank), key.substr(std::min(blank + 1, key.size())), ""};
  }

  void code() {
    const Json &old = at(before_, "code"), &recent = at(now_, "code");
    for (const auto& path : keys_of(old, recent)) {
      const Json &was = at(old, path), &is = at(recent, path);
      if (was == is) continue;
      lines_.push_back(str("code ", path,
                           was.is_null()  ? ": added"
                           : is.is_null() ? ": removed"
                                          : ": changed"));
    }
  }

  void environment() {
    const Json old = named(at(before_, "env"), before_labels_), recent = named(at(now_, "env"), now_labels_);
    for (const auto& name : keys_of(old, recent))
      compare("environment variable ", name, at(old, name), at(recent, name));
  }

  void digest_line(const std::string& what, const Json& was, const Json& is) {
    if (was.is_string() && is.is_string()) {
      lines_.push_back(str(what, ": changed (", short_digest(was.get<std::string>()), " → ",
                           short_digest(is.get<std::string>()), ")"));
    } else {
      lines_.push_back(
          str(what, is.is_null() ? ": no longer part of the fingerprint" : ": now part of the fingerprint"));
    }
  }

  const Json &before_, &before_labels_, &now_, &now_labels_;
  std::set<std::string> told_;  // labels
  std::vector<std::string> lines_;
};

}  // namespace

std::vector<std::string> explain_change(const Json& before, const Json& before_labels, const Json& now,
                                        const Json& now_labels) {
  return Explanation(before, before_labels, now, now_labels).lines();
}

}  // namespace rankflow
