#include "steps/feature_encoding.h"

#include <cmath>
#include <unordered_map>

#include "base/text.h"

namespace rankflow {
namespace {

OutputColumn numeric_features(const std::vector<NumericEncoding>& encoding, std::vector<Column> columns) {
  const auto width = static_cast<std::int64_t>(encoding.size());
  return {{"features", DType::f32, {width}},
          [encoding, columns = std::move(columns)](std::span<const std::int64_t> rows, std::byte* out) {
            std::vector<double> values(rows.size());
            for (std::size_t c = 0; c < columns.size(); ++c) {
              const NumericEncoding& t = encoding[c];
              gather_numbers(*columns[c], rows, values.data());
              float* to = reinterpret_cast<float*>(out) + c;
              for (double v : values) {
                *to = static_cast<float>(((std::isnan(v) ? t.missing : v) - t.mean) / t.scale);
                to += columns.size();
              }
            }
          }};
}

/// For each category of the data its code in the vocabulary.
std::vector<std::int64_t> codes_in(const std::vector<std::string>& vocabulary,
                                   const std::vector<std::string>& names) {
  std::unordered_map<std::string, std::int64_t> code;
  for (std::size_t i = 0; i < vocabulary.size(); ++i) code[vocabulary[i]] = static_cast<std::int64_t>(i) + 1;
  std::vector<std::int64_t> codes;
  for (const std::string& name : names) {
    auto it = code.find(name);
    codes.push_back(it == code.end() ? 0 : it->second);
  }
  return codes;
}

struct CodedCategory {
  std::vector<std::int32_t> index;  // of each source row, -1 where missing
  std::vector<std::int64_t> code;   // of each index
};

OutputColumn category_features(const std::vector<CategoryEncoding>& encoding,
                               std::vector<CategoryFeature> features) {
  auto coded = std::make_shared<std::vector<CodedCategory>>();
  for (std::size_t c = 0; c < encoding.size(); ++c) {
    coded->push_back({std::move(features[c].categories.codes),
                      codes_in(encoding[c].vocabulary, features[c].categories.names)});
  }
  return {{"categories", DType::i64, {static_cast<std::int64_t>(encoding.size())}},
          [coded](std::span<const std::int64_t> rows, std::byte* out) {
            auto* to = reinterpret_cast<std::int64_t*>(out);
            for (std::int64_t row : rows) {
              for (const CodedCategory& c : *coded) {
                const std::int32_t index = c.index[static_cast<std::size_t>(row)];
                *to++ = index < 0 ? 0 : c.code[static_cast<std::size_t>(index)];
              }
            }
          }};
}

}  // namespace

NumericEncoding learn_scaling(const std::string& name, const Moments& moments, const std::string& scaling) {
  if (moments.count == 0) {
    throw Error(ExitStatus::bad_data, str("column \"", name, "\" has no value in the training rows"),
                "leave it out of the features");
  }
  if (!std::isfinite(moments.mean)) {
    throw Error(ExitStatus::bad_data, str("column \"", name, "\" has infinite values in the training rows"),
                "leave such rows out with `filter`, or clip the column");
  }
  NumericEncoding t{name, 0, 1, moments.mean};
  if (scaling == "standardise") {
    t.mean = moments.mean;
    t.scale = moments.standard_deviation();
  } else if (scaling == "minmax") {
    t.mean = moments.minimum;
    t.scale = moments.maximum - moments.minimum;
  }
  if (!(t.scale > 0)) t.scale = 1;
  return t;
}

FeatureEncoding unscaled(const std::vector<std::string>& numeric) {
  FeatureEncoding encoding;
  for (const std::string& name : numeric) encoding.numeric.push_back({name, 0, 1, std::nan("")});
  return encoding;
}

void add_to_schema(const FeatureEncoding& encoding, Json& schema) {
  Json features = Json::array(), categories = Json::array();
  for (const NumericEncoding& t : encoding.numeric) {
    Json feature = {{"name", t.name}, {"mean", t.mean}, {"scale", t.scale}};
    if (!std::isnan(t.missing)) feature["missing"] = t.missing;
    features.push_back(std::move(feature));
  }
  for (const CategoryEncoding& t : encoding.categorical) {
    categories.push_back({{"name", t.name}, {"vocabulary", t.vocabulary}});
  }
  schema["features"] = std::move(features);
  schema["categories"] = std::move(categories);
}

FeatureEncoding encoding_from_schema(const Json& schema) {
  FeatureEncoding encoding;
  try {
    for (const Json& f : schema.at("features")) {
      encoding.numeric.push_back(
          {f.at("name"), f.at("mean"), f.at("scale"), f.value("missing", std::nan(""))});
    }
    for (const Json& c : schema.at("categories"))
      encoding.categorical.push_back({c.at("name"), c.at("vocabulary")});
  } catch (const Json::exception& e) {
    throw Error(ExitStatus::bad_data,
                str("the dataset of `statistics` was not prepared from a table: ", e.what()));
  }
  return encoding;
}

std::vector<OutputColumn> feature_columns(const FeatureEncoding& encoding, std::vector<Column> numeric,
                                          std::vector<CategoryFeature> categorical) {
  std::vector<OutputColumn> columns;
  if (!encoding.numeric.empty()) columns.push_back(numeric_features(encoding.numeric, std::move(numeric)));
  if (!encoding.categorical.empty())
    columns.push_back(category_features(encoding.categorical, std::move(categorical)));
  return columns;
}

}  // namespace rankflow
