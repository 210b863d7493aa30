// rankflow datastore list: the named places for data, and whether they are there.
#include <unistd.h>

#include <cstdio>

#include "base/error.h"
#include "base/text.h"
#include "io/file.h"
#include "launchers/commands.h"
#include "launchers/text_table.h"
#include "runtime/site.h"

namespace rankflow {
namespace {

/// What a person would want to know before using it; "" for an object store, which is not asked.
std::string state_of(const Datastore& datastore) {
  if (!datastore.is_folder()) return "";
  if (!exists(datastore.path)) return "missing";
  return ::access(datastore.path.c_str(), R_OK | X_OK) != 0 ? "not readable"
         : ::access(datastore.path.c_str(), W_OK) != 0      ? "read only"
                                                            : "";
}

/// "env:ARCHIVE_KEY", or "access_key env:NAME, secret_key file:/PATH".
std::string references_of(const Location& location) {
  std::vector<std::string> references;
  for (const auto& [name, reference] : location.credentials)
    references.push_back(name.empty() ? reference : str(name, " ", reference));
  return join(references, ", ");
}

}  // namespace

int datastore_list_command(const CommandLine& line) {
  const Site site = load_site();
  TextTable table({{"datastore"}, {"place"}, {"state"}, {"credentials"}, {"description"}, {"declared in"}});
  Json all = Json::array();
  for (const auto& d : site.datastores) {
    const std::string state = state_of(d);
    table.add({{d.name},
               {d.is_folder() ? d.path : d.location.url},
               {state, Color::yellow},
               {references_of(d.location)},
               {d.description},
               {d.file}});
    all.push_back({{"datastore", d.name},
                   {"path", d.path},
                   {"uri", d.location.url},
                   {"endpoint", d.location.endpoint},
                   {"state", state},
                   {"credentials", references_of(d.location)},
                   {"description", d.description},
                   {"declared_in", d.file}});
  }
  const std::string text = line.flag("json") ? all.dump(2) + "\n"
                           : table.empty()
                               ? str("no datastores; ", join(site.files, " or "), " would declare them\n")
                               : table.text(0, false);
  std::fputs(text.c_str(), stdout);
  return code(ExitStatus::ok);
}

}  // namespace rankflow
