// Values of JavaScript, made and read.

#include "values.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { kMessageBytes = 256 };

napi_value makeText(napi_env env, const char* text) {
  napi_value value = NULL;
  napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &value);
  return value;
}

napi_value makeNumber(napi_env env, double number) {
  napi_value value = NULL;
  napi_create_double(env, number, &value);
  return value;
}

napi_value makeObject(napi_env env) {
  napi_value value = NULL;
  napi_create_object(env, &value);
  return value;
}

napi_value makeUndefined(napi_env env) {
  napi_value value = NULL;
  napi_get_undefined(env, &value);
  return value;
}

napi_value makeIntegers(napi_env env, const int64_t* values, size_t count) {
  napi_value array = NULL;
  napi_create_array_with_length(env, count, &array);
  for (size_t i = 0; i < count; i++) napi_set_element(env, array, (uint32_t)i, makeNumber(env, (double)values[i]));
  return array;
}

void set(napi_env env, napi_value object, const char* name, napi_value value) {
  napi_set_named_property(env, object, name, value);
}

void append(napi_env env, napi_value array, napi_value value) {
  uint32_t length = 0;
  napi_get_array_length(env, array, &length);
  napi_set_element(env, array, length, value);
}

static const char* const kCodes[kNumFailureKinds] = {
    [kLibrary] = "ERR_NPU_LIBRARY",
    [kSymbol] = "ERR_NPU_SYMBOL",
    [kNoDevice] = "ERR_NPU_NO_DEVICE",
    [kBusyOrPermission] = "ERR_NPU_BUSY_OR_PERMISSION",
    [kOutOfMemory] = "ERR_NPU_OOM",
    [kModelFile] = "ERR_NPU_MODEL_FILE",
    [kSocMismatch] = "ERR_NPU_SOC_MISMATCH",
    [kGear] = "ERR_NPU_GEAR",
    [kTimeout] = "ERR_NPU_TIMEOUT",
    [kDeviceFailed] = "ERR_NPU_DEVICE_FAILED",
    [kQueueFull] = "ERR_NPU_QUEUE_FULL",
    [kClosed] = "ERR_NPU_CLOSED",
    [kInternal] = "ERR_NPU_INTERNAL",
};

napi_value makeError(napi_env env, const Failure* failure) {
  napi_value error = NULL;
  const napi_value message = makeText(env, failure->message);
  if (failure->kind == kWrongSize) {
    napi_create_range_error(env, NULL, message, &error);
    return error;
  }
  napi_create_error(env, makeText(env, kCodes[failure->kind]), message, &error);
  if (failure->aclCall != NULL) {
    set(env, error, "aclCode", makeNumber(env, failure->aclCode));
    set(env, error, "aclCall", makeText(env, failure->aclCall));
  }
  if (failure->detail[0] != '\0') set(env, error, "detail", makeText(env, failure->detail));
  return error;
}

static bool isType(napi_env env, napi_value value, napi_valuetype wanted) {
  napi_valuetype type = napi_undefined;
  return value != NULL && napi_typeof(env, value, &type) == napi_ok && type == wanted;
}

napi_value getOptional(napi_env env, napi_value object, const char* name) {
  napi_value value = NULL;
  if (!isType(env, object, napi_object) || napi_get_named_property(env, object, name, &value) != napi_ok) return NULL;
  return isType(env, value, napi_undefined) ? NULL : value;
}

/** An exception that a getter threw stays as it is. */
static bool isThrowing(napi_env env) {
  bool isPending = false;
  napi_is_exception_pending(env, &isPending);
  return isPending;
}

bool throwError(napi_env env, ThrowFunction throwIt, const char* format, ...) {
  char message[kMessageBytes];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  if (!isThrowing(env)) throwIt(env, NULL, message);
  return false;
}

bool readInteger(napi_env env, napi_value object, const char* name, int32_t min, int32_t* out) {
  double number = 0;
  const napi_value value = getOptional(env, object, name);
  if (!isType(env, value, napi_number)) return throwTypeError(env, "%s is not a number.", name);
  napi_get_value_double(env, value, &number);
  if (!(number >= min && number <= INT32_MAX) || floor(number) != number) {
    return throwRangeError(env, "%s is not an integer from %d to %d.", name, min, INT32_MAX);
  }
  *out = (int32_t)number;
  return true;
}

static char* copyText(napi_env env, napi_value value) {
  size_t bytes = 0;
  napi_get_value_string_utf8(env, value, NULL, 0, &bytes);
  char* const text = malloc(bytes + 1);
  if (text != NULL) napi_get_value_string_utf8(env, value, text, bytes + 1, NULL);
  return text;
}

char* readText(napi_env env, napi_value object, const char* name) {
  const napi_value value = getOptional(env, object, name);
  if (isType(env, value, napi_string)) return copyText(env, value);
  throwTypeError(env, "%s is not a string.", name);
  return NULL;
}

bool readOptionalText(napi_env env, napi_value object, const char* name, char** out) {
  const napi_value value = getOptional(env, object, name);
  *out = value == NULL || isThrowing(env) ? NULL : readText(env, object, name);
  return !isThrowing(env);
}

typedef struct {
  const char* name;
  napi_typedarray_type array;
} TypeNames;

/** Half precision has no array of its own in all versions of Node. */
static const TypeNames kTypes[] = {
    [kAclFloat32] = {"float32", napi_float32_array}, [kAclFloat16] = {"float16", napi_uint16_array},
    [kAclInt8] = {"int8", napi_int8_array},          [kAclInt32] = {"int32", napi_int32_array},
    [kAclUint8] = {"uint8", napi_uint8_array},       [kAclInt64] = {"int64", napi_bigint64_array},
    [kAclBool] = {"bool", napi_uint8_array},         [kAclBfloat16] = {"bfloat16", napi_uint16_array},
};

const char* typeName(int aclType) { return kTypes[aclType].name; }

static size_t arrayElementBytes(napi_typedarray_type type) {
  switch (type) {
    case napi_int16_array:
    case napi_uint16_array:
      return 2;
    case napi_int32_array:
    case napi_uint32_array:
    case napi_float32_array:
      return 4;
    case napi_float64_array:
    case napi_bigint64_array:
    case napi_biguint64_array:
      return 8;
    default:
      return 1;
  }
}

static bool readTypedArray(napi_env env, napi_value value, const char* name, int aclType, View* view) {
  napi_typedarray_type type = napi_uint8_array;
  size_t length = 0;
  void* data = NULL;
  napi_get_typedarray_info(env, value, &type, &length, &data, NULL, NULL);
  // Bytes hold elements of any type.
  if (type != kTypes[aclType].array && type != napi_uint8_array) {
    return throwTypeError(env, "%s is not an array for %s.", name, typeName(aclType));
  }
  *view = (View){.data = data, .bytes = length * arrayElementBytes(type)};
  return true;
}

bool readView(napi_env env, napi_value value, const char* name, int aclType, View* view) {
  bool isArray = false;
  bool isDataView = false;
  if (value != NULL) {
    napi_is_typedarray(env, value, &isArray);
    napi_is_dataview(env, value, &isDataView);
  }
  if (isArray) return readTypedArray(env, value, name, aclType, view);
  if (!isDataView) return throwTypeError(env, "%s is missing, or not a typed array.", name);
  void* data = NULL;
  napi_get_dataview_info(env, value, &view->bytes, &data, NULL, NULL);
  view->data = data;
  return true;
}
