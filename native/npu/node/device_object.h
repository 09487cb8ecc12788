// The object that JavaScript has for a device.
#pragma once

#include "calls.h"

/** The promise of a device. */
napi_value openDeviceObject(napi_env env, Environment* environment, napi_value options);
