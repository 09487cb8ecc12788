// A plan from JavaScript, as src/devices/cpu/native.ts types it.
#pragma once

#include <vector>

#include "batch.h"
#include "js_values.h"
#include "plan.h"

/** Weights in memory are read later, so the caller keeps the arrays added to `arrays` alive. Not yet checked. */
Plan readPlan(const Reader& reader, napi_value plan, std::vector<napi_value>& arrays);

/** The inputs of a run. */
Batch readBatch(const Reader& reader, const Plan& plan, napi_value inputs);

Format readFormat(const Reader& reader, const std::string& name);
