// A run as JavaScript asks for it.
#pragma once

#include "calls.h"

typedef struct {
  DeviceHandle* handle;
  Model* model;
  /** Kept until the run is done. */
  napi_value modelObject;
  bool isClosed;
} RunTarget;

/** The promise of the report; NULL, with an error thrown, when the options are not right. */
napi_value startRun(napi_env env, const RunTarget* target, napi_value options);
