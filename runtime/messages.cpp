#include "runtime/messages.h"

namespace rankflow {

namespace {

Json to_json(const std::vector<RemoteInput>& inputs) {
  Json out = Json::array();
  for (const RemoteInput& input : inputs)
    out.push_back({{"location", input.location}, {"digest", input.digest}});
  return out;
}

}  // namespace

Json to_json(const WorkOrder& a) {
  Json downloads = Json::array();
  for (const auto& d : a.downloads) {
    downloads.push_back(
        {{"source", d.source}, {"digest", d.digest}, {"kind", static_cast<int>(d.kind)}, {"store", d.store}});
  }
  return {{"kind", "assign"},
          {"id", a.id},
          {"step", a.step},
          {"type", a.type},
          {"parameters", a.parameters},
          {"inputs", a.inputs},
          {"read_in_place", a.read_in_place},
          {"remote", to_json(a.remote)},
          {"outputs", a.outputs},
          {"ranks", a.ranks},
          {"downloads", downloads},
          {"download_folder", a.download_rules.folder},
          {"download_keep_bytes", a.download_rules.keep_bytes},
          {"fingerprint", a.fingerprint},
          {"family", a.family},
          {"afresh", a.afresh},
          {"checkpoints", a.checkpoints},
          {"log_folder", a.log_folder},
          {"folder", a.folder},
          {"producer", a.producer},
          {"device", a.device},
          {"attempt", a.attempt}};
}

WorkOrder work_order_from_json(const Json& j) {
  WorkOrder a;
  j.at("id").get_to(a.id);
  j.at("step").get_to(a.step);
  j.at("type").get_to(a.type);
  a.parameters = j.at("parameters");
  j.at("inputs").get_to(a.inputs);
  j.at("read_in_place").get_to(a.read_in_place);
  for (const Json& input : j.at("remote")) a.remote.push_back({input.at("location"), input.at("digest")});
  j.at("outputs").get_to(a.outputs);
  j.at("ranks").get_to(a.ranks);
  for (const Json& d : j.at("downloads"))
    a.downloads.push_back({d.at("source"), d.at("digest"),
                           static_cast<Download::Kind>(d.at("kind").get<int>()), d.at("store")});
  j.at("download_folder").get_to(a.download_rules.folder);
  j.at("download_keep_bytes").get_to(a.download_rules.keep_bytes);
  j.at("fingerprint").get_to(a.fingerprint);
  j.at("family").get_to(a.family);
  j.at("afresh").get_to(a.afresh);
  j.at("checkpoints").get_to(a.checkpoints);
  j.at("log_folder").get_to(a.log_folder);
  j.at("folder").get_to(a.folder);
  a.producer = j.at("producer");
  j.at("device").get_to(a.device);
  j.at("attempt").get_to(a.attempt);
  return a;
}

Json to_json(const Error& e) {
  return {{"status", code(e.status())}, {"message", e.message()}, {"hint", e.hint()}, {"where", e.where()}};
}

Error error_from_json(const Json& j) {
  return Error(static_cast<ExitStatus>(j.at("status").get<int>()), j.at("message").get<std::string>(),
               j.at("hint").get<std::string>());
}

}  // namespace rankflow
