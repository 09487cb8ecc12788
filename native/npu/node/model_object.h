// The object that JavaScript has for a model.
#pragma once

#include "calls.h"

/** Takes over the use of `model` that loading it began. */
napi_value makeModelObject(napi_env env, DeviceHandle* handle, Model* model, napi_value deviceObject);
