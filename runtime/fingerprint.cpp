#include "runtime/fingerprint.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/error.h"
#include "base/sha256.h"
#include "base/text.h"
#include "runtime/binding.h"
#include "runtime/device.h"
#include "runtime/schedule.h"

namespace rankflow {
namespace {

constexpr int format = 1;

std::string binding_text(const Binding& b) {
  return b.kind == Binding::Kind::input ? str("${{inputs.", b.name, "}}")
                                        : str("${{steps.", b.step, ".outputs.", b.name, "}}");
}

// Length of the path that follows a binding in a command's text: up to a blank, a quote or what ends a word
// in a shell.
std::size_t path_length(const std::string& text) {
  const auto end = text.find_first_of(" \t\r\n\"'`;|&<>(),:");
  return end == std::string::npos ? text.size() : end;
}

// What can't stand in JSON as it is (a file name or variable that is no UTF-8) keeps its bytes as \xHH.
std::string as_utf8(const std::string& text) {
  if (is_utf8(text)) return text;
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (const unsigned char c : text) {
    if (c < 0x80) {
      out += static_cast<char>(c);
    } else {
      out += {'\\', 'x', digits[c >> 4], digits[c & 15]};
    }
  }
  return out;
}

std::string without_trailing_slashes(std::string path) {
  while (path.ends_with('/')) path.pop_back();
  return path;
}

}  // namespace

// Builds the ingredients of one step.
class IngredientsBuilder {
 public:
  IngredientsBuilder(Fingerprinter& all, const PipelineStep& step, const OutputDigest& output_digest)
      : all_(all), step_(step), output_digest_(output_digest) {}

  Json build() {
    // One by one: what stands in a list in braces is copied, and thousands of steps are planned in milliseconds.
    Json out = Json::object();
    out["format"] = format;
    out["type"] = step_.type;
    out["version"] = step_.spec->version;
    out["parameters"] = parameters();
    out["inputs"] = inputs();
    out["outputs"] = step_.outputs;
    out["device"] = device_of(step_, all_.device_);
    if (step_.spec->depends_on_ranks(step_.parameters)) out["ranks"] = resolve_ranks(step_, all_.world_);
    if (step_.spec->runs_program) add_program(out);
    if (!step_.spec->runs_program) add_script(out);
    return out;
  }
  Json labels() { return std::move(labels_); }

 private:
  // Keys that have an ingredient of their own.
  bool stands_apart(const std::string& key) const {
    return step_.spec->runs_program && (key == "code" || key == "hash" || key == "env");
  }

  Json parameters() {
    Json out = Json::object();
    const Fields& fields = step_.spec->fields;
    for (const auto& [key, value] : step_.parameters.items()) {
      const auto field =
          std::find_if(fields.begin(), fields.end(), [&](const Field& f) { return f.name == key; });
      if (stands_apart(key) || (field != fields.end() && field->cosmetic)) continue;
      out.emplace(key, bound(value));
    }
    return out;
  }

  Json bound(const Json& value) {
    if (value.is_string()) return bound_text(value.get_ref<const std::string&>());
    if (value.is_number_float()) return whole_as_integer(value);
    if (value.is_array()) {
      Json out = Json::array();
      for (const auto& element : value) out.push_back(bound(element));
      return out;
    }
    if (value.is_object()) {
      Json out = Json::object();
      for (const auto& [key, element] : value.items()) out.emplace(key, bound(element));
      return out;
    }
    return value;
  }

  // 1 and 1.0 mean the same to a person, so they are the same.
  static Json whole_as_integer(const Json& value) {
    const double number = value.get<double>();
    constexpr double exact = 9007199254740992.0;  // 2^53
    if (std::abs(number) < exact && number == std::floor(number)) return static_cast<std::int64_t>(number);
    return value;
  }

  std::string bound_text(const std::string& text) {
    if (!has_binding(text)) return text;
    std::string out;
    const std::vector<Binding> pieces = parse_bindings(text);
    std::size_t used = 0;  // of the literal piece that follows: it was part of a path
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      const Binding& b = pieces[i];
      const bool literal_follows = i + 1 < pieces.size() && pieces[i + 1].kind == Binding::Kind::literal;
      switch (b.kind) {
        case Binding::Kind::literal:
          out.append(b.text, std::exchange(used, 0));
          break;
        case Binding::Kind::input:
          out += str("<", content(b, literal_follows ? path_below(pieces[i + 1].text, used) : ""), ">");
          break;
        case Binding::Kind::step_output:
          out += str("<", artifact(b), ">");
          break;
        case Binding::Kind::own_output:
          out += str("<output ", b.name, ">");
          break;
        case Binding::Kind::parameter:
          throw Error(ExitStatus::internal,
                      str("step ", step_.name, ": a binding to parameter ", b.name, " is left"));
      }
    }
    return out;
  }

  // The path at the start of `text`. With a wildcard or variable in it any file of the input may be meant:
  // then it stays in the text and the whole input counts.
  static std::string path_below(const std::string& text, std::size_t& used) {
    std::string path = text.substr(0, path_length(text));
    if (path.find_first_of("*?[{$") != std::string::npos) return "";
    used = path.size();
    return path;
  }

  // "content DIGEST" of what lies at `below` in an input.
  std::string content(const Binding& b, const std::string& below) {
    const PipelineInput* input = all_.pipeline_.find_input(b.name);
    if (!input) throw Error(ExitStatus::internal, str("step ", step_.name, ": no input is called ", b.name));
    if (input->path.empty() && !input->remote) {
      throw Error(ExitStatus::configuration, str("input ", b.name, " has no path"),
                  str("--input ", b.name, "=PATH"));
    }
    try {
      check_version(*input);
      const std::string key = all_.content_of(*input, without_trailing_slashes(below));
      label(key, str(binding_text(b), below,
                     input->dataset.empty() ? "" : str(" (dataset ", input->dataset, ")")));
      return key;
    } catch (const Error& e) {
      throw Error(e.status(), str("input ", b.name, ": ", e.message()),
                  e.hint().empty() ? str("--input ", b.name, "=PATH") : e.hint());
    }
  }

  // A version of a dataset means the bytes that were registered.
  void check_version(const PipelineInput& input) {
    if (input.content.empty()) return;
    if ((input.remote ? all_.remote_digest(input) : all_.digest_at(input.path)) == input.content) return;
    throw Error(ExitStatus::bad_data,
                str(input.remote ? shown(*input.remote) : input.path,
                    " has changed since it was registered as dataset ", input.dataset),
                str("rankflow dataset register makes a new version of what is there now; with --copy it "
                    "can't change"));
  }

  std::string artifact(const Binding& b) {
    const std::string key = str("artifact ", output_digest_(b.step, b.name));
    label(key, binding_text(b));
    return key;
  }

  void label(const std::string& key, const std::string& text) {
    if (!labels_.contains(key)) labels_[key] = text;
  }

  Json inputs() {
    Json out = Json::object();
    for (const auto& [name, text] : step_.inputs) out[name] = source(name, text);
    return out;
  }

  // An input of the step: one binding and a path below it, or a plain path.
  std::string source(const std::string& name, const std::string& text) {
    if (!has_binding(text)) {
      const std::string path = text.starts_with('/') ? text : all_.pipeline_.folder + "/" + text;
      return str("content:", all_.digest_at(path));
    }
    const std::vector<Binding> pieces = parse_bindings(text);
    const bool sound = pieces.size() == 1 || (pieces.size() == 2 && pieces[1].kind == Binding::Kind::literal);
    const std::string below = pieces.size() == 2 ? pieces[1].text : "";
    if (sound && pieces[0].kind == Binding::Kind::input) {
      std::string key = content(pieces[0], below);
      key[key.find(' ')] = ':';
      return key;
    }
    if (sound && pieces[0].kind == Binding::Kind::step_output) {
      return str("artifact:", artifact(pieces[0]).substr(sizeof "artifact"), without_trailing_slashes(below));
    }
    throw Error(ExitStatus::configuration,
                str("step ", step_.name, ": input ", name, " is \"", text, "\", which is not one path"),
                "one ${{inputs.x}} or ${{steps.s.outputs.o}}, followed by a path below it where needed");
  }

  void add_program(Json& out) {
    const Json& parameters = step_.parameters;
    const auto& name = parameters.at("command").at(0).get_ref<const std::string&>();
    const std::string search_path = path_variable();
    if (!has_binding(name) && !has_binding(search_path)) {
      out["program"] = all_.program(name, search_path, "command", step_);
    }
    Json code = Json::object();
    add_code(code, "code", true);
    add_code(code, "hash", false);
    if (!code.empty()) out["code"] = std::move(code);
    if (const auto env = parameters.find("env"); env != parameters.end() && !env->empty()) {
      out["env"] = environment(*env);
    }
  }

  /// Of a step that runs code of the user's beside other things: its keys entry_script and code, and the interpreter.
  void add_script(Json& out) {
    Json code = Json::object();
    const Json script = step_.parameters.value("entry_script", Json());
    const bool is_python = script.is_string() && !script.get_ref<const std::string&>().ends_with(".so");
    if (const Json python = step_.parameters.value("python", Json()); is_python && python.is_string())
      out["program"] = all_.program(python, path_variable(), "python", step_);
    for (const char* key : {"entry_script", "code"}) add_code(code, key, true);
    if (!code.empty()) out["code"] = std::move(code);
  }

  /// One path or glob, or a list of them.
  void add_code(Json& code, const std::string& key, bool skip_ignored) {
    const auto patterns = step_.parameters.find(key);
    if (patterns == step_.parameters.end()) return;
    for (const auto& pattern : patterns->is_array() ? *patterns : Json::array({*patterns})) {
      code.update(all_.code_of(pattern.get_ref<const std::string&>(), key, skip_ignored, step_));
    }
  }

  // The PATH that the program itself is looked up in.
  std::string path_variable() const {
    if (const auto env = step_.parameters.find("env"); env != step_.parameters.end()) {
      if (const auto path = env->find("PATH"); path != env->end() && path->is_string()) return *path;
    }
    return all_.disk_.environment("PATH").value_or("/bin:/usr/bin");
  }

  // A variable without a value is passed on from the environment that rankflow has.
  Json environment(const Json& declared) {
    Json out = Json::object();
    for (const auto& [name, value] : declared.items()) {
      if (!value.is_null()) {
        out[name] = bound(value);
      } else if (const auto now = all_.disk_.environment(name)) {
        out[name] = as_utf8(*now);
      } else {
        out[name] = nullptr;
      }
    }
    return out;
  }

  Fingerprinter& all_;
  const PipelineStep& step_;
  const OutputDigest& output_digest_;
  Json labels_ = Json::object();
};

namespace {

std::string family_of(const Json& ingredients, const std::vector<std::string>& by_file) {
  const Json& inputs = ingredients.at("inputs");
  if (std::none_of(by_file.begin(), by_file.end(), [&](const auto& input) { return inputs.contains(input); }))
    return "";
  Json family = ingredients;
  for (const std::string& input : by_file) {
    if (inputs.contains(input)) family["inputs"][input] = nullptr;
  }
  return sha256("rankflow family 2\n" + family.dump());
}

std::string work_of(const Json& ingredients, const Fields& fields, const std::string& digest) {
  const Json& parameters = ingredients.at("parameters");
  const auto judges = [&](const Field& f) { return f.judging && parameters.contains(f.name); };
  if (std::none_of(fields.begin(), fields.end(), judges)) return digest;
  Json work = ingredients;
  for (const Field& field : fields) {
    if (field.judging) work["parameters"].erase(field.name);
  }
  return sha256(work.dump());
}

}  // namespace

Fingerprinter::Fingerprinter(const Pipeline& pipeline, PlanDisk& disk, int world, std::string device)
    : pipeline_(pipeline), disk_(disk), world_(world), device_(std::move(device)) {}

Fingerprint Fingerprinter::of(const PipelineStep& step, const OutputDigest& output_digest) {
  IngredientsBuilder builder(*this, step, output_digest);
  Fingerprint made;
  made.ingredients = builder.build();
  made.labels = builder.labels();
  made.digest = sha256(made.ingredients.dump());
  made.work = work_of(made.ingredients, step.spec->fields, made.digest);
  made.family = family_of(made.ingredients, step.spec->by_file);
  return made;
}

void Fingerprinter::check(const PipelineStep& step) {
  const OutputDigest unknown = [](const std::string&, const std::string&) { return std::string("unknown"); };
  IngredientsBuilder(*this, step, unknown).build();
}

const std::string& Fingerprinter::digest_at(const std::string& path) {
  const auto [entry, added] = digests_.try_emplace(path);
  if (added) {
    try {
      entry->second = content_now(path);
    } catch (...) {
      digests_.erase(entry);
      throw;
    }
  }
  return entry->second;
}

void Fingerprinter::check_unchanged(const std::string& path) {
  const std::string key = without_trailing_slashes(path);
  if (content_now(key) == digest_at(key)) return;
  throw Error(ExitStatus::bad_data, str(key, " changed since the run was planned"), "the same command again");
}

std::string Fingerprinter::content_now(const std::string& path) {
  for (const PipelineInput& input : pipeline_.inputs) {
    if (!input.selection || !path.starts_with(input.path)) continue;
    if (path == input.path) return disk_.content_digest(*input.selection);
    const std::string below = path.substr(input.path.size());
    const std::string place = place_in(*input.selection, below.substr(below.find_first_not_of('/')));
    if (place.empty())
      throw Error(ExitStatus::io, str("nothing in it is called ", below.substr(below.find_first_not_of('/'))),
                  str("a name such as ", input.selection->members.front().name));
    return disk_.content_digest(place);
  }
  return disk_.content_digest(path);
}

std::string Fingerprinter::content_of(const PipelineInput& input, const std::string& below) {
  if (!input.remote) return str("content ", digest_at(input.path + below));
  const std::string& digest = remote_digest(input);
  if (declared_digest(*input.remote).empty()) return str("remote ", digest, below);
  if (below.empty()) return str(input.remote->sha256.empty() ? "remote " : "content ", digest);
  throw Error(ExitStatus::configuration,
              str(shown(*input.remote), " is one file; nothing lies at ", below, " below it"));
}

const std::string& Fingerprinter::remote_digest(const PipelineInput& input) {
  const Location& location = *input.remote;
  const auto [entry, added] = digests_.try_emplace(to_json(location).dump());
  if (added) {
    try {
      entry->second = declared_digest(location);
      if (entry->second.empty()) entry->second = disk_.remote_digest(location);
    } catch (...) {
      digests_.erase(entry);
      throw;
    }
  }
  return entry->second;
}

const Json& Fingerprinter::code_of(const std::string& pattern, const std::string& named_by, bool skip_ignored,
                                   const PipelineStep& step) {
  const std::string key = (skip_ignored ? 'c' : 'h') + pattern;
  if (const auto known = code_.find(key); known != code_.end()) return known->second;
  Json code = Json::object();
  for (const std::string& path : disk_.find_files(pattern, pipeline_.folder, skip_ignored)) {
    code[as_utf8(path)] = digest_at(path.starts_with('/') ? path : pipeline_.folder + "/" + path);
  }
  if (code.empty()) {
    const char* hint =
        skip_ignored
            ? "paths are relative to the pipeline file; .rankflowignore and .gitignore leave files out"
            : "globs are relative to the pipeline file";
    throw ConfigError(step.mark,
                      str("step ", in_quotes(step.name), ": ", named_by, " names ", in_quotes(pattern),
                          ", but no such file is below ", pipeline_.folder, ". Try: ", hint));
  }
  return code_.emplace(key, std::move(code)).first->second;
}

const std::string& Fingerprinter::program(const std::string& name, const std::string& search_path,
                                          const std::string& named_by, const PipelineStep& step) {
  const std::string relative = named_by == "command" ? step.parameters.value("folder", ".") : ".";
  std::string folder = relative.starts_with('/') ? relative : pipeline_.folder;
  if (relative != "." && folder != relative) folder += "/" + relative;
  const std::string key = join({name, folder, search_path}, "\n");
  if (const auto known = programs_.find(key); known != programs_.end()) return known->second;
  const std::string path = disk_.find_program(name, folder, search_path);
  if (path.empty()) {
    const bool by_path = name.find('/') != std::string::npos;
    throw ConfigError(
        step.mark,
        str("step ", in_quotes(step.name), ": ", named_by, ": ",
            by_path
                ? str("there is no program ", name, " below ", folder,
                      ". Try: a path with a '/' is relative to that folder, and the file must be executable")
                : str("program ", in_quotes(name), " is not in PATH. Try: ./", name, " if it lies in ",
                      folder)));
  }
  return programs_.emplace(key, digest_at(path)).first->second;
}

}  // namespace rankflow
