#include <fcntl.h>

#include <algorithm>
#include <cstdio>

#include "base/error.h"
#include "base/text.h"
#include "io/file.h"
#include "launchers/commands.h"
#include "launchers/templates.h"
#include "launchers/text_table.h"

namespace rankflow {
namespace {

int list_templates() {
  TextTable table({{"template"}, {"what it is"}});
  for (const auto& t : templates()) table.add({{t.name}, {t.summary}});
  std::fputs(str(table.text(0, false), "\nrankflow new TEMPLATE writes TEMPLATE.yaml\n").c_str(), stdout);
  return code(ExitStatus::ok);
}

const Template& find_template(const std::string& name) {
  std::vector<std::string> names;
  for (const auto& t : templates()) {
    if (t.name == name) return t;
    names.push_back(t.name);
  }
  throw Error(ExitStatus::usage, str("there is no template \"", name, "\"", did_you_mean(name, names)),
              str("one of ", join(names, ", ")));
}

}  // namespace

int new_command(const CommandLine& line) {
  if (line.arguments.empty()) return list_templates();
  const Template& chosen = find_template(line.arguments[0]);
  const std::string file = line.arguments.size() > 1 ? line.arguments[1] : chosen.name + ".yaml";
  if (file == "-") {
    std::fputs(chosen.text.c_str(), stdout);
    return code(ExitStatus::ok);
  }
  if (exists(file))
    throw Error(ExitStatus::usage, str(file, " is there already and is not overwritten"), "another name");
  File out(file, O_WRONLY | O_CREAT | O_EXCL);
  out.write_all(chosen.text);
  out.close();
  std::fputs(str("wrote ", file, "; rankflow run ", file, " runs it\n").c_str(), stdout);
  return code(ExitStatus::ok);
}

}  // namespace rankflow
