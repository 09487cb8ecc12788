// JavaScript values to and from C.
//
// Statuses of calls that only make values are not looked at: those calls fail when JavaScript is being ended, and nobody
// sees the values then.
#pragma once

#define NAPI_VERSION 8
#include <node_api.h>

#include "../failure.h"
#include "../model.h"

napi_value makeText(napi_env env, const char* text);
napi_value makeNumber(napi_env env, double number);
napi_value makeObject(napi_env env);
napi_value makeIntegers(napi_env env, const int64_t* values, size_t count);
napi_value makeUndefined(napi_env env);
void set(napi_env env, napi_value object, const char* name, napi_value value);
void append(napi_env env, napi_value array, napi_value value);

/** An Error with `code` and AscendCL's own words, or a RangeError. */
napi_value makeError(napi_env env, const Failure* failure);

/** The property, or NULL when it is undefined; also NULL with an exception pending when it cannot be read. */
napi_value getOptional(napi_env env, napi_value object, const char* name);

// These throw a TypeError or a RangeError when they return false or NULL:

typedef napi_status (*ThrowFunction)(napi_env env, const char* code, const char* message);
bool throwError(napi_env env, ThrowFunction throwIt, const char* format, ...) __attribute__((format(printf, 3, 4)));
#define throwTypeError(env, ...) throwError(env, napi_throw_type_error, __VA_ARGS__)
#define throwRangeError(env, ...) throwError(env, napi_throw_range_error, __VA_ARGS__)
/** An integer of 32 bits from `min` on. */
bool readInteger(napi_env env, napi_value object, const char* name, int32_t min, int32_t* out);
/** To be freed. */
char* readText(napi_env env, napi_value object, const char* name);
/** As readText; NULL in `out` when it is absent. */
bool readOptionalText(napi_env env, napi_value object, const char* name, char** out);

typedef struct {
  uint8_t* data;
  size_t bytes;
} View;

/** The memory of a typed array or DataView that holds elements of this type. */
bool readView(napi_env env, napi_value value, const char* name, int aclType, View* view);

/** The type's name there, such as float32. */
const char* typeName(int aclType);
