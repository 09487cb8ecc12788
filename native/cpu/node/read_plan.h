// A plan from JavaScript, as src/devices/cpu/native.ts types it.
#pragma once

#include <vector>

#include "../batch.h"
#include "../plan.h"
#include "js_values.h"

/** Weights in memory are read later: `arrays` are references to them, for the caller to delete. Not yet checked. */
Plan readPlan(const Reader& reader, napi_value plan, std::vector<napi_ref>& arrays);

/** The inputs of a run. */
Batch readBatch(const Reader& reader, const Plan& plan, napi_value inputs);

Format readFormat(const Reader& reader, const std::string& name);
