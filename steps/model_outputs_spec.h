// The key that says what models from elsewhere give, of the steps that apply models.
#pragma once

#include "runtime/field.h"

namespace rankflow {

inline Field model_outputs_field() {
  return choice("model_outputs", {"logits", "probabilities"},
                "what models from elsewhere (an export, .pt2, .pt, a plug-in) give for the classes; logits "
                "where it isn't "
                "given, and then what turns out to be probabilities is refused. Of other models it is known");
}

}  // namespace rankflow
